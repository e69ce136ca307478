"""Who is there: pages that talk, each with a session of its own, and pages that watch. All of them bounded."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from aiohttp import web

from pipelines.server.access import Refusal
from pipelines.server.admission import Admission, full
from pipelines.server.app import TOKENS, WISHED, turn_away
from pipelines.server.client_echo import ClientEcho, may_cancel
from pipelines.server.connection import SHUTTING_DOWN, Connection
from pipelines.server.realtime.resuming import Open
from pipelines.server.realtime.session import Problem
from pipelines.server.realtime.wire import Wire
from pipelines.server.reports import Reports
from pipelines.server.streamed import Streamed
from pipelines.server.talk import Talk, Track
from pipelines.server.tokens import Tokens
from pipelines.server.visitor import Visitor, session_of, visitor
from pipelines.server.watch import Hub, Watcher
from pipelines.settings.insights import Consent
from pipelines.talk.face_stream import FaceStream
from pipelines.talk.runtime import Runtime
from sophia.events import AskRequested, SayRequested

IDLE_SECONDS = 900.0
"""A client that talks and has sent nothing for so long has forgotten us."""

LEAVE_SECONDS = 1.5
"""Longest wait for everybody to leave at the end."""

LOOK_SECONDS = 0.05
"""Between two looks whether somebody is still answered, at the end."""

LEAD_SECONDS = 0.5
"""After her last sample was sent, so long it may still sound at the client."""

NOTHING_TO_WATCH = Refusal(404, "nothing_to_watch", "There is no conversation to watch here.")


class Begin(Protocol):
    """Begins a talk in a place that is taken: with the session and the extensions that are wished, perhaps a track."""

    def __call__(self, wished: Mapping[str, Any], extensions: str, track: Track | None = None) -> Talk: ...


class Hall:
    """A :class:`~pipelines.server.app.Visits` of one runtime.

    ``local`` is the conversation at this machine's microphone, if there is one. ``talking`` is told how many talk
    whenever that changes. ``stream`` gets the face of the talk that can be watched.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        local: Hub | None = None,
        talking: Callable[[int], None] = lambda count: None,
        stream: FaceStream | None = None,
    ) -> None:
        self._runtime = runtime
        self._stream = stream
        self._settings = runtime.settings.server
        self._local = local
        self._talking = talking
        self._talks: dict[Hub, Talk | None] = {}
        self._connections: set[Connection] = set()
        self._watching = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._closing = False
        self._arrived = 0
        metrics = runtime.telemetry.metrics
        metrics.places(self._settings.sessions)
        self._admission = Admission(self._settings.sessions, asyncio.get_running_loop().time, metrics.least_lag)

    @property
    def watchable(self) -> Hub | None:
        """The conversation that can be watched: the local one, else that of whoever came last to talk."""
        newest = next(reversed(self._talks), None)
        return newest if self._local is None else self._local

    def announce(self, event: SayRequested | AskRequested) -> int:
        """Has her tell it to everybody who talks here and wants to hear of such; returns to how many."""
        told = [talk.session for talk in self._talks.values() if talk and talk.announces]
        for session in told:
            session.tell(event)
        return len(told) + (1 if self._local and self._local.order(event) else 0)

    def refusal(self, request: web.Request) -> Refusal | None:
        if self._closing:
            return Refusal(503, "server_shutting_down", "The server is shutting down; try again in a moment.")
        if _watches(request):
            places = self._settings.watchers
            if self.watchable is None or not places:
                return NOTHING_TO_WATCH
            return full(f"All places are taken ({places})", places) if self._watching >= places else None
        return self._admission.refusal(len(self._talks))

    async def visit(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        if refusal := self.refusal(request):  # somebody was faster
            return await turn_away(socket, refusal)
        if _watches(request):
            await self._watch(socket, request)
        else:
            await self._talk(socket, request)

    async def drain(self, seconds: float, *, replies: bool) -> None:
        """Lets nobody in any more, and waits until nobody talks; with ``replies`` only until nobody is answered.

        It takes ``seconds`` at most.
        """
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.somebody(replies=replies):  # noqa: ASYNC110 - once in a life, and phases change often
                    await asyncio.sleep(LOOK_SECONDS)
                if replies:
                    await asyncio.sleep(LEAD_SECONDS)

    def somebody(self, *, replies: bool) -> bool:
        """Whether there is somebody; with ``replies``, somebody who is being answered."""
        phases = [talk.session.phase for talk in self._talks.values() if talk]
        return any(phase in ("thinking", "speaking", "paused") for phase in phases) if replies else bool(self._talks)

    async def close(self) -> None:
        """Asks everybody to leave, and waits for it a little."""
        self._closing = True
        for connection in list(self._connections):
            connection.end(SHUTTING_DOWN)
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._empty.wait()
        except TimeoutError:
            return

    async def _talk(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        with self.seat(request[TOKENS], self.visitor(request, request[WISHED])) as begin:
            talk = begin(_wished(request), extensions_of(request))
            await self.hold(talk, Connection(socket, request.transport, talk.hear, idle_seconds=IDLE_SECONDS))

    async def hold(self, talk: Talk, connection: Connection) -> None:
        """Holds a talk to its end, and the connection with it."""
        with self._connected(connection), self._runtime.telemetry.metrics.page("talk"):
            await talk.run(connection)

    def visitor(self, request: web.Request, secret: Mapping[str, Any]) -> Visitor:
        """Who sends the request; ``secret`` is what the client secret holds that was shown, if any."""
        return visitor(request.headers, secret, self._runtime.keeping.person)

    @contextmanager
    def seat(self, tokens: Tokens, visitor: Visitor) -> Iterator[Begin]:
        """Takes a place until the block ends, and yields what begins the talk in it, once."""
        talk: Talk | None = None
        hub = Hub(self._runtime.reply_rate, lambda: talk.session if talk else None, lambda: self.watchable is hub)
        reports = Reports(self._runtime.telemetry.metrics)
        streamed = Streamed(self._stream, lambda: self.watchable is hub) if self._stream else None

        def begin(wished: Mapping[str, Any], extensions: str, track: Track | None = None) -> Talk:
            nonlocal talk
            self._talks[hub] = talk = Talk(
                self._runtime,
                lambda audio_ms, trace: self._wire(
                    wished=wished,
                    extensions=extensions,
                    tracks=track is not None,
                    audio_ms=audio_ms,
                    trace=trace,
                    open_token=tokens.read,
                    consents=self._runtime.keeping.consents,
                ),
                reports,
                ClientEcho(self._runtime.settings.microphone.echo),
                tokens,
                watched_by=[hub, self._admission, *([streamed] if streamed else [])],
                track=track,
                visitor=visitor,
            )
            return talk

        self._talks[hub] = None
        self._arrived += 1
        self._talking(len(self._talks))
        try:
            yield begin
        finally:
            if streamed:
                streamed.close()
            del self._talks[hub]
            hub.close()
            self._talking(len(self._talks))
            reports.close()

    async def _watch(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        hub, metrics = self.watchable, self._runtime.telemetry.metrics
        assert hub is not None
        wire = self._wire(wished={}, extensions=extensions_of(request), watch=True, trace=hub.trace)
        wire.recording("sound" if hub.recorded else "numbers", recording=hub.recorded)
        watcher = Watcher(hub, wire, Reports(metrics))
        connection = Connection(socket, request.transport, watcher.hear)
        self._watching += 1
        try:
            with self._connected(connection), metrics.page("watch"):
                await watcher.run(connection)
        finally:
            self._watching -= 1

    def effective(self, wished: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """The session that somebody who wishes for this would get, and what of it cannot be."""
        wire = self._wire(wished=wished)
        session: dict[str, Any] = wire.opened(asyncio.get_running_loop().time())[0]["session"]
        return session, wire.problems

    def ready(self) -> str | None:
        """Why no conversation can be begun; None if one can. Being full is no reason: that passes by itself."""
        if self._closing:
            return "shutting down"
        away = self._runtime.away
        return f"cannot reach: {', '.join(away)}" if away else None

    def load(self) -> dict[str, Any]:
        """For a dispatcher: ``places``, how many are ``talking``, how many ever ``arrived``, and is there ``room``.

        There is room where whoever comes now would be let in.
        """
        talking = len(self._talks)
        room = self.ready() is None and self._admission.refusal(talking) is None
        return {"places": self._settings.sessions, "talking": talking, "arrived": self._arrived, "room": room}

    def _wire(
        self,
        *,
        wished: Mapping[str, Any],
        extensions: str = "",
        watch: bool = False,
        tracks: bool = False,
        audio_ms: Callable[[float], float] | None = None,
        trace: Callable[[int], str] = lambda turn: "",
        open_token: Open | None = None,
        consents: Sequence[Consent] = (),
    ) -> Wire:
        settings = self._runtime.settings
        return Wire(
            began=asyncio.get_running_loop().time(),
            voice_rate=self._runtime.reply_rate,
            model=settings.llm.model,
            voice=settings.tts.voice or "sophia",
            language=settings.asr.assumed,
            watch=watch,
            tracks=tracks,
            tools=settings.server.client_tools,
            cancels=may_cancel(settings.microphone.echo),
            instructions=settings.server.client_instructions and not watch,
            extensions=[name for name in extensions.split(",") if name],
            budget_ms=settings.stack.voice_to_voice * 1000,
            host=sockets.gethostname(),
            emotions=dict(settings.face.emotions.items()),
            audio_ms=audio_ms,
            trace=trace,
            wished=wished,
            open_token=open_token,
            consents=consents,
        )

    @contextmanager
    def _connected(self, connection: Connection) -> Iterator[None]:
        self._connections.add(connection)
        self._empty.clear()
        try:
            yield
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._empty.set()


def extensions_of(request: web.Request) -> str:
    """The extensions that an address asks for."""
    return request.query.get("extensions", "")


def _wished(request: web.Request) -> Mapping[str, Any]:
    """The session that is wished by a client secret, and by the address."""
    wished = session_of(request[WISHED])
    return {**wished, "type": "transcription"} if request.query.get("intent") == "transcription" else wished


def _watches(request: web.Request) -> bool:
    return request.query.get("watch", "") in ("1", "true")
