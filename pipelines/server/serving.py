"""Serves a runtime: her page, and a place for whoever talks or watches."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from pipelines.server.announcing import Announcing
from pipelines.server.app import make_app
from pipelines.server.calls import Calls, peers
from pipelines.server.desk import Desk
from pipelines.server.errors import PortTaken
from pipelines.server.files import Page
from pipelines.server.hall import Hall
from pipelines.server.head import Head
from pipelines.server.listener import listening
from pipelines.server.place import Place, find_place
from pipelines.talk.runtime import Runtime

NAME = "Sophia"


@asynccontextmanager
async def serving(runtime: Runtime, hall: Hall | None = None, *, any_port: bool = False) -> AsyncIterator[str]:
    """Serves until the block ends; yields the address to open, with the key in its fragment if there is one.

    ``hall`` takes those who come. ``any_port``: where another program has the port, any other will do. Raises
    :class:`~pipelines.server.errors.ServerError`.
    """
    settings = runtime.settings.server
    place, page = await asyncio.gather(asyncio.to_thread(find_place, settings), asyncio.to_thread(Page.built))
    head = await Head.chosen(runtime.settings.face.model)
    hall = hall or Hall(runtime)
    ports: list[int] = []

    def facts(request: web.Request) -> dict[str, Any]:
        return {
            "name": NAME,
            "host": sockets.gethostname(),
            "language": runtime.settings.language,
            "watch": hall.watchable is not None and settings.watchers > 0,
            "budget_ms": round(runtime.settings.stack.voice_to_voice * 1000),
            "secure_url": place.url(ports[0]) if place.tls else None,
            "key_needed": place.access.asks_for_a_key,
            "model": head.facts(),
            "consent": runtime.keeping.usual,
            "consents": list(runtime.keeping.consents),
        }

    make_peer = await asyncio.to_thread(peers, runtime.reply_rate, place.media_addresses)
    calls = Calls(place.access, hall, make_peer)
    registry = runtime.telemetry.metrics.registry
    desk = Desk(
        place.access,
        runtime.settings.llm.model,
        hall.effective,
        hall.ready,
        load=hall.load,
        registry=registry,
        pseudonym=runtime.keeping.person,
    )
    announcing = Announcing(
        place.access,
        hall.announce,
        allowed=settings.announcements,
        english=runtime.settings.language.startswith("en"),
    )
    more = [*desk.routes(), *calls.routes(), *announcing.routes()]
    app = make_app(place.access, page, head.asset, facts, hall, more=more)
    async with _listening(app, place, any_port=any_port) as port:
        ports.append(port)
        try:
            yield place.url_to_open(port)
        finally:
            await hall.close()
            await calls.close()


@asynccontextmanager
async def _listening(app: web.Application, place: Place, *, any_port: bool) -> AsyncIterator[int]:
    server = listening(app, place)
    try:
        port = await server.__aenter__()
    except PortTaken:
        if not any_port:
            raise
        async with listening(app, place, 0) as other:
            yield other
        return
    try:
        yield port
    finally:
        await server.__aexit__(None, None, None)
