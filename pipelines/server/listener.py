"""Listens: binds the address, hands requests to the application, and lets go within a second at the end."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from pipelines.server.errors import PortTaken, ServerError
from pipelines.server.place import Place

SHUTDOWN_SECONDS = 0.5
"""How long requests that are being answered may take at the end."""

IDLE_SECONDS = 15.0
"""A connection on which no request comes for so long is closed: else a crowd of them could take every descriptor."""


@asynccontextmanager
async def listening(app: web.Application, place: Place, port: int | None = None) -> AsyncIterator[int]:
    """Serves ``app`` at ``place`` until the block ends; yields the port, which the settings may leave open.

    Raises :class:`PortTaken` and :class:`ServerError`.
    """
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
        keepalive_timeout=IDLE_SECONDS,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, place.host, place.port if port is None else port, ssl_context=place.tls)
        try:
            await site.start()
        except OSError as error:
            raise _refused(error, place) from error
        yield site.port
    finally:
        await runner.cleanup()


def _refused(error: OSError, place: Place) -> ServerError:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(f"server.port: another program has port {place.port}; choose another, or 0 for any")
    why = error.strerror or str(error)
    if error.errno == errno.EACCES:
        return ServerError(f"server.port: port {place.port} needs rights that this program has not; choose above 1023")
    return ServerError(f"server.host: {place.host} cannot be served on ({why}); choose an address of this machine")
