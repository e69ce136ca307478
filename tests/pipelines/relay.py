"""A firewall between client and service: it forgets connections, which then carry nothing and are not closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Relay:
    """Passes TCP on to ``to`` on this machine. What it has forgotten swallows all that is sent, either way."""

    def __init__(self, to: int) -> None:
        self.port = 0
        self.connections = 0
        self._to = to
        self._forgotten = 0

    def forget(self) -> None:
        """Forgets the connections there are; new ones work."""
        self._forgotten = self.connections

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._to)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(1 << 16):
                    if number > self._forgotten:
                        sink.write(data)
                        await sink.drain()
            if number > self._forgotten:
                sink.close()

        await asyncio.gather(pump(reader, other_writer), pump(other_reader, writer))


@asynccontextmanager
async def relayed(to: int) -> AsyncIterator[Relay]:
    """A relay to the port ``to``, on a port of its own."""
    relay = Relay(to)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
