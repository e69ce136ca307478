"""The dispatcher as a program: servers, the lease endpoint, and how it stops."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import aiohttp

from pipelines.command.endings import SETTINGS, STOPPED
from pipelines.command.stopping import STOP_SECONDS, told_to_stop
from pipelines.scale.asking import ASK_SECONDS, asking, trusting
from pipelines.scale.desk import LeaseDesk
from pipelines.scale.dispatcher import Dispatcher
from pipelines.scale.engines import Engine
from pipelines.server.errors import ServerError
from pipelines.server.listener import listening
from pipelines.server.place import find_place
from pipelines.settings.server import ServerSettings

Say = Callable[[str], None]


async def dispatch(engine: Engine, settings: ServerSettings, count: int, authority: Path | None, say: Say) -> int:
    """Runs ``count`` servers and a lease endpoint at the address of ``settings``, until told to stop.

    The first signal lets conversations come to their end, for ``drain_seconds`` at most, a second one ends it at once.
    Servers are trusted by ``authority``, else by the development authority of this machine. Returns the exit code.
    """
    try:
        place = await asyncio.to_thread(find_place, settings)
        trust = await asyncio.to_thread(trusting, authority)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS)) as client:
            dispatcher = Dispatcher(engine, asking(client, place.key, trust), count, say)
            async with listening(LeaseDesk(place.access, dispatcher).app(), place) as port:
                say(f"Leases: POST {place.url(port)}v1/leases{'  (asks for the key)' if place.key else ''}")
                return await _until_stopped(dispatcher, settings.drain_seconds, say)
    except ServerError as error:
        say(f"{error}.")
        return SETTINGS


async def _until_stopped(dispatcher: Dispatcher, drain_seconds: float, say: Say) -> int:
    work = asyncio.create_task(dispatcher.run())
    told = 0

    def stop() -> None:
        nonlocal told
        told += 1
        if told == 1:
            say(f"Stopping: conversations may come to their end, for {drain_seconds:g} s at most. Once more ends it.")
            dispatcher.close()
            asyncio.get_running_loop().call_later(drain_seconds + 2 * STOP_SECONDS, work.cancel)
        else:
            work.cancel()

    with told_to_stop(stop, within=None, signals=(signal.SIGINT, signal.SIGTERM)):
        try:
            await work
        except asyncio.CancelledError:
            return STOPPED
        finally:
            await dispatcher.remove_all()
    return 0
