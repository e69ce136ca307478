"""Answers of OpenAI-compatible servers as bytes, and a client that is asked for one."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import httpx2
from http_service import HttpService, ok

from nova.generation import MindSettings
from nova.mind import Message
from nova.services.openai_client import OpenAIMind

HELLO = [Message("user", "Hello.")]
CHAT, MODELS = "/v1/chat/completions", "/v1/models"
Service = tuple[HttpService, httpx2.AsyncClient]


def mind(client: httpx2.AsyncClient, **settings: Any) -> OpenAIMind:
    return OpenAIMind(client, MindSettings(**{"tell_time": False, **settings}))


async def heard(client: OpenAIMind, pieces: list[str] | None = None) -> str:
    pieces = [] if pieces is None else pieces
    async with aclosing(client.reply(HELLO)) as stream:
        async for text in stream:
            pieces.append(text)
    return "".join(pieces)


def sent(delta: object, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    } | more


def sse(*events: object, done: bool = True, end: str = "\n\n") -> str:
    lines = [f"data: {event if isinstance(event, str) else json.dumps(event)}{end}" for event in events]
    return "".join(lines) + (f"data: [DONE]{end}" if done else "")


ONE, TWO, STOP = sent({"content": "Hello "}), sent({"content": "there."}), sent({}, "stop")
BOTH = "Hello there."


def status(line: str, body: str, kind: str = "application/json", *fields: str) -> bytes:
    head = [
        f"HTTP/1.1 {line}",
        f"Content-Type: {kind}",
        *fields,
        f"Content-Length: {len(body)}",
        "Connection: close",
        "",
        "",
    ]
    return "\r\n".join(head).encode() + body.encode()


def in_band(body: str) -> bytes:
    return ok() + body.encode()


def writes(*pieces: str, finish: str = "stop") -> bytes:
    return in_band(sse(*(sent({"content": piece}) for piece in pieces), sent({}, finish)))
