"""The HTTP side: the page, her head, what the page should know, and the door to the Realtime protocol."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from pipelines.server.access import Access, Refusal, readable
from pipelines.server.files import Asset, Page
from pipelines.server.tokens import Tokens

MESSAGE_BYTES = 1 << 20
"""The longest message that is taken: 16 s of 24 kHz sound in base64. A longer one ends the connection (1009)."""

CLOSE_SECONDS = 1.0
"""Longest wait for the peer's part of the closing handshake."""

WRITER_LIMIT = 16 << 10
"""Bytes after which a writer waits for a peer that does not read; the default would be 4 s of sound."""

HEADERS: Mapping[str, str] = {
    # blob: three's loader fetches the textures of a head from such addresses.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' blob: ws: wss:; "
    "worker-src 'self' blob:; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}
"""Sent with every answer: nothing but our own files runs, and no other page may hold or read ours."""


UNCACHED: Mapping[str, str] = {"Cache-Control": "no-store"}
"""Of answers that hold for the moment."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _of_ours(record: logging.LogRecord) -> bool:
    """Whether a record tells of a defect: who speaks no HTTP is answered 400, and fills no log with tracebacks."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


logging.getLogger("aiohttp.server").addFilter(_of_ours)
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # it would write offered subprotocols, so keys, to a log


class Visits(Protocol):
    """What takes over a WebSocket that was let in.

    ``refusal`` says whether there is no place for it. ``visit`` returns when it is over, and closes the socket itself.
    """

    def refusal(self, request: web.Request) -> Refusal | None: ...

    async def visit(self, socket: web.WebSocketResponse, request: web.Request) -> None: ...


Facts = Callable[[web.Request], Mapping[str, Any]]
"""What ``/page.json`` tells, for a request."""

Models = Callable[[bool], Awaitable[Asset]]
"""Her head; the light one where that is asked for. Raises ``HTTPNotFound`` where there is none."""


WISHED: web.RequestKey[Mapping[str, Any]] = web.RequestKey("wished", Mapping)
"""What a client's secret says about its session."""

TOKENS: web.RequestKey[Tokens] = web.RequestKey("tokens", Tokens)
"""Mints and reads what clients carry to another server."""


def make_app(
    access: Access, page: Page, model: Models, facts: Facts, visits: Visits, *, more: Iterable[web.RouteDef] = ()
) -> web.Application:
    """The application, with ``more`` routes; every request is looked at by ``access`` first."""

    @web.middleware
    async def guard(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        if refusal := access.page(request.headers):
            return web.Response(status=refusal.status, text=refusal.message + "\n")
        return await handler(request)

    async def dress(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        response.headers["Server"] = "sophia"

    async def index(request: web.Request) -> web.StreamResponse:
        return await page["index.html"].answer(request)

    async def static(request: web.Request) -> web.StreamResponse:
        return await page[request.match_info["name"]].answer(request)

    async def head(request: web.Request) -> web.StreamResponse:
        return await (await model("light" in request.query)).answer(request)

    async def page_json(request: web.Request) -> web.Response:
        return web.json_response(facts(request), headers={"Cache-Control": "no-store"})

    async def healthz(request: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})

    async def realtime(request: web.Request) -> web.StreamResponse:
        now = time.time()
        refusal = access.talk(request.headers, secure=request.secure, now=now)
        request[TOKENS] = access.tokens
        request[WISHED] = access.wished(request.headers, now) or {}
        stranger = refusal is not None and refusal.status != 401
        refusal = refusal or visits.refusal(request)
        if refusal and (stranger or not readable(request.headers)):
            return refused(refusal)
        try:
            socket = await opened(request)
        except ConnectionError:  # gone in the middle of the handshake
            return web.Response(status=400)
        if refusal:
            await turn_away(socket, refusal)
        else:
            await visits.visit(socket, request)
        return socket

    app = web.Application(middlewares=[guard], client_max_size=MESSAGE_BYTES)
    app.on_response_prepare.append(dress)
    app.add_routes(
        [
            web.get("/", index),
            web.get("/static/{name}", static),
            web.get("/model", head),
            web.get("/page.json", page_json),
            web.get("/healthz", healthz),
            web.get("/v1/realtime", realtime, allow_head=False),
            *more,
        ]
    )
    return app


async def opened(request: web.Request) -> web.WebSocketResponse:
    """Accepts a WebSocket. Raises ``HTTPBadRequest`` for what is none."""
    socket = web.WebSocketResponse(
        timeout=CLOSE_SECONDS,
        autoping=False,  # a connection looks after that itself
        protocols=("realtime",),
        compress=False,
        max_msg_size=MESSAGE_BYTES,
        writer_limit=WRITER_LIMIT,
    )
    try:
        await socket.prepare(request)
    except ValueError as error:  # its key is no text
        raise web.HTTPBadRequest from error
    return socket


def refused(refusal: Refusal) -> web.Response:
    """A refusal for programs: a status, and the error as OpenAI's servers write it."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}.get(refusal.status, {})
    return web.json_response(_error(refusal), status=refusal.status, headers=headers)


def with_key(access: Access, handler: Handler) -> Handler:
    """Lets programs have what ``handler`` answers if they may call here."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if refusal := access.call(request.headers, secure=request.secure):
            return refused(refusal)
        return await handler(request)

    return guarded


async def turn_away(socket: web.WebSocketResponse, refusal: Refusal) -> None:
    """A refusal for browsers, which see no status: an error on the open socket, which is then closed.

    The code says whether it is worth to come again soon: 1013, else 1008.
    """
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.send_str(json.dumps({"type": "error", "event_id": "event_refused", **_error(refusal)}))
            await socket.close(code=1013 if refusal.status == 503 else 1008, message=refusal.code.encode())
    except (ConnectionError, TimeoutError):
        return


def _error(refusal: Refusal) -> dict[str, Any]:
    kind = refusal.code if refusal.status == 503 else "invalid_request_error"
    error = {"type": kind, "code": refusal.code, "message": refusal.message}
    return {"error": error} | ({"sophia": dict(refusal.facts)} if refusal.facts else {})
