from __future__ import annotations

import asyncio
import itertools
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import httpx2
import pytest
from http_service import HttpService, answers, hangs, ok, running, says

from nova.errors import MindTimeout, ModelError
from nova.generation import MindSettings
from nova.mind import Message
from nova.services.http import transport_error
from nova.services.openai_client import OpenAIMind

HELLO = [Message("user", "Hello.")]
CHAT, MODELS = "/v1/chat/completions", "/v1/models"


def chunk(content: str | None, **extra: Any) -> bytes:
    delta = {"content": content} | extra
    event = {
        "id": "1", "object": "chat.completion.chunk", "created": 0, "model": "nova",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }  # fmt: skip
    return f"data: {json.dumps(event)}\n\n".encode()


USAGE = b'data: {"id":"1","object":"chat.completion.chunk","created":0,"model":"nova","choices":[],"usage":null}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.fixture
async def service() -> AsyncIterator[tuple[HttpService, httpx2.AsyncClient]]:
    async with running("/v1") as both:
        yield both


def mind(client: httpx2.AsyncClient, **settings: Any) -> OpenAIMind:
    return OpenAIMind(
        client,
        MindSettings(**{"tell_time": False, **settings}),
        metadata=lambda: (("authorization", "Bearer secret"), ("traceparent", "00-1")),
    )


async def heard(client: OpenAIMind) -> list[str]:
    async with aclosing(client.reply(HELLO)) as pieces:
        return [text async for text in pieces]


async def test_a_reply(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    start = chunk(None, role="assistant")
    fake.handlers[CHAT] = says(ok() + start, chunk("Hel")[:40], chunk("Hel")[40:], chunk("lo."), USAGE, DONE)
    assert await heard(mind(client, seed=5, stop=("Bye",), thoughts="none")) == ["Hel", "lo."]
    (body,) = fake.bodies
    assert body["messages"] == [{"role": "user", "content": "Hello."}]
    assert (body["model"], body["stream"], body["max_tokens"], body["seed"]) == ("nova", True, 256, 5)
    assert body["stop"] == ["Bye"]
    assert fake.headers[0]["authorization"] == "Bearer secret"
    assert fake.headers[0]["traceparent"] == "00-1"


async def test_the_time_is_told(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(ok(), DONE)
    assert await heard(OpenAIMind(client, now=lambda: datetime(2026, 11, 21, 21, 16))) == []
    assert fake.bodies[0]["messages"][0] == {"role": "system", "content": "It is Saturday, 21 November 2026, 21:16."}


async def test_thoughts_are_not_spoken(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(
        ok(), chunk(None, reasoning_content="hm"), chunk("<thi"), chunk("nk>hm</think>\n"), chunk("Yes."), DONE
    )
    assert await heard(mind(client)) == ["Yes."]


@pytest.mark.parametrize("before", [(), (ok(),), (ok(), chunk("One"))], ids=["connected", "answered", "started"])
async def test_a_silent_server(service: tuple[HttpService, httpx2.AsyncClient], before: tuple[bytes, ...]) -> None:
    fake, client = service
    fake.handlers[CHAT] = hangs(*before)
    which = "next" if len(before) == 2 else "first"
    settings = {"first_token_timeout": 20.0 if which == "next" else 0.2, "token_timeout": 0.1}
    with pytest.raises(MindTimeout, match=f"no {which} token within"):
        await heard(mind(client, **settings))
    await asyncio.wait_for(fake.gone.wait(), 5)


async def test_closing_the_generator_closes_the_stream(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[CHAT] = hangs(ok(), chunk("One"))
    pieces = mind(client, thoughts="none").reply(HELLO)
    assert await anext(pieces) == "One"
    await pieces.aclose()
    await asyncio.wait_for(fake.gone.wait(), 5)


async def test_cancelling_the_task_closes_the_stream(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    spoken = asyncio.Event()

    async def listen() -> None:
        async for _ in mind(client, thoughts="none").reply(HELLO):
            spoken.set()

    fake.handlers[CHAT] = hangs(ok(), chunk("One"))
    task = asyncio.create_task(listen())
    await asyncio.wait_for(spoken.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(fake.gone.wait(), 5)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answers({"error": {"message": "no such model"}}, "404 Not Found"), "no such model"),
        (answers({"detail": "busy"}, "503 Service Unavailable"), "busy"),
        (says(ok(), b"data: {not json\n\n"), "no JSON"),
        (says(ok(), b'data: {"error": {"message": "out of memory"}}\n\n'), "out of memory"),
    ],
)
async def test_what_the_server_refuses(
    service: tuple[HttpService, httpx2.AsyncClient], answer: Any, reason: str
) -> None:
    fake, client = service
    fake.handlers[CHAT] = answer
    with pytest.raises(ModelError, match=reason):
        await heard(mind(client))
    assert sum("messages" in body for body in fake.bodies) == 1  # no retry


async def test_nobody_there() -> None:
    async with httpx2.AsyncClient(base_url="http://127.0.0.1:1/v1") as client:
        with pytest.raises(ConnectionRefusedError):
            await heard(mind(client))


async def test_a_server_that_hangs_up(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[CHAT] = says()
    with pytest.raises(ConnectionError):
        await heard(mind(client))


async def test_many_at_once(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service

    async def echoes(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        await asyncio.sleep(0.01)
        yield ok()
        yield chunk(body["messages"][-1]["content"])
        yield DONE

    fake.handlers[CHAT] = echoes
    talks = [[Message("user", f"q{n}")] for n in range(5)]
    assert await mind(client, concurrency=2).complete(talks) == [f"q{n}" for n in range(5)]
    assert fake.most == 2


async def test_what_check_shows(service: tuple[HttpService, httpx2.AsyncClient]) -> None:
    fake, client = service
    fake.handlers[MODELS] = answers({"object": "list", "data": [{"id": "nova", "object": "model"}]})
    fake.handlers[CHAT] = says(ok(), chunk("Hi"), DONE)
    assert await mind(client).ready()
    assert not await mind(client, model="other").ready()
    shown = await mind(client).describe()
    assert (shown.model_ready, shown.models) == (True, ("nova",))
    assert await mind(client).warm_up() > 0


def test_the_true_cause_of_a_transport_failure() -> None:
    def chain(*errors: BaseException) -> BaseException:
        for outer, inner in itertools.pairwise(errors):
            outer.__cause__ = inner
        return errors[0]

    cause = ssl.SSLCertVerificationError(1, "certificate has expired")
    assert transport_error(chain(RuntimeError("all failed"), OSError("attempts failed"), cause)) is cause
    name = socket.gaierror(-2, "Name or service not known")
    assert transport_error(chain(RuntimeError(), name)) is name
    assert str(transport_error(RuntimeError("no reason"))) == "no reason"
