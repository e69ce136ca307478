"""The lease endpoint: who wants to talk asks here where to, and connects there by itself. It asks for the servers' key.

POST /v1/leases                      201 {"url": "wss://…", "client_secret": {"value": "ek_…", "expires_at": …}}, or 503
GET  /v1/servers                     what is known of each server
PUT  /v1/servers {"count": 5}        has so many run
POST /v1/servers/server-2/drain      has one end with its last conversation; another one starts in its place
GET  /healthz, /readyz               whether it lives; whether a client would be sent somewhere
"""

from __future__ import annotations

import json
import time
from typing import Final

from aiohttp import web

from pipelines.scale.book import LEASE_SECONDS
from pipelines.scale.dispatcher import Dispatcher
from pipelines.scale.engines import MOST_SERVERS
from pipelines.server.access import Access, Refusal
from pipelines.server.app import UNCACHED, refused, with_key

REQUEST_BYTES: Final = 1024

FULL: Final = Refusal(503, "session_limit_reached", "All places are taken; try again in a moment.")


class LeaseDesk:
    """Answers for one dispatcher. With a key a lease holds a client secret, which every server with that key takes."""

    def __init__(self, access: Access, dispatcher: Dispatcher) -> None:
        self._access, self._dispatcher = access, dispatcher

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(client_max_size=REQUEST_BYTES)
        app.add_routes(
            [
                web.post("/v1/leases", with_key(self._access, self._lease)),
                web.get("/v1/servers", with_key(self._access, self._servers)),
                web.put("/v1/servers", with_key(self._access, self._count)),
                web.post("/v1/servers/{name}/drain", with_key(self._access, self._drain)),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        return app

    async def _lease(self, request: web.Request) -> web.Response:
        address = self._dispatcher.lease()
        if address is None:
            return refused(FULL)
        answer: dict[str, object] = {"url": f"ws{address.removeprefix('http')}v1/realtime"}
        if self._access.asks_for_a_key:
            expires_at = int(time.time()) + LEASE_SECONDS
            answer["client_secret"] = {"value": self._access.secrets.mint({}, expires_at), "expires_at": expires_at}
        return web.json_response(answer, status=201, headers=UNCACHED)

    async def _servers(self, request: web.Request) -> web.Response:
        told = {"count": self._dispatcher.count, "free": self._dispatcher.free, "data": self._dispatcher.told()}
        return web.json_response(told, headers=UNCACHED)

    async def _count(self, request: web.Request) -> web.Response:
        try:
            wish = json.loads(await request.read())
            count = wish["count"]
            if type(count) is not int or not 0 <= count <= MOST_SERVERS:
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            return refused(Refusal(400, "invalid_value", f'The body is {{"count": N}}, N from 0 to {MOST_SERVERS}.'))
        self._dispatcher.set_count(count)
        return await self._servers(request)

    async def _drain(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not await self._dispatcher.drain(name):
            return refused(Refusal(404, "no_such_server", "There is no server of that name here."))
        return web.json_response({"name": name, "draining": True}, status=202)

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers=UNCACHED)

    async def _readyz(self, request: web.Request) -> web.Response:
        free = self._dispatcher.free
        return web.Response(text="ready\n" if free else "full\n", status=200 if free else 503, headers=UNCACHED)
