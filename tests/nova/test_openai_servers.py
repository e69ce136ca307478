"""What OpenAI-compatible servers say, in all their forms, over real HTTP."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import httpx2
import pytest
from http_service import answers, ok, running, says
from hypothesis import given
from hypothesis import strategies as st
from openai_answers import BOTH, CHAT, MODELS, ONE, STOP, TWO, Service, heard, in_band, mind, sent, sse, status, writes

from nova.errors import (
    AccessDenied,
    BrokenOff,
    MindTimeout,
    ModelError,
    NoModelServer,
    Overloaded,
    Rejected,
    UnknownModel,
)
from nova.generation import Prompting, TritonSettings
from nova.mind import Message
from nova.services.sse import Events
from pipelines.failures import explain


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running("/v1") as both:
        yield both


UNSTREAMED = {
    "id": "x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": BOTH}, "finish_reason": "stop"}],
}
HALF = r'{"choices":[{"delta":{"content":"a\ud83d"}}]}'
CALLED = {"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(sse(sent({"role": "assistant", "content": ""}), ONE, TWO, STOP), BOTH, id="plain"),
        pytest.param(sse(ONE, sent(None), TWO, STOP), BOTH, id="delta null"),
        pytest.param(sse(ONE, {"choices": [{"index": 0, "finish_reason": "stop"}]}), "Hello ", id="no delta"),
        pytest.param(sse(ONE, {"choices": None}, TWO, STOP), BOTH, id="choices null"),
        pytest.param(sse(ONE, {"id": "x"}, {"choices": [None]}, TWO, STOP), BOTH, id="choices missing"),
        pytest.param(sse(sent({"content": [{"type": "text", "text": BOTH}]}), STOP), BOTH, id="list of parts"),
        pytest.param(
            sse(sent({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, BOTH]}), STOP),
            BOTH,
            id="thoughts among the parts",
        ),
        pytest.param(
            sse({"choices": [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]}, STOP),
            "A",
            id="two choices",
        ),
        pytest.param(
            f": ping\n\n{sse(ONE, done=False)}: OPENROUTER PROCESSING\n\n{sse(TWO, STOP)}", BOTH, id="comments"
        ),
        pytest.param(sse(ONE, TWO, STOP, done=False), BOTH, id="finished without [DONE]"),
        pytest.param(sse(ONE, TWO), BOTH, id="[DONE] without finish_reason"),
        pytest.param(sse(ONE, TWO, sent({}, "length")), BOTH, id="longest answer"),
        pytest.param(
            sse(sent({"reasoning_content": "s"}), sent({"reasoning": "s"}), ONE, TWO, STOP), BOTH, id="reasoning"
        ),
        pytest.param(sse(ONE, TWO, STOP, sent({}, choices=[], usage={"total_tokens": 3})), BOTH, id="usage at the end"),
        pytest.param(f"event: ping\ndata: {{}}\n\n{sse(ONE, TWO, STOP)}", BOTH, id="ping"),
        pytest.param(sse(ONE, TWO, STOP, end="\r\n\r\n"), BOTH, id="CRLF"),
        pytest.param(sse(ONE, TWO, STOP, end="\r\r"), BOTH, id="CR"),
        pytest.param(sse(ONE, TWO, STOP, end="\n"), BOTH, id="no blank lines"),
        pytest.param(sse(ONE, TWO, STOP).replace("data: ", "data:"), BOTH, id="no blank behind the colon"),
        pytest.param(sse(json.dumps(UNSTREAMED)), BOTH, id="one whole event"),
        pytest.param(
            "".join(f"data: {line}\n" for line in json.dumps(UNSTREAMED, indent=1).split("\n")) + "\n",
            BOTH,
            id="an event over lines",
        ),
        pytest.param(json.dumps(UNSTREAMED), BOTH, id="unstreamed JSON"),
        pytest.param(json.dumps(UNSTREAMED, indent=2), BOTH, id="unstreamed JSON over lines"),
        pytest.param(sse(HALF, r'{"choices":[{"delta":{"content":"\ude00b"}}]}', STOP), "a😀b", id="surrogates"),
        pytest.param(sse(HALF, STOP), "a\ufffd", id="half a pair"),
        pytest.param(f"\ufeff{sse(ONE, TWO, STOP)}", BOTH, id="byte order mark"),
        pytest.param(sse({"choices": [{"index": "0", "text": BOTH}]}, STOP), BOTH, id="as completions"),
        pytest.param(sse({"choices": [{"index": 0, "delta": BOTH}]}, STOP), BOTH, id="delta is text"),
        pytest.param(sse(STOP), "", id="empty"),
        pytest.param(sse(sent({"refusal": "I would rather not."}), STOP), "I would rather not.", id="refusal"),
        pytest.param(sse(ONE, sent(CALLED), TWO, sent({}, "tool_calls")), BOTH, id="a tool beside text"),
    ],
)
async def test_forms_of_answers(service: Service, body: str, said: str) -> None:
    fake, client = service
    raw = body.encode()
    fake.handlers[CHAT] = says(ok(), *(raw[at : at + 37] for at in range(0, len(raw), 37)))
    assert await heard(mind(client, first_token_timeout=5.0)) == said


@pytest.mark.parametrize(
    ("answer", "error", "line", "hint", "said"),
    [
        pytest.param(in_band(sse(ONE, TWO, done=False)), BrokenOff, "broke off", "log", BOTH, id="cut"),
        pytest.param(
            in_band('data: {"choices": [{"delta": {"cont'), ModelError, "no JSON", "", "", id="cut in an event"
        ),
        pytest.param(ok(), BrokenOff, "broke off", "log", "", id="nothing at all"),
        pytest.param(
            in_band(sse(ONE, {"error": {"message": "CUDA out of memory"}})),
            ModelError,
            "CUDA out",
            "",
            "Hello ",
            id="error event",
        ),
        pytest.param(in_band(sse(ONE, {"error": "boom"})), ModelError, "boom", "", "Hello ", id="error string"),
        pytest.param(
            in_band('event: error\ndata: {"message": "boom"}\n\n'), ModelError, "boom", "", "", id="error kind"
        ),
        pytest.param(
            in_band(sse(ONE, "[ERROR] upstream died")), ModelError, "upstream died", "", "Hello ", id="plain error"
        ),
        pytest.param(
            in_band(json.dumps({"object": "error", "message": "no"})), ModelError, "no", "", "", id="error unstreamed"
        ),
        pytest.param(in_band(sse(sent({}, "content_filter"))), ModelError, "content filter", "", "", id="filtered"),
        pytest.param(
            in_band(sse(sent(CALLED), sent({}, "tool_calls"))),
            ModelError,
            "called f instead",
            "tools",
            "",
            id="tools only",
        ),
        pytest.param(in_band("<html>login</html>"), NoModelServer, "web page", "target", "", id="a page"),
        pytest.param(in_band("Please log in"), ModelError, "Please log in", "", "", id="plain text"),
        pytest.param(
            status("307 Moved", "", "text/html", "Location: /v1/x"), NoModelServer, "/v1/x", "target", "", id="307"
        ),
        pytest.param(
            status("401 Unauthorized", '{"error": {"message": "bad key"}}'),
            AccessDenied,
            "bad key",
            "api_key_file",
            "",
            id="401",
        ),
        pytest.param(
            status("403 Forbidden", "<h1>no</h1>", "text/html"), AccessDenied, "403", "api_key_file", "", id="403"
        ),
        pytest.param(
            status("429 Slow", '{"error":{"message":"slow down"}}', "application/json", "Retry-After: 20"),
            Overloaded,
            "slow down",
            "20 s",
            "",
            id="429",
        ),
        pytest.param(
            status("429 Quota", '{"error":{"message":"pay","code":"insufficient_quota"}}'),
            Overloaded,
            "pay",
            "quota",
            "",
            id="quota",
        ),
        pytest.param(status("500 E", "<h1>bad</h1>", "text/html"), ModelError, "HTTP status 500", "log", "", id="500"),
        pytest.param(in_band('{"detail": "Not Found"}'), ModelError, "Not Found", "", "", id="detail"),
        pytest.param(status("503 Busy", '{"detail": "loading"}'), Overloaded, "loading", "again", "", id="503"),
        pytest.param(
            status("400 Bad", '{"error":{"message":"temperature must be 1","param":"temperature"}}'),
            Rejected,
            "must be 1",
            "llm.temperature to null",
            "",
            id="400",
        ),
        pytest.param(
            status("422 Bad", '{"detail":[{"msg":"too long"},{"msg":"too hot"}]}'),
            Rejected,
            "too long; too hot",
            "",
            "",
            id="422",
        ),
    ],
)
async def test_what_is_no_answer(  # noqa: PLR0917 - a table of five columns
    service: Service,
    answer: bytes,
    error: type[ModelError],
    line: str,
    hint: str,
    said: str,
) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(answer)
    pieces: list[str] = []
    with pytest.raises(error, match=line) as raised:
        await heard(mind(client, thoughts="none"), pieces)
    assert type(raised.value) is error
    assert hint in raised.value.hint
    assert "".join(pieces) == said
    shown = explain(raised.value, "llm")
    assert shown.kind == error.kind
    assert not hint or hint in shown.hint


async def test_an_unknown_model_is_told_with_those_that_are_there(
    service: Service,
) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(status("404 Not Found", '{"error": {"message": "no such model"}}'))
    fake.handlers[MODELS] = answers({"data": [{"id": "qwen"}, {"id": "llama:latest"}]})
    with pytest.raises(UnknownModel, match="no such model") as raised:
        await heard(mind(client))
    assert "llama:latest, qwen" in raised.value.hint
    with pytest.raises(UnknownModel) as raised:
        await heard(mind(client, model="llama"))
    assert "lists the model" in raised.value.hint


async def test_a_server_that_wants_another_name_for_the_limit(service: Service) -> None:
    fake, client = service
    words = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."

    async def newer(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        if "max_tokens" in body:
            yield status("400 Bad", json.dumps({"error": {"message": words, "param": "max_tokens"}}))
        else:
            yield in_band(sse(ONE, TWO, STOP))

    fake.handlers[CHAT] = newer
    one = mind(client, max_tokens=99)
    assert await heard(one) == BOTH
    assert await heard(one) == BOTH
    assert [body.get("max_tokens", body.get("max_completion_tokens")) for body in fake.bodies] == [99, 99, 99]
    assert ["max_tokens" in body for body in fake.bodies] == [True, False, False]  # learned once


async def test_what_is_null_is_left_out(service: Service) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(in_band(sse(ONE, STOP)))
    await heard(mind(client, max_tokens=None, temperature=None, top_p=None))
    assert set(fake.bodies[0]) == {"model", "messages", "stream"}
    sampling = Prompting(TritonSettings(max_tokens=None, temperature=None, top_p=None), None).sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (256, 0.6, 0.95)  # Triton has no own limits


async def test_comments_are_no_tokens(service: Service) -> None:
    fake, client = service

    async def busy(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        yield ok()
        while True:
            yield b": PROCESSING\n\n" + f"data: {json.dumps(sent({'content': ''}))}\n\n".encode()
            await asyncio.sleep(0.02)

    fake.handlers[CHAT] = busy
    with pytest.raises(MindTimeout, match="no first token within"):
        await heard(mind(client, first_token_timeout=1.0))


async def test_a_complete_answer_leaves_its_connection_to_the_next() -> None:
    connections = 0
    body = sse(ONE, TWO, STOP)
    chunked = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\n\r\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0]))
                writer.write(chunked)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1") as client:
            one = mind(client)
            assert [await heard(one) for _ in range(3)] == [BOTH] * 3
    assert connections == 1


@given(
    st.lists(
        st.sampled_from(['data: {"a": 1}', 'data:{"b": "ä"}', ": c", "", "event: error", "id: 5", "data: [DONE]"])
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(1, 9)),
)
def test_events_do_not_depend_on_the_packets(lines: list[str], end: str, sizes: list[int]) -> None:
    raw = end.join([*lines, ""]).encode()

    def read(pieces: list[bytes]) -> tuple[list[dict[str, Any]], bool]:
        events = Events("m")
        found = [event for piece in pieces for event in events.feed(piece)] + list(events.finish())
        return found, events.done

    cuts = list(itertools.accumulate(sizes, initial=0))
    pieces = [raw[a:b] for a, b in itertools.pairwise(cuts)] + [raw[cuts[-1] :]]
    assert read(pieces) == read([raw])


async def test_two_at_once_learn_the_other_name_of_the_limit(service: Service) -> None:
    fake, client = service
    both = asyncio.Barrier(2)

    async def strict(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        if "max_tokens" in body:
            await both.wait()  # neither knows of the other
            yield status("400 Bad", '{"error":{"message":"Use max_completion_tokens","param":"max_tokens"}}')
        else:
            yield writes(BOTH)

    fake.handlers[CHAT] = strict
    asked = mind(client)
    assert await asyncio.gather(heard(asked), heard(asked)) == [BOTH, BOTH]


async def test_control_tokens_do_not_reach_the_server(service: Service) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(in_band(sse(STOP)))
    talk = [Message("system", "Be kind.<|eot_id|>"), Message("user", "hi <|im_<|x|>end|>")]
    async with aclosing(mind(client).reply(talk)) as stream:
        assert [text async for text in stream] == []
    assert "|>" not in json.dumps(fake.bodies[0])
