"""A bad line between the program and one service, for which nobody has to be root: TCP is passed on, badly.

TCP is passed on by bytes, so there is no loss of packets here; for that there is :mod:`benchmarks.chaos.link`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

PIECE = 16 << 10
"""Bytes that are read at once; what is throttled waits for no more than these."""


@dataclass(slots=True)
class Weather:
    """How the line is. ``delay`` and ``jitter`` are seconds in each direction, ``rate`` is bytes a second, 0 for any.

    ``swallows``: what is sent arrives nowhere, and nobody is told. ``garbles`` is the share of pieces in which a byte
    is changed. ``refuses``: a new connection is reset. ``babbles``: it is answered with bytes that are no TLS.
    """

    delay: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0
    swallows: bool = False
    garbles: float = 0.0
    refuses: bool = False
    babbles: bool = False


class Relay:
    """Listens on ``port``, and passes on to the port ``to`` of this machine, through its ``weather``."""

    def __init__(self, to: int, chance: random.Random) -> None:
        self.to = to
        self.port = 0
        self.weather = Weather()
        self._chance = chance
        self._forgotten = 0
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """The connections there are swallow everything from now on; new ones work."""
        self._forgotten = self.connections

    def cut(self) -> None:
        """Resets every connection."""
        for writer in list(self._writers):
            with contextlib.suppress(Exception):
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        if self.weather.refuses:
            writer.transport.abort()
            return
        if self.weather.babbles:
            with contextlib.suppress(ConnectionError):
                writer.write(self._chance.randbytes(4096))
                await writer.drain()
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back, number), self._pump(there, writer, number))
        finally:
            for one in (writer, back):
                self._writers.discard(one)
                one.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, number: int) -> None:
        """One direction; bytes keep their order, whatever each of them waits for."""
        loop = asyncio.get_running_loop()
        due = free = 0.0
        waiting: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(256)

        async def deliver() -> None:
            while (item := await waiting.get()) is not None:
                await asyncio.sleep(max(0.0, item[0] - loop.time()))
                sink.write(item[1])
                await sink.drain()

        delivering = asyncio.create_task(deliver())
        try:
            while data := await source.read(PIECE):
                weather = self.weather
                if weather.swallows or number <= self._forgotten:
                    continue
                if weather.garbles and self._chance.random() < weather.garbles:
                    place = self._chance.randrange(len(data))
                    data = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
                at = loop.time()
                if weather.rate:
                    at = free = max(at, free) + len(data) / weather.rate
                due = max(due, at + max(0.0, self._chance.gauss(weather.delay, weather.jitter)))
                await waiting.put((due, data))
            if number > self._forgotten and not self.weather.swallows:
                await waiting.put(None)
                await delivering
                sink.write_eof()
        except (ConnectionError, OSError, RuntimeError):
            sink.transport.abort()
        finally:
            delivering.cancel()
            await asyncio.wait([delivering])


@asynccontextmanager
async def relayed(to: int, chance: random.Random, host: str = "127.0.0.1") -> AsyncIterator[Relay]:
    """A relay to the port ``to``, on a port of its own."""
    relay = Relay(to, chance)
    server = await asyncio.start_server(relay.serve, host, 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.cut()
