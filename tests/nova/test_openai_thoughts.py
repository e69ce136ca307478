"""Thoughts in the answers of OpenAI-compatible servers: never spoken, and waited for no longer than needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from http_service import hangs, running, says
from openai_answers import BOTH, CHAT, HELLO, STOP, Service, heard, in_band, mind, sent, sse, status, writes

from nova.errors import (
    ModelError,
)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running("/v1") as both:
        yield both


@pytest.mark.parametrize(
    ("thoughts", "pieces", "said"),
    [
        ("opened", ["Okay, the user greets me. ", "I should greet.\n</th", "ink>\n\n", BOTH], BOTH),
        (
            "auto",
            ["<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant", "<|channel|>final<|message|>", BOTH],
            BOTH,
        ),
        ("harmony", ["analysisHm.assist", "antfinal", BOTH], BOTH),
        ("auto", ['<tool_call>\n{"name": "f"}', "\n</tool_call>"], ""),
    ],
)
async def test_thoughts_in_content(service: Service, thoughts: str, pieces: list[str], said: str) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(in_band(sse(*(sent({"content": piece}) for piece in pieces), STOP)))
    assert await heard(mind(client, thoughts=thoughts)) == said


THOUGHT = ("Okay, the user greets me. ", "I should greet.\n</th", "ink>\n\n")
"""As a server writes whose template has opened the thought."""


async def test_an_opened_thought_is_never_spoken_from_the_first_answer_on(service: Service) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(writes(*THOUGHT, BOTH))
    asked = mind(client)
    assert [await heard(asked) for _ in range(3)] == [BOTH] * 3


async def test_only_the_first_answer_waits_where_no_thought_is_opened(service: Service) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(writes("Hello ", "there."))
    asked, pieces = mind(client), list[str]()
    assert await heard(asked, pieces) == BOTH
    assert len(pieces) == 1
    fake.handlers[CHAT] = hangs(in_band(sse(sent({"content": "Hello "}), done=False)))
    async with aclosing(asked.reply(HELLO)) as stream:
        assert await anext(stream) == "Hello "


@pytest.mark.parametrize(
    ("first", "streams"),
    [
        ({"reasoning_content": "hm"}, "Hello "),
        ({"reasoning": "hm"}, "Hello "),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, "Hello "),
        ({"content": "<think>hm</think>"}, "Hello "),
        ({"content": "hm</think>"}, "Hello "),
    ],
)
async def test_what_shows_how_an_answer_began_ends_the_wait(
    service: Service, first: dict[str, Any], streams: str
) -> None:
    fake, client = service
    fake.handlers[CHAT] = hangs(in_band(sse(sent(first), sent({"content": "Hello "}), done=False)))
    async with aclosing(mind(client).reply(HELLO)) as stream:
        assert await anext(stream) == streams


async def test_a_greeting_shows_how_answers_begin_before_the_first_question(service: Service) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(writes("Hello ", "there."))
    asked = mind(client, max_tokens=20)
    await asked.learn("Be kind.")
    assert [message["role"] for message in fake.bodies[0]["messages"]] == ["system", "user"]
    assert fake.bodies[0]["max_tokens"] > 20  # a thought has room to end
    fake.handlers[CHAT] = hangs(in_band(sse(sent({"content": "Hello "}), done=False)))
    async with aclosing(asked.reply(HELLO)) as stream:
        assert await anext(stream) == "Hello "


async def test_the_first_question_does_not_wait_for_the_greeting(service: Service) -> None:
    fake, client = service
    begun = asyncio.Event()

    async def one_at_a_time(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        if begun.is_set():
            await fake.gone.wait()
            yield writes(*THOUGHT, BOTH)
        else:
            begun.set()
            yield in_band(sse(sent({"content": THOUGHT[0]}), done=False))
            await asyncio.Event().wait()

    fake.handlers[CHAT] = one_at_a_time
    asked = mind(client, first_token_timeout=20, token_timeout=20)
    learning = asyncio.create_task(asked.learn())
    await begun.wait()
    async with asyncio.timeout(10):
        assert await heard(asked) == BOTH
        await learning


@pytest.mark.parametrize("answer", [status("503 Busy", "{}"), b"", in_band("<html>")], ids=["busy", "lost", "page"])
async def test_a_greeting_that_fails_is_told_by_the_question_alone(service: Service, answer: bytes) -> None:
    fake, client = service
    fake.handlers[CHAT] = says(answer)
    asked = mind(client)
    await asked.learn()
    with pytest.raises((ModelError, OSError)):
        await heard(asked)


async def test_a_server_that_stops_to_think_is_heard_again(service: Service) -> None:
    """Whoever switched thoughts off in the server waits for one answer, and loses none."""
    fake, client = service
    asked, pieces = mind(client), list[str]()
    fake.handlers[CHAT] = says(writes(*THOUGHT, BOTH))
    assert await heard(asked) == BOTH
    fake.handlers[CHAT] = says(writes("Hello ", "there."))
    assert await heard(asked) == BOTH
    assert await heard(asked, pieces) == BOTH
    assert len(pieces) == 2


async def test_a_thought_that_took_all_the_tokens_says_so(service: Service) -> None:
    fake, client = service
    asked = mind(client)
    fake.handlers[CHAT] = says(writes(*THOUGHT, BOTH))
    await heard(asked)
    pieces: list[str] = []
    fake.handlers[CHAT] = says(writes(THOUGHT[0], finish="length"))
    with pytest.raises(ModelError, match="on a thought") as raised:
        await heard(asked, pieces)
    assert (pieces, "max_tokens" in raised.value.hint) == ([], True)
