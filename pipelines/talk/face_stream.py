"""Streams her face as Live Link Face does: every pose of a conversation as a datagram, while she speaks and rests.

UDP has no connection. Nobody knows whether anybody listens, and nobody needs to: a pose that is lost is followed by
the next one. So nothing here waits, and nothing that goes wrong disturbs the conversation.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Final, Self, cast

import numpy as np

from aurora.face import ARKIT, Weights
from aurora.livelink import curves, datagram
from pipelines.conversation.face_show import POSES_PER_SECOND
from pipelines.conversation.observers import Observer
from pipelines.settings.endpoint import host_and_port

SUBJECT: Final = "Sophia"
"""What Unreal's users choose by."""

RESOLVE_SECONDS: Final = 5.0
"""How long looking up a name may take, each time."""
RETRY_SECONDS: Final = 10.0


class FaceStream(Observer):
    """Sends poses to ``target`` ("host:port"). Enter it in the loop that runs the conversation.

    ``tell`` is handed a line when the stream begins, and one for the first thing that goes wrong; there are no more.
    ``time_of_day`` gives local seconds since midnight: a timecode is what Unreal aligns several sources by.
    """

    def __init__(
        self, target: str, tell: Callable[[str], None], time_of_day: Callable[[], float] | None = None
    ) -> None:
        self._target = target
        self._tell = tell
        self._time_of_day = time_of_day or _time_of_day
        self._device = str(uuid.uuid5(uuid.NAMESPACE_DNS, socket.gethostname())).upper()
        self._midnight = 0.0
        self._sender: _Sender | None = None
        self._opening: asyncio.Task[None] | None = None
        self._troubled = False
        self._speaking = False
        self._head = (0.0, 0.0)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._midnight = loop.time() - self._time_of_day()
        self._opening = loop.create_task(self._open(), name="face stream")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opening:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self.rest()
        if self._sender:
            self._sender.close()

    def rest(self) -> None:
        """Nobody moves her any more. Receivers keep the last pose: one of speech is followed by one that is shut."""
        if self._speaking:
            self.rested(asyncio.get_running_loop().time(), np.zeros(len(ARKIT), np.float32))

    def turned(self, time: float, head: tuple[float, float]) -> None:
        self._head = head

    def posed(self, time: float, weights: Weights) -> None:
        self._speaking = True
        self._send(time, weights)

    def rested(self, time: float, weights: Weights) -> None:
        self._speaking = False
        self._send(time, weights)

    def trouble(self, why: str) -> None:
        """Tells the first thing that went wrong."""
        if not self._troubled:
            self._troubled = True
            self._tell(f"Her face does not arrive at {self._target} (face.stream): {why}. She goes on trying.")

    def _send(self, time: float, weights: Weights) -> None:
        if self._sender is not None:
            values = curves(weights, time, self._head)
            self._sender.send(datagram(self._device, SUBJECT, time - self._midnight, POSES_PER_SECOND, values))

    async def _open(self) -> None:
        """Opens the socket; tries again as long as the name is not known."""
        loop = asyncio.get_running_loop()
        host, port = host_and_port(self._target)
        while True:
            sender = _Sender(self.trouble)
            try:
                async with asyncio.timeout(RESOLVE_SECONDS):
                    await loop.create_datagram_endpoint(lambda sender=sender: sender, remote_addr=(host, port))  # type: ignore[misc]
            except TimeoutError:
                self.trouble("its name is looked up for too long")
            except OSError as error:
                self.trouble(_why(error))
            else:
                self._sender = sender
                if not self._troubled:
                    self._tell(f"Her face is streamed to {self._target} as {SUBJECT}, as Live Link Face does.")
                await sender.closed.wait()
                self._sender = None
            await asyncio.sleep(RETRY_SECONDS)


class _Sender(asyncio.DatagramProtocol):
    """One socket. It hears what the network says of datagrams that could not be delivered; answers are not read."""

    def __init__(self, trouble: Callable[[str], None]) -> None:
        self.closed = asyncio.Event()
        self._trouble = trouble
        self._transport: asyncio.DatagramTransport | None = None
        self._full = False

    def send(self, raw: bytes) -> None:
        """Sends a datagram, or leaves it out where the network takes no more."""
        if self._transport and not self._full and not self._transport.is_closing():
            self._transport.sendto(raw)

    def close(self) -> None:
        """Closes the socket."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def error_received(self, error: Exception) -> None:
        self._trouble(_why(error))

    def connection_lost(self, error: Exception | None) -> None:
        if error:
            self._trouble(_why(error))
        self.closed.set()


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def _time_of_day() -> float:
    now = datetime.now()
    return (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
