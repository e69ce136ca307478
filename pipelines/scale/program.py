"""The dispatcher as a program: servers, the lease endpoint, and how it stops."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp

from pipelines.command.endings import SETTINGS, STOPPED
from pipelines.command.stopping import STOP_SECONDS, told_to_stop
from pipelines.home import home
from pipelines.scale.book import Load
from pipelines.scale.desk import LeaseDesk
from pipelines.scale.dispatcher import Asking, Dispatcher
from pipelines.scale.engines import Engine
from pipelines.server.errors import ServerError
from pipelines.server.listener import listening
from pipelines.server.place import Place, find_place
from pipelines.settings.server import ServerSettings

ASK_SECONDS: Final = 2.0
"""A server that has not told its load by then hangs: nobody is sent there."""

Say = Callable[[str], None]


async def dispatch(engine: Engine, settings: ServerSettings, count: int, authority: Path | None, say: Say) -> int:
    """Runs ``count`` servers and a lease endpoint at the address of ``settings``, until told to stop.

    The first signal lets conversations come to their end, for ``drain_seconds`` at most, a second one ends it at once.
    Servers are trusted by ``authority``, else by the development authority of this machine. Returns the exit code.
    """
    try:
        place = await asyncio.to_thread(find_place, settings)
        trust = await asyncio.to_thread(_trust, authority)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS)) as client:
            dispatcher = Dispatcher(engine, _asking(client, place, trust), count, say)
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


def _asking(client: aiohttp.ClientSession, place: Place, trust: ssl.SSLContext) -> Asking:
    headers = {"Authorization": f"Bearer {place.key}"} if place.key else {}

    async def ask(address: str) -> Load:
        try:
            async with client.get(f"{address}load", headers=headers, ssl=trust) as answer:
                answer.raise_for_status()
                told = await answer.json()
                return Load(int(told["places"]), int(told["talking"]), int(told["arrived"]), bool(told["room"]))
        except (aiohttp.ClientError, ValueError, KeyError, TypeError) as error:
            raise ConnectionError(str(error)) from error

    return ask


def _trust(authority: Path | None) -> ssl.SSLContext:
    path = authority or home() / "tls" / "ca.crt"
    try:
        return ssl.create_default_context(cafile=str(path) if authority or path.exists() else None)
    except (OSError, ssl.SSLError) as error:
        raise ServerError(f"--ca: {path} cannot be used ({error}); name the servers' authority, PEM") from error
