"""A data channel as if it were a WebSocket: what the one says, and how it ends, is the other's as well."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import WSMsgType

from pipelines.server.app import MESSAGE_BYTES

LABEL = "oai-events"
"""What OpenAI's clients call the channel; others are closed."""

BUFFERED = 64 << 10
"""Bytes that wait in the channel before a writer waits for it."""

MOST_MESSAGES = 1000
"""Messages that may wait to be read (policy when full: the channel is closed). A channel cannot be held up."""

_log = logging.getLogger(__name__)


class DataChannel(Protocol):
    """What is used of a library's channel."""

    @property
    def readyState(self) -> str: ...  # noqa: N802 - the W3C's name

    @property
    def bufferedAmount(self) -> int: ...  # noqa: N802 - the W3C's name

    def send(self, data: str) -> None: ...

    def close(self) -> None: ...

    def on(self, event: str, f: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``data`` of a binary one is of no use to anybody."""

    type: WSMsgType
    data: str


class ChannelSocket:
    """An open data channel, as :class:`~pipelines.server.connection.Connection` takes a WebSocket."""

    close_code: int | None = None

    def __init__(self, channel: DataChannel) -> None:
        self._channel = channel
        self._waiting: deque[Message] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._over = False
        channel.on("message", self._take)
        channel.on("close", self.lost)
        channel.on("bufferedamountlow", self._room.set)

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._over or self._channel.readyState != "open"

    def lost(self) -> None:
        """The peer is gone."""
        self._over = True
        self._news.set()
        self._room.set()

    async def send_str(self, data: str) -> None:
        """Sends, once there is room. Raises ``ConnectionError`` where nobody takes it any more."""
        while not self.closed and self._channel.bufferedAmount > BUFFERED:
            self._room.clear()
            await self._room.wait()
        if self.closed:
            raise ConnectionResetError("the data channel is closed")
        try:
            self._channel.send(data)
        except ValueError as error:  # the client takes no message of that length
            _log.warning("an event was left out: %s", error)

    async def close(self, *, code: int, message: bytes) -> None:
        """Closes the channel when all was sent. A channel has no code: the last event tells why."""
        self.close_code = code
        while not self.closed and self._channel.bufferedAmount:
            self._room.clear()
            await self._room.wait()
        self._channel.close()

    def __aiter__(self) -> ChannelSocket:
        return self

    async def __anext__(self) -> Message:
        while not self._waiting:
            if self._over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def _take(self, data: str | bytes) -> None:
        if len(self._waiting) >= MOST_MESSAGES or len(data) > MESSAGE_BYTES:
            self._channel.close()
            self.lost()
        elif isinstance(data, str):
            self._waiting.append(Message(WSMsgType.TEXT, data))
        else:
            self._waiting.append(Message(WSMsgType.BINARY, ""))
        self._news.set()
