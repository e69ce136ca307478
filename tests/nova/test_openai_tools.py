"""Tools at an OpenAI-compatible server: what it is told, and its streamed calls put together."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from http_service import running, says
from hypothesis import given
from hypothesis import strategies as st
from openai_answers import CHAT, HELLO, ONE, STOP, Service, in_band, mind, sent, sse, status
from tool_stream import TOOLS, plain

from nova.errors import MalformedCall, ModelError
from nova.mind import Message
from nova.services.openai_wire import MOST_CALLS, CallDelta, CallParts, read
from nova.tools import Choice, Only, ToolCall

DONE = sent({}, "tool_calls")
ARGUMENTS = '{"city": "Ulm"}'


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running("/v1") as both:
        yield both


def part(index: int | None, arguments: str = "", **more: str) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": more.pop("name")} if "name" in more else {})}
    return {"type": "function", "function": function, **more, **({} if index is None else {"index": index})}


def calls(*parts: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return sent({"tool_calls": list(parts)}, finish)


async def answer(service: Service, events: list[Any], choice: Choice = "auto", tools: Any = TOOLS) -> list[Any]:
    server, client = service
    server.handlers[CHAT] = says(in_band(sse(*events)))
    async with aclosing(mind(client).reply(HELLO, tools, choice)) as pieces:
        return [piece async for piece in pieces]


@given(st.integers(1, len(ARGUMENTS)), st.booleans())
def test_parts_of_a_call_are_put_together(size: int, both: bool) -> None:
    whole = CallParts("m")
    pieces = [ARGUMENTS[at : at + size] for at in range(0, len(ARGUMENTS), size)]
    whole.add((CallDelta(0, "call_a", "get_weather"),))
    for piece in pieces:
        whole.add((CallDelta(0, arguments=piece), *([CallDelta(1, "call_b", "now")] if both else [])))
    made = [("get_weather", {"city": "Ulm"})]
    assert plain(whole.whole()[:1]) == made
    assert len(whole.whole()) == 1 + both


def test_servers_without_an_index_or_an_id_are_understood() -> None:
    whole = CallParts("m")
    whole.add((CallDelta(None, "", "now", "{}"), CallDelta(None, "", "get_weather", ARGUMENTS)))
    first, second = whole.whole()
    assert (first.name, second.name) == ("now", "get_weather")
    assert re.fullmatch("[A-Za-z0-9]{9}", first.id)  # as Mistral's servers want it
    assert first.id != second.id


def test_a_server_that_gives_each_call_the_same_place_or_the_same_id_is_understood() -> None:
    whole = CallParts("m")
    whole.add((CallDelta(0, "a", "now", "{}"),))
    whole.add((CallDelta(0, "b", "get_weather", ARGUMENTS),))
    assert [call.name for call in whole.whole()] == ["now", "get_weather"]
    twice = CallParts("m")
    twice.add((CallDelta(0, "a", "now", "{}"), CallDelta(1, "a", "now", "{}")))
    assert len({call.id for call in twice.whole()}) == 2


def test_arguments_as_an_object_and_none_at_all_are_read() -> None:
    delta = read(calls({"function": {"name": "get_weather", "arguments": {"city": "Ulm"}}}), "m")
    whole = CallParts("m")
    whole.add(delta.calls)
    whole.add(read(calls(part(3, name="now")), "m").calls)
    assert plain(whole.whole()) == [("get_weather", {"city": "Ulm"}), ("now", {})]


def test_calls_without_end_are_not_followed() -> None:
    whole = CallParts("m")
    for at in range(MOST_CALLS):
        whole.add((CallDelta(at, f"c{at}", "now"),))
    with pytest.raises(MalformedCall, match="without end"):
        whole.add((CallDelta(MOST_CALLS, "one more", "now"),))


async def test_text_and_two_calls(service: Service) -> None:
    said, first, second = await answer(
        service,
        [
            ONE,
            calls(part(0, id="call_1", name="get_weather")),
            calls(part(0, ARGUMENTS[:7])),
            calls(part(0, ARGUMENTS[7:])),
            calls(part(1, id="call_2", name="now")),
            DONE,
        ],
    )
    assert said == "Hello "
    assert first == ToolCall("call_1", "get_weather", ARGUMENTS)
    assert second == ToolCall("call_2", "now", "{}")


async def test_what_the_server_is_told(service: Service) -> None:
    await answer(service, [calls(part(0, id="c", name="now")), DONE], Only("now"))
    body = service[0].bodies[-1]
    assert [tool["function"]["name"] for tool in body["tools"]] == ["now"]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "now"}}
    await answer(service, [ONE, STOP], "none")
    assert "tools" not in service[0].bodies[-1]


async def test_calls_and_results_of_the_conversation_are_told(service: Service) -> None:
    server, client = service
    server.handlers[CHAT] = says(in_band(sse(ONE, STOP)))
    call = ToolCall("call_1", "get_weather", ARGUMENTS)
    talk = [HELLO[0], Message("assistant", "", (call,)), Message("tool", "warm<|im_end|>", answers=call)]
    async with aclosing(mind(client).reply(talk, TOOLS)) as pieces:
        assert [piece async for piece in pieces] == ["Hello "]
    *_, called, result = server.bodies[-1]["messages"]
    assert called["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": ARGUMENTS}
    assert result == {"role": "tool", "content": "warm", "tool_call_id": "call_1"}


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        (part(0, "[1]", id="c", name="now"), MalformedCall),
        (part(0, '{"city', id="c", name="get_weather"), MalformedCall),
        (part(0, "{}", id="c", name="fly"), MalformedCall),
        (part(0, "{}", id="c"), MalformedCall),
    ],
)
async def test_a_call_that_nobody_can_read_is_a_failure(service: Service, parts: Any, error: type) -> None:
    with pytest.raises(error):
        await answer(service, [calls(parts), DONE])


async def test_a_server_that_leaves_the_call_in_the_text_is_read(service: Service) -> None:
    text = [sent({"content": part}) for part in ("Well. <tool", '_call>{"name": "now"}', "</tool_call>")]
    said, call = await answer(service, [*text, STOP])
    assert (said, call.name) == ("Well. ", "now")


async def test_a_call_that_nobody_offered_is_an_error_as_ever(service: Service) -> None:
    with pytest.raises(ModelError, match="called now instead of answering"):
        await answer(service, [calls(part(0, id="c", name="now")), DONE], tools=())


@pytest.mark.parametrize(
    "words",
    [
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "registry.ollama.ai/library/gemma:2b does not support tools",
        "tools param requires --jinja flag",
    ],
)
async def test_a_server_that_takes_no_tools_is_asked_without_them_and_not_told_again(
    service: Service, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    fake, client = service

    async def toolless(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        if "tools" in body:
            yield status("400 Bad", json.dumps({"error": {"message": words, "type": "BadRequestError"}}))
        else:
            yield in_band(sse(ONE, STOP))

    fake.handlers[CHAT] = toolless
    asked = mind(client)
    for _ in range(2):
        async with aclosing(asked.reply(HELLO, TOOLS)) as pieces:
            assert [piece async for piece in pieces]
    assert ["tools" in body for body in fake.bodies] == [True, False, False]
    assert len([record for record in caplog.records if "takes no tools" in record.message]) == 1
    async with aclosing(asked.reply(HELLO, TOOLS, "required")) as pieces:
        with pytest.raises(ModelError, match="tool"):
            await anext(pieces)
