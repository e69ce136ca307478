"""Slow tools beside the talk: begun at once, asked about, ended, and told of when they are over."""

from __future__ import annotations

import asyncio
import logging

import pytest
from model_server import SAID, model_server
from place_at import PlaceAt, use

from nova.functions import tool
from nova.tools import Tool, Toolbox, ToolError, ToolSpec
from pipelines.settings.mcp import AgentSettings, McpServerSettings
from pipelines.settings.tools import ToolsSettings
from pipelines.tools.agents import agent
from pipelines.tools.beside import MOST_AT_ONCE, MOST_KEPT, TOLD_CHARS, Beside, _duration
from pipelines.tools.outside import Outside, approving
from pipelines.tools.place import SessionPlace
from pipelines.tools.progress import listener
from pipelines.virtual_time import run


def slow(seconds=60.0, *, result="It is 42.", error=None, limit=600.0, question=None):
    """A slow tool, and what became of its calls."""
    seen = []

    async def work(arguments):
        seen.append(dict(arguments))
        try:
            for minute in range(int(seconds // 60)):
                await asyncio.sleep(60)
                listener.get()(f"minute {minute + 1}")
            await asyncio.sleep(seconds % 60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        if error:
            raise error
        return result

    return Tool(ToolSpec("think_hard"), work, seconds=limit, slow=True, question=question), seen


def beside(test):
    """Runs an async test with a place, and a function that uses the tools of a slow one."""

    def called():
        async def go():
            place = PlaceAt()
            works = Beside(place)

            def using(own):
                return use((works.front(own), *works.tools))

            await test(place, using)

        run(go())

    called.__name__ = test.__name__
    return called


@beside
async def test_it_is_under_way_at_once_and_told_of_when_it_comes(place, using):
    own, seen = slow(125.0)
    call = using(own)
    assert "under way as number 1" in await call("think_hard", about="everything", times=3)
    assert place.now - place._began == 0.0
    await asyncio.sleep(100)
    assert seen == [{"about": "everything", "times": 3}]
    far = await call("check_slow_work")
    assert far == "number 1, think hard, is under way for 1 minute 40 seconds; minute 1"
    assert place.told == []
    await asyncio.sleep(100)
    ((at, about),) = place.told
    assert at == 125.0
    assert about == "Number 1, think hard (about: everything, times: 3), is done after 2 minutes 5 seconds:\nIt is 42."
    assert await call("check_slow_work", number=1) == "Number 1, think hard, is done: It is 42."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ToolError("the library is closed"), "has failed after 1 minute:\nthe library is closed"),
        (RuntimeError("secret words"), "has failed after 1 minute:\nan internal error (RuntimeError)"),
    ],
)
def test_a_failure_is_one_sentence(error, told, caplog):
    @beside
    async def test(place, using):
        own, _ = slow(60.0, error=error)
        await using(own)("think_hard")
        await asyncio.sleep(61)
        assert [about for _, about in place.told] == [f"Number 1, think hard, {told}"]

    caplog.set_level(logging.CRITICAL)
    test()


@beside
async def test_what_takes_too_long_is_ended(place, using):
    own, seen = slow(900.0, limit=300.0)
    call = using(own)
    await call("think_hard")
    await asyncio.sleep(301)
    assert seen[-1] == "cancelled"
    ((at, about),) = place.told
    assert at == 300.0
    assert about.endswith("has failed after 5 minutes:\nit gave no result within 5 minutes, and was ended")


@beside
async def test_the_user_may_end_it_and_hears_no_more_of_it(place, using):
    own, seen = slow(900.0)
    call = using(own)
    await call("think_hard")
    await asyncio.sleep(10)
    assert await call("stop_slow_work") == "Number 1, think hard, was ended by the user"
    await asyncio.sleep(1000)
    assert seen[-1] == "cancelled"
    assert place.told == []


@beside
async def test_there_are_few_at_once_and_few_are_kept(place, using):
    own, _ = slow(60.0)
    call = using(own)
    for _ in range(MOST_AT_ONCE):
        await call("think_hard")
    with pytest.raises(ToolError, match="under way already"):
        await call("think_hard")
    assert "so are the numbers 1, 2, 3" in await call("check_slow_work")
    await asyncio.sleep(61)
    for _ in range(3):
        for _ in range(MOST_AT_ONCE):
            await call("think_hard")
        await asyncio.sleep(61)
    with pytest.raises(ToolError, match="there is no number 1; there are 9, ") as caught:
        await call("check_slow_work", number=1)
    assert str(caught.value).count(",") == MOST_KEPT - 1


@beside
async def test_it_ends_with_the_session(place, using):
    own, seen = slow(900.0)
    call = using(own)
    await call("think_hard")
    await asyncio.sleep(1)
    place.end()
    await asyncio.sleep(0)
    assert seen[-1] == "cancelled"
    assert place.told == []


