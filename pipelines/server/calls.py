"""Calls: conversations over WebRTC, as OpenAI's API begins and ends them.

``POST /v1/realtime/calls`` takes an offer and gives an answer; all else goes by the data channel and by two tracks. The
protocol is the one of the WebSocket, and so are places, keys and pages that may come in.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from pipelines.server.access import Access, Refusal
from pipelines.server.app import refused
from pipelines.server.connection import GONE, Connection
from pipelines.server.hall import IDLE_SECONDS, Hall, extensions_of
from pipelines.server.offers import MOST_BYTES, BadOffer
from pipelines.server.realtime.ids import random_id
from pipelines.server.visitor import IDENTIFIER, session_of

if TYPE_CHECKING:
    from pipelines.server.peer import Peer
    from pipelines.server.talk import Talk
    from sophia.audio import Pcm

CALLS: Final = "/v1/realtime/calls"

CONNECT_SECONDS: Final = 15.0
"""From the answer to the open data channel: whoever takes longer has found no way here, and its place is free again."""

ANSWER_SECONDS: Final = 5.0
"""Longest work on an offer."""

BODY_SECONDS: Final = 10.0
"""Longest wait for the body of a request."""

BODY_BYTES: Final = 2 * MOST_BYTES
"""An offer, and the session that is wished."""

LEAVE_SECONDS: Final = 0.25
"""At the end: longest wait for farewells, and again for those who were cut off."""

NEEDED: Final = Refusal(
    501, "webrtc_not_installed", "WebRTC needs the extra webrtc: .venv/bin/python -m pip install -e '.[webrtc]'"
)
UNKNOWN: Final = Refusal(404, "call_not_found", "There is no such call, or no longer.")

MAY_ASK: Final = f"Authorization, Content-Type, X-OpenAI-Agents-SDK, {IDENTIFIER}"
"""Headers that a page of another server may send."""

_log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.Response]]

MakePeer = Callable[[], "Peer"]
"""Makes a peer for one call."""


def peers(rate: int, addresses: Sequence[str] | None) -> MakePeer | None:
    """What makes peers; None where the extra is missing. Loads much the first time, and blocks as long.

    ``rate`` is the voice's in Hz, ``addresses`` are what may be offered; None is all but the loopback.
    """
    try:
        from pipelines.server.peer import Peer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in ("aiortc", "av"):
            raise
        return None
    return lambda: Peer(rate, addresses)


class Calls:
    """The calls of one server. ``make`` makes peers; None where the extra is missing."""

    def __init__(self, access: Access, hall: Hall, make: MakePeer | None) -> None:
        self._access, self._hall, self._make = access, hall, make
        self._live: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post(CALLS, self._shared(self._create)),
            web.post(f"{CALLS}/{{call}}/hangup", self._shared(self._hang_up)),
            web.options(CALLS, self._shared(self._preflight)),
        ]

    async def close(self) -> None:
        """Ends calls that are not over; those that had begun were told."""
        for ending in (self._opening, self._tasks):
            for task in ending:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=LEAVE_SECONDS)

    def _shared(self, handler: Handler) -> Handler:
        """Lets a page of another server read the answer, if it is one that may come in."""

        async def shared(request: web.Request) -> web.Response:
            if refusal := self._access.stranger(request.headers, secure=request.secure):
                return refused(refusal)
            response = await handler(request)
            if origin := request.headers.get("Origin"):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = "Location"
                response.headers["Vary"] = "Origin"
            return response

        return shared

    async def _preflight(self, request: web.Request) -> web.Response:
        return web.Response(
            status=204,
            headers={"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": MAY_ASK},
        )

    async def _create(self, request: web.Request) -> web.Response:
        now = time.time()
        refusal = self._access.talk(request.headers, secure=request.secure, now=now)
        refusal = refusal or (NEEDED if self._make is None else self._hall.refusal(request))
        if refusal or self._make is None:
            return refused(refusal or NEEDED)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                offer, session = await _asked(request)
        except TimeoutError:
            return refused(Refusal(408, "request_timeout", "The offer did not come."))
        except ValueError as error:
            return refused(Refusal(400, "invalid_offer", str(error)))
        secret = self._access.wished(request.headers, now) or {}
        wished = {**session_of(secret), **session}
        _, problems = self._hall.effective(wished)
        if problems:
            return refused(Refusal(400, problems[0].code, problems[0].message))
        if refusal := self._hall.refusal(request):  # somebody was faster
            return refused(refusal)
        call, answered = random_id("call"), asyncio.get_running_loop().create_future()
        with ExitStack() as place:
            begin = place.enter_context(self._hall.seat(self._access.tokens, self._hall.visitor(request, secret)))
            wanted = partial(begin, wished, extensions_of(request))
            task = asyncio.create_task(self._hold(call, self._make(), offer, wanted, answered, place=place.pop_all()))
        for tasks in (self._tasks, self._opening):
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        try:
            answer: str = await asyncio.shield(answered)
        except BadOffer as error:
            return refused(Refusal(400, "invalid_offer", str(error)))
        except (TimeoutError, ConnectionError, asyncio.CancelledError):
            if not answered.done():
                raise  # it is this request that was cancelled
            return refused(Refusal(503, "server_error", "The call could not be answered; try again in a moment."))
        return web.Response(
            status=201,
            text=answer,
            content_type="application/sdp",
            headers={"Location": f"{CALLS}/{call}", "Cache-Control": "no-store"},
        )

    async def _hang_up(self, request: web.Request) -> web.Response:
        if refusal := self._access.call(request.headers, secure=request.secure):
            return refused(refusal)
        if (connection := self._live.pop(request.match_info["call"], None)) is None:
            return refused(UNKNOWN)
        connection.end(GONE)
        return web.Response()

    async def _hold(
        self,
        call: str,
        peer: Peer,
        offer: str,
        begin: Callable[..., Talk],
        answered: asyncio.Future[str],
        *,
        place: ExitStack,
    ) -> None:
        """A call from its offer to its end. What is wrong with the offer is told to ``answered``."""
        with place:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await peer.answer(offer)
                answered.set_result(answer)
                async with asyncio.timeout(CONNECT_SECONDS):
                    socket = await peer.opened()
                self._opening.discard(asyncio.current_task())
                talk = begin(track=peer)
                connection = Connection(socket, None, talk.hear, idle_seconds=IDLE_SECONDS)

                def listen(pcm: Pcm, rate: int) -> None:
                    connection.alive()
                    talk.listen(pcm, rate)

                peer.listen = listen
                self._live[call] = connection
                await self._hall.hold(talk, connection)
            except (BadOffer, TimeoutError, ConnectionError) as error:
                if not answered.done():
                    answered.set_exception(error)
            except Exception:
                _log.exception("a call failed")
            finally:
                self._live.pop(call, None)
                await peer.close()
                if not answered.done():
                    answered.cancel()


async def _asked(request: web.Request) -> tuple[str, dict[str, Any]]:
    """The offer and the session that is wished. Raises ``ValueError`` for what is neither."""
    if (request.content_length or 0) > BODY_BYTES:
        raise ValueError(f"A request has at most {BODY_BYTES} bytes.")
    if request.content_type == "application/sdp":
        return _text(await request.read()), {}
    if request.content_type != "multipart/form-data":
        raise ValueError("The body is an offer (application/sdp), or a form with 'sdp' and 'session'.")
    form = await request.post()
    try:
        session = json.loads(_text(form.get("session", "{}")))
    except (ValueError, RecursionError):
        session = None
    if not isinstance(session, dict):
        raise ValueError("'session' is a JSON object.")
    return _text(form.get("sdp", "")), session


def _text(value: object) -> str:
    if isinstance(value, web.FileField):
        value = value.file.read(BODY_BYTES)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode()
    if not isinstance(value, str):
        raise ValueError("A field of the form is text.")
    return value
