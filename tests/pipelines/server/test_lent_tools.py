"""Who watches lends tools: she calls them there in the middle of a reply, and the talk goes on whatever comes of it."""

import asyncio
import json

import pytest
from lab import Lab
from page_client import page
from rooms import house

from nova.tools import Tool, Toolbox, ToolSpec
from pipelines.conversation.events import PhaseChanged
from pipelines.server.lent import LentTools
from pipelines.server.realtime.lending import MOST_LENT
from pipelines.server.realtime.wire import Wire
from pipelines.server.watch import Hub, Watcher

PLAY = {
    "type": "function", "name": "control_timeline", "description": "Plays the stage.",
    "parameters": {"type": "object", "properties": {"action": {"type": "string"}}}, "reads": False,
}  # fmt: skip
CALL = '<tool_call>\n{"name": "control_timeline", "arguments": {"action": "play"}}\n</tool_call>'


async def types(one, text):
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await one.say({"type": "conversation.item.create", "item": item})
    await one.say({"type": "response.create"})


def watching(client, url):
    return page(client, url, path="/v1/realtime?watch=1&extensions=sophia.tools", update=False)


async def lends(kit, *tools):
    session = {"type": "realtime", "extensions": ["sophia.tools", "sophia.floor"]}
    await kit.say({"type": "session.update", "session": session})
    await kit.wait("session.updated")
    await kit.say({"type": "sophia.tools", "tools": list(tools)})


async def heard(one, nth=1):
    return (await one.wait("response.done", nth))["response"]["output"][0]["content"][0]["transcript"]


@pytest.mark.services
async def test_a_call_goes_to_who_lends_and_its_result_is_told(tmp_path, pki):
    lab = Lab(calls=CALL)
    async with house(tmp_path, pki, lab=lab, patient=True) as (client, url, _), page(client, url) as one:
        async with watching(client, url) as kit:
            await lends(kit, PLAY)
            await kit.say({"type": "sophia.tool.result", "call_id": "nobody", "output": "x"})
            await types(one, "play it")
            call = await kit.wait("sophia.tool.call")
            assert (call["name"], json.loads(call["arguments"])) == ("control_timeline", {"action": "play"})
            await kit.say({"type": "sophia.tool.result", "call_id": call["call_id"], "output": "it plays"})
            assert await heard(one) == "The tool says it plays."
            assert not one.of("sophia.tool.call")
            assert not kit.of("error")
        await types(one, "play it")  # its tool has left with it
        assert (await heard(one, 2)).startswith("Let me")


@pytest.mark.services
async def test_a_failure_and_a_program_that_leaves_in_the_middle_are_told(tmp_path, pki):
    lab = Lab(calls=CALL)
    async with house(tmp_path, pki, lab=lab, patient=True) as (client, url, _), page(client, url) as one:
        async with watching(client, url) as kit:
            await lends(kit, PLAY)
            await types(one, "play it")
            call = await kit.wait("sophia.tool.call")
            await kit.say(
                {"type": "sophia.tool.result", "call_id": call["call_id"], "output": "no stage", "failed": True}
            )
            assert await heard(one) == "The tool says The tool has failed: no stage."
            await types(one, "play it")
            await kit.wait("sophia.tool.call", 2)
        assert "has left" in await heard(one, 2)


@pytest.mark.services
async def test_who_may_not_lend_or_lends_nonsense_is_refused(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), page(client, url) as one:
        await one.say({"type": "sophia.tools", "tools": [PLAY]})
        assert (await one.wait("error"))["error"]["code"] == "not_allowed"
        async with watching(client, url) as kit:
            wrong = [
                {"tools": 3},
                {"tools": [{"type": "mcp"}]},
                {"tools": [PLAY] * 2},
                {"tools": [PLAY] * (MOST_LENT + 1)},
            ]
            for number, event in enumerate(wrong):
                await kit.say({"type": "sophia.tools", **event})
                await kit.wait("error", number + 1)
            for number, event in enumerate(({"call_id": 3, "output": ""}, {"call_id": "a"}), len(wrong)):
                await kit.say({"type": "sophia.tool.result", **event})
                await kit.wait("error", number + 1)
    async with (
        house(tmp_path, pki, client_tools=False) as (client, url, _),
        page(client, url),
        watching(client, url) as kit,
    ):
        await kit.say({"type": "sophia.tools", "tools": [PLAY]})
        assert (await kit.wait("error"))["error"]["code"] == "not_allowed"


async def test_a_call_that_is_cancelled_is_called_off():
    sent = []
    wire = Wire(began=0.0, voice_rate=16_000, watch=True, extensions=["sophia.tools"])
    tools = LentTools(wire, sent.extend)
    wishes, _ = wire.said({"type": "sophia.tools", "tools": [PLAY]}, 0.0)
    tools.lend(wishes[0].tools)
    running = asyncio.create_task(tools.tools[0].run({}))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [event["type"] for event in sent] == ["sophia.tool.call", "sophia.tool.cancel"]
    assert sent[0]["call_id"] == sent[1]["call_id"]


class Talked:
    """A conversation as a hub knows it, with one tool of her own."""

    def __init__(self):
        async def run(arguments):
            return "mine"

        self.hers = Tool(ToolSpec("set_variant", "Hers."), run)
        self.tools, self.recorded = Toolbox(own=(self.hers,)), False

    def tell(self, event):
        return

    def trace_id(self, turn):
        return ""


async def test_what_is_lent_before_a_conversation_began_is_there_when_it_begins():
    talked, there = Talked(), []
    hub = Hub(16_000, lambda: there[0] if there else None)
    watcher = Watcher(hub, Wire(began=0.0, voice_rate=16_000, watch=True, extensions=["sophia.tools"]), None)
    variant = PLAY | {"name": "set_variant"}
    watcher.hear({"type": "sophia.tools", "tools": [PLAY, variant]})
    hub.join(watcher)
    there.append(talked)
    hub.told(PhaseChanged(at=1.0, phase="idle"))
    assert [tool.name for tool in talked.tools.own] == ["set_variant", "control_timeline"]
    assert talked.tools.own[0] is talked.hers  # hers hides the one that is lent
    watcher.hear({"type": "sophia.tools", "tools": []})
    assert talked.tools.own == (talked.hers,)
    watcher.hear({"type": "sophia.tools", "tools": [PLAY]})
    hub.leave(watcher)
    assert talked.tools.own == (talked.hers,)
