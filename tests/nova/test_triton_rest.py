from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx2
import pytest
from http_service import HttpService, answers, hangs, ok, running, says

from nova.errors import MindTimeout, ModelError
from nova.mind import Message
from nova.prompts import ChatTemplate
from nova.services.triton_client import TritonSettings
from nova.services.triton_rest import TritonRestMind
from nova.tools import ToolCall, ToolSpec

HELLO = [Message("user", "Hello.")]
MODEL = "/v2/models/nova"
STREAM, INFER, CONFIG = f"{MODEL}/generate_stream", f"{MODEL}/infer", f"{MODEL}/config"


def config(*, batch: int = 0, decoupled: bool = True) -> dict[str, Any]:
    names = {"text_input": "TYPE_STRING", "stream": "TYPE_BOOL", "sampling_parameters": "TYPE_STRING"}
    return {
        "name": "nova",
        "max_batch_size": batch,
        "input": [{"name": name, "data_type": datatype} for name, datatype in names.items()],
        "output": [{"name": "text_output", "data_type": "TYPE_STRING"}],
        "model_transaction_policy": {"decoupled": decoupled},
    }


def event(text: str) -> bytes:
    return f"data: {json.dumps({'model_name': 'nova', 'text_output': text})}\n\n".encode()


@pytest.fixture
async def service() -> AsyncIterator[tuple[HttpService, httpx2.AsyncClient]]:
    async with running() as both:
        both[0].handlers[CONFIG] = answers(config())
        yield both


def mind(client: httpx2.AsyncClient, **settings: Any) -> TritonRestMind:
    template = ChatTemplate("{{ messages[-1].content }}", ("<|im_end|>",))
    chosen = TritonSettings(**{"tell_time": False, **settings})
    return TritonRestMind(client, chosen, metadata=lambda: (("traceparent", "00-1"),), template=template)


async def heard(client: TritonRestMind) -> list[str]:
    async with aclosing(client.reply(HELLO)) as pieces:
        return [text async for text in pieces]


async def test_a_reply(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[STREAM] = says(ok(), event("Hel"), event("lo.")[:15], event("lo.")[15:] + event("<|im_end|>no"))
    assert await heard(mind(client)) == ["Hel", "lo."]
    assert fake.bodies[1]["text_input"] == "Hello."
    assert fake.bodies[1]["stream"] is True
    assert json.loads(fake.bodies[1]["sampling_parameters"])["stop"] == ["<|im_end|>"]
    assert "exclude_input_in_output" not in fake.bodies[1]  # this model does not declare it
    assert fake.headers[1]["traceparent"] == "00-1"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(ok(), b'data: {"error": "out of memory"}\n\n'), "out of memory"),
        (answers({"error": "unknown model"}, "400 Bad Request"), "unknown model"),
        (says(ok("text/html", "502 Bad Gateway") + b"<html>"), "HTTP status 502"),
        (says(ok(), b"data: {nonsense\n\n"), "no JSON object"),
        (says(ok(), b"data: " + b"x" * (1 << 21)), "an event of more than"),
    ],
)
async def test_what_the_server_refuses(
    service: tuple[HttpService, httpx2.AsyncClient], answer: Any, reason: str
) -> None:
    fake, client = service
    fake.handlers[STREAM] = answer
    with pytest.raises(ModelError, match=reason):
        await heard(mind(client))


@pytest.mark.parametrize("before", [(), (ok(),), (ok(), event("One"))], ids=["connected", "answered", "started"])
async def test_a_silent_server(service: tuple[HttpService, httpx2.AsyncClient], before: tuple[bytes, ...]) -> None:
    fake, client = service
    fake.handlers[STREAM] = hangs(*before)
    which = "next" if len(before) == 2 else "first"
    settings = {"first_token_timeout": 20.0 if which == "next" else 0.2, "token_timeout": 0.1}
    with pytest.raises(MindTimeout, match=f"no {which} token within"):
        await heard(mind(client, **settings))
    await asyncio.wait_for(fake.gone.wait(), 5)


