"""One open socket: messages in, events out, and when it is cut off. What they mean is not its business.

A peer that does not read, that sends too much, or that is silent for too long is cut off with a word, and each ending
is over within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket as sockets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import WSMsgType
from aiohttp.web import WebSocketResponse

from pipelines.server.app import CLOSE_SECONDS
from pipelines.server.json_text import read, written
from pipelines.server.outbox import Event, Outbox

PING_SECONDS, PONG_SECONDS = 20.0, 10.0
"""A peer of which nothing came for so long is pinged, and so much later it is gone."""

STALL_SECONDS = 10.0
"""Without progress for so long while something waits, a peer is too slow."""

LOOK_SECONDS = 0.5
"""Between two looks whether a peer is too slow or was silent for too long."""

EVENTS_A_SECOND, EVENTS_AT_ONCE = 200.0, 1000.0
"""Messages that a client may send: sustained, and in a heap. A client with more is read more slowly."""

ONE_EVENT = 4 << 10
"""Characters that count as one message: long ones cost everybody's time, too."""

SEND_BUFFER = 64 << 10
"""Bytes of a connection that the kernel holds, doubled: a second of sound. It would take minutes of it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a socket is closed: ``code`` of the WebSocket, ``error`` as the protocol has it; None needs no word."""

    code: int
    error: str | None = None
    message: str = ""
    kind: str = "invalid_request_error"


GONE = Ending(1000)
TOO_SLOW = Ending(1008, "slow_reader", "This client takes what it is sent too slowly.")
TOO_MUCH = Ending(1008, "audio_too_fast", "More than a minute of sound waits to be heard; send it in real time.")
IDLE = Ending(1001, "session_expired", "Nothing came from this client for too long.")
SHUTTING_DOWN = Ending(1001, "server_shutting_down", "The server is shutting down.", "server_error")
FULL = Ending(1013, "session_limit_reached", "Her ears take no more; try again in a moment.", "session_limit_reached")
ENDED = Ending(1011, "session_ended", "The conversation cannot go on; see the log.", "server_error")


class Socket(Protocol):
    """What is used of a WebSocket. It yields messages, each with a ``type`` and ``data``, until the peer is gone."""

    @property
    def closed(self) -> bool: ...

    @property
    def close_code(self) -> int | None: ...

    async def send_str(self, data: str) -> None: ...

    async def close(self, *, code: int, message: bytes) -> object: ...

    def __aiter__(self) -> Any: ...


class Connection:
    """The life of one socket, with the ``transport`` under it, if that is of one's own.

    ``hear`` is handed each message as JSON gave it, or ``None`` for what is no JSON. After ``idle_seconds`` without a
    message it is ended, if there is such a limit.
    """

    def __init__(
        self,
        socket: Socket,
        transport: asyncio.Transport | None,
        hear: Callable[[object], None],
        *,
        idle_seconds: float | None = None,
    ) -> None:
        self._socket = socket
        self._hear = hear
        self._idle_seconds = idle_seconds
        self._outbox = Outbox()
        self._loop = asyncio.get_running_loop()
        self._ending: Ending | None = None
        self._ended = asyncio.Event()
        self._websocket = socket if isinstance(socket, WebSocketResponse) else None
        self._progress = self._heard = self._came = self._pinged = self._loop.time()
        self._transport = transport
        if transport and (underneath := transport.get_extra_info("socket")):
            with contextlib.suppress(OSError):
                underneath.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER)

    def send(self, events: Iterable[Event], seconds: float = 0.0) -> None:
        """Sends events that hold ``seconds`` of her voice. Never waits."""
        if not self._ended.is_set() and not self._outbox.put(events, seconds):
            self.end(TOO_SLOW)

    def end(self, ending: Ending) -> None:
        """Closes the socket; the first reason counts."""
        self._ending = self._ending or ending
        self._ended.set()

    def alive(self) -> None:
        """The peer was heard of on another way, which counts as a message."""
        self._heard = self._loop.time()

    async def run(self) -> Ending:
        """Holds the connection until the peer leaves or :meth:`end` is called; closes it and says why it ended."""
        work = [asyncio.create_task(does()) for does in (self._read, self._write, self._watch, self._ended.wait)]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            for outcome in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                    _log.error("a connection failed", exc_info=outcome)
                    self.end(ENDED)
            self.end(GONE)
            await self._close()
        assert self._ending is not None
        return self._ending

    async def _read(self) -> None:
        allowance, before = EVENTS_AT_ONCE, self._loop.time()
        async for message in self._socket:
            if message.type is WSMsgType.ERROR:
                return
            self._came = now = self._loop.time()
            cost = 1 + len(message.data) // ONE_EVENT
            allowance = min(EVENTS_AT_ONCE, allowance + (now - before) * EVENTS_A_SECOND) - cost
            before = now
            if message.type is WSMsgType.PING and self._websocket:
                await self._websocket.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                self._heard = now
                self._hear(read(message.data) if message.type is WSMsgType.TEXT else None)
            if allowance < 0:
                await asyncio.sleep(-allowance / EVENTS_A_SECOND)

    async def _write(self) -> None:
        while True:
            event = await self._outbox.get()
            await self._socket.send_str(written(event))
            self._progress = self._loop.time()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = self._loop.time()
            if not len(self._outbox):
                self._progress = now
            if now - self._progress > STALL_SECONDS:
                return self.end(TOO_SLOW)
            if self._websocket and not await self._answers(self._websocket, now):
                return self.end(GONE)
            if self._idle_seconds is not None and now - self._heard > self._idle_seconds:
                return self.end(IDLE)

    async def _answers(self, websocket: WebSocketResponse, now: float) -> bool:
        """Whether the peer seems to be there. It is asked where nothing came for long, at no cost for each packet."""
        if now - max(self._came, self._pinged) > PING_SECONDS:
            self._pinged = now
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await websocket.ping()
        return now - self._came <= PING_SECONDS + PONG_SECONDS

    async def _close(self) -> None:
        ending, transport = self._ending or GONE, self._transport
        if transport and (transport.is_closing() or transport.get_write_buffer_size() > 0):
            transport.abort()  # it does not read, and would not read a farewell
            return
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if ending.error and not self._socket.closed:
                    error = {"type": ending.kind, "code": ending.error, "message": ending.message}
                    await self._socket.send_str(written({"type": "error", "event_id": "event_end", "error": error}))
                await self._socket.close(code=ending.code, message=(ending.error or "").encode())
        if transport and self._socket.close_code != ending.code:
            transport.abort()  # else what a peer does not read would keep the socket for ever