@beside
async def test_a_long_result_is_told_in_part_and_there_in_whole(place, using):
    own, _ = slow(1.0, result="word " * 1400)
    call = using(own)
    await call("think_hard")
    await asyncio.sleep(2)
    assert len(place.told[0][1]) <= TOLD_CHARS + 200
    assert len(await call("check_slow_work")) > 6900


@beside
async def test_nothing_was_begun(place, using):
    own, _ = slow()
    call = using(own)
    for name in ("check_slow_work", "stop_slow_work"):
        with pytest.raises(ToolError, match="nothing slow was begun"):
            await call(name)


def test_to_begin_is_an_effect_and_keeps_its_question():
    async def go():
        own, _ = slow(question=lambda arguments, language: "Shall I?")
        front = Beside(PlaceAt()).front(own)
        return front.reads, front.seconds, front.question({}, "en")

    assert run(go()) == (False, 5.0, "Shall I?")


def test_how_long_it_took():
    assert [_duration(n) for n in (0, 1, 61, 120)] == ["0 seconds", "1 second", "1 minute 1 second", "2 minutes"]


async def test_an_agent_is_asked_its_task_and_its_words_are_counted():
    async with model_server("planner") as server:
        endpoint = {"target": server.target, "tls": {"enabled": False}}
        settings = AgentSettings(description="plans", model="planner", instructions="Plan well.", endpoint=endpoint)
        far = []
        listener.set(far.append)
        plans = agent("planner", settings)
        assert (await plans.run({"task": "a trip to Ulm"})).strip() == SAID
        (asked,) = server.asked
        assert [(message["role"], message["content"].split("\n")[0]) for message in asked["messages"]] == [
            ("system", asked["messages"][0]["content"].split("\n")[0]),
            ("user", "a trip to Ulm"),
        ]
        assert "Plan well." in asked["messages"][0]["content"]
        assert "max_tokens" not in asked
        assert far[-1].startswith("it has written ")
        with pytest.raises(ToolError, match="told its task"):
            await plans.run({"task": " "})
    with pytest.raises(ToolError, match=r"^The planner at localhost:\d+ is down: nothing answers on this port\.$"):
        await plans.run({"task": "a trip to Ulm"})


def tools_named(*names):
    async def said(arguments):
        return "done"

    return tuple(Tool(ToolSpec(name), said) for name in names)


def test_patterns_decide_what_wants_a_yes():
    ask = {"files__read_*": "never", "files__*": "always", "*": "never"}
    asked = {tool.name: tool.question for tool in approving(tools_named("files__read_a", "files__write", "x"), ask)}
    assert {name: question is not None for name, question in asked.items()} == {
        "files__read_a": False, "files__write": True, "x": False,
    }  # fmt: skip
    assert asked["files__write"]({}, "en") == "Shall I run files write?"

    @tool(question=lambda arguments, language: "mine")
    async def own() -> str:
        """Mine."""
        return ""

    assert approving([own], {"own": "always"})[0].question({}, "en") == "mine"
    assert approving([own], {})[0] is own


class Servers:
    """Servers whose tools change when a test says so."""

    def __init__(self, *names):
        self.tools = tools_named(*names)
        self.watching = []

    def watch(self, changed):
        self.watching.append(changed)
        return lambda: self.watching.remove(changed)

    def become(self, *names):
        self.tools = tools_named(*names)
        for changed in self.watching:
            changed()


def test_tools_that_come_and_go_reach_a_talk_that_runs():
    async def go():
        settings = ToolsSettings(
            agents={"planner": AgentSettings(description="plans", model="m")},
            mcp={"a": McpServerSettings(command="x", slow=("*",))},
            approve={"a__b": "always"},
        )
        servers = Servers("a__b")
        place, (bundled,) = SessionPlace(), tools_named("tell_time")
        toolbox = Toolbox(own=(bundled, *Outside(settings, servers).tools(place)))
        place.join(lambda event: None, toolbox)
        usual = ["tell_time", "planner"]
        assert [tool.name for tool in toolbox.own] == [*usual, "a__b", "check_slow_work", "stop_slow_work"]
        servers.become("a__b", "a__c", "tell_time")
        assert [tool.name for tool in toolbox.own] == [*usual, "a__b", "a__c", "check_slow_work", "stop_slow_work"]
        assert toolbox.own[0] is bundled
        assert [bool(tool.question) for tool in toolbox.own] == [False, False, True, False, False, False]
        servers.become()
        assert [tool.name for tool in toolbox.own] == [*usual, "check_slow_work", "stop_slow_work"]
        place.leave()
        assert servers.watching == []

    run(go())