async def test_closing_the_generator_closes_the_connection(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[STREAM] = hangs(ok(), event("One"))
    pieces = mind(client).reply(HELLO)
    assert await anext(pieces) == "One"
    await pieces.aclose()
    await asyncio.wait_for(fake.gone.wait(), 5)


@pytest.mark.parametrize("decoupled", [True, False])
async def test_a_tool_is_called(service: tuple[HttpService, httpx2.AsyncClient], decoupled: bool) -> None:
    fake, client = service
    written = ["Well. <tool_", 'call>{"name": "now"}</tool_call>', "<|im_end|>"]
    whole = {"outputs": [{"name": "text_output", "data": ["".join(written)]}]}
    fake.handlers |= {CONFIG: answers(config(decoupled=decoupled)), INFER: answers(whole)}
    fake.handlers[STREAM] = says(ok(), *map(event, written))
    template = ChatTemplate("{{ tools | length }} {{ messages[-1].content }}", ("<|im_end|>",))
    mind = TritonRestMind(client, TritonSettings(tell_time=False), template=template)
    async with aclosing(mind.reply(HELLO, [ToolSpec("now"), ToolSpec("then")])) as pieces:
        said, call = [piece async for piece in pieces]
    assert (said, isinstance(call, ToolCall) and call.name) == ("Well. ", "now")
    assert "2 Hello." in json.dumps(fake.bodies[1])


async def test_many_prompts_in_one_request(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service

    async def echoes(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        given = {tensor["name"]: tensor for tensor in body["inputs"]}["text_input"]
        outputs = [{"name": "text_output", "data": [f"{text}!<|im_end|>" for text in given["data"]]}]
        yield ok("application/json") + json.dumps({"outputs": outputs}).encode()

    fake.handlers |= {CONFIG: answers(config(batch=4, decoupled=False)), INFER: echoes}
    talks = [[Message("user", f"q{n}")] for n in range(6)]
    assert await mind(client).complete(talks) == [f"q{n}!" for n in range(6)]
    assert [body["inputs"][0]["shape"] for body in fake.bodies[1:]] == [[4, 1], [2, 1]]


async def test_concurrent_streams_where_there_is_no_batch(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service

    async def echoes(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        yield ok()
        yield event(body["text_input"])

    fake.handlers[STREAM] = echoes
    talks = [[Message("user", f"q{n}")] for n in range(4)]
    assert await mind(client, concurrency=2).complete(talks) == [f"q{n}" for n in range(4)]


async def test_too_few_answers(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers |= {CONFIG: answers(config(decoupled=False)), INFER: answers({"outputs": []})}
    with pytest.raises(ModelError, match="0 answers to 1 prompts"):
        await heard(mind(client))


async def test_not_triton_at_all(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[CONFIG] = says(ok("text/html") + b"<html>")
    with pytest.raises(ModelError, match="is this Triton's HTTP port"):
        await heard(mind(client))


async def test_a_check_that_hangs(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers["/v2/health/ready"] = hangs()
    with pytest.raises(MindTimeout, match="no answer to /v2/health/ready"):
        await mind(client, call_timeout=0.1).ready()


async def test_nobody_there() -> None:
    async with httpx2.AsyncClient(base_url="http://127.0.0.1:1") as client:
        with pytest.raises(ConnectionRefusedError):
            await heard(mind(client))


async def test_what_check_shows(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers |= {
        "/v2": answers({"name": "triton", "version": "9.9"}),
        "/v2/health/ready": says(ok() + b""),
        f"{MODEL}/ready": says(ok() + b""),
        STREAM: says(ok(), event("Hi")),
    }
    shown = await mind(client).describe()
    assert (shown.server, shown.version, shown.ready, shown.model_ready) == ("triton", "9.9", True, True)
    assert (shown.adapter, shown.decoupled) == ("vllm", True)
    assert await mind(client).ready()
    assert await mind(client).warm_up() > 0
    assert not await mind(client, model="other").ready()
    assert not (await mind(client, model="other").describe()).model_ready
