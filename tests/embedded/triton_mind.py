"""The client of the embedded mind as the tests beside this file ask it."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import Any

import grpc

from nova.mind import Message
from nova.services.triton_client import TritonMind, TritonSettings

NOW = datetime(2026, 11, 21, 21, 16)


def mind(channel: grpc.aio.Channel, **settings: Any) -> TritonMind:
    return TritonMind(channel, TritonSettings(**settings), now=lambda: NOW)


async def heard(client: TritonMind, *texts: str) -> str:
    roles = ("user", "assistant")
    messages = [Message(roles[i % 2], text) for i, text in enumerate(texts)]  # type: ignore[arg-type]
    async with aclosing(client.reply(messages)) as pieces:
        return "".join([piece async for piece in pieces])
