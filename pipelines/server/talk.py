"""One client that talks: its socket on one side, a session of its own on the other, and the protocol between them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from aurora.face import FaceFrame
from pipelines.conversation.events import (
    AnswerRequested,
    CancelRequested,
    CommitRequested,
    EarsLost,
    Happening,
    Levels,
    Marked,
    PlaybackAcknowledged,
    PlaybackStarted,
    PlayoutFinished,
    PlayoutStarted,
    PolicyChanged,
    Reading,
    ReplyText,
    Transcribed,
)
from pipelines.conversation.observers import Observer
from pipelines.failures import StageFailed
from pipelines.server.admission import is_exhausted
from pipelines.server.aside_talk import AsideTalk
from pipelines.server.client_echo import ClientEcho
from pipelines.server.connection import ENDED, FULL, TOO_MUCH, Ending
from pipelines.server.frames import FrameBatch
from pipelines.server.outbox import Event
from pipelines.server.realtime.lending import LendTools, LentResult
from pipelines.server.realtime.schema import FACE
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import (
    Agree,
    AppendAudio,
    AskAside,
    CancelAside,
    ClearAudio,
    MuteMicrophone,
    OfferOnce,
    OnceLike,
    PlayoutReport,
    SessionChanged,
    Wish,
)
from pipelines.server.reports import Reports
from pipelines.server.sink import NetworkSink
from pipelines.server.source import NetworkSource
from pipelines.server.tokens import Keeper, Tokens
from pipelines.server.visitor import Visitor
from pipelines.server.voice import Voice
from pipelines.settings.insights import Consent
from pipelines.talk.runtime import Runtime
from pipelines.talk.session import Session
from sophia.audio import Pcm
from sophia.floor_policy import FloorPolicy
from sophia.heard import TimedWord
from sophia.played import Piece

PLAYOUT = "sophia.playout"
"""The extension of clients that obey pausing and tell their positions."""

DATED_SECONDS = 1.5
"""After the beginning of a reply, how long the client's positions still tell when that was."""

TRACK_DELAY = 0.08
"""Seconds from sending a packet of her voice to hearing it: a browser's jitter buffer and its card, and no network."""


_log = logging.getLogger(__name__)


class Track(Protocol):
    """Her voice beside the events: ``play`` takes each block at its time, ``rest`` is told that there is none for now.

    Blocks are int16 mono at the voice's rate.
    """

    def play(self, pcm: Pcm) -> None: ...

    def rest(self) -> None: ...


class Line(Protocol):
    """What events go out by; a :class:`~pipelines.server.connection.Connection` is one."""

    def send(self, events: Iterable[Event], seconds: float = 0.0) -> None: ...

    def end(self, ending: Ending) -> None: ...

    async def run(self) -> object: ...


@dataclass(slots=True)
class _Began:
    """A generation whose first audible sample was ``sent`` then, and by the client heard ``delay`` seconds later."""

    generation: int
    sent: float
    until: float
    delay: float = math.inf


class Talk(Observer):
    """A conversation with a remote client, from its first event to its last. Made in the loop that runs it.

    ``make_wire`` makes its protocol, given where the ears are in the client's sound, and a turn's trace. With a
    ``track`` her voice goes by that, as it is pulled and in real time, and the user's comes by :meth:`listen`.
    ``visitor`` is who talks. Where the settings have the voice recorded she says so first; a session that only
    transcribes, in which she cannot, keeps numbers alone.
    """

    def __init__(
        self,
        runtime: Runtime,
        make_wire: Callable[[Callable[[float], float], Callable[[int], str]], Wire],
        reports: Reports,
        echo: ClientEcho,
        tokens: Tokens,
        *,
        watched_by: Sequence[Observer],
        track: Track | None = None,
        visitor: Visitor | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reports = reports
        self._source = NetworkSource()
        self.wire = make_wire(self._source.audio_ms, self._trace)
        self._track = track
        self._sink = (
            NetworkSink(lead=0.0, keeps=True, delay=TRACK_DELAY, rests=track.rest)
            if track
            else NetworkSink(lead=self.wire.lead_ms / 1000)
        )
        self._echo = echo
        self._voice = Voice(runtime.reply_rate, self.wire.output_rate, self._say)
        self._frames = FrameBatch(self._show)
        self._rate = runtime.reply_rate
        self._began: _Began | None = None
        self._connection: Line | None = None
        self._unheard: deque[CommitRequested | AnswerRequested | None] = deque()  # None was called off
        self._heard = False  # a word of the user
        came = visitor or Visitor()
        usual: Consent | None = "numbers" if self.wire.transcribes else None
        provenance = runtime.provenance(came.mode, person=came.person, consent=usual)
        self._kept = runtime.keeping.keep(provenance, self._keeps)
        self.wire.recording(provenance.consent, recording=self._kept.recording)
        self.session: Session = runtime.session(
            self._source,
            self._sink,
            [self, self._kept, *watched_by],
            echo=echo,
            provenance=provenance,
            recorded=self._kept.recording,
            greets=not self.wire.transcribes,
            patience=math.inf,
        )
        self._keeper = Keeper(self.wire, tokens, self._send)
        self._aside = AsideTalk(self.wire, self.session, runtime.reply_rate, self._send)
        if self.wire.policy != FloorPolicy():
            self.session.tell(PolicyChanged(at=self._loop.time(), policy=self.wire.policy))
        self._adapt()  # the address, or a client secret, may have asked for something

    async def run(self, connection: Line) -> None:
        """Holds the conversation until the client leaves; whatever ends it, nothing of it is left."""
        self._connection = connection
        connection.send(self.wire.opened(self._loop.time()))
        talking = asyncio.create_task(self._talk())
        try:
            await connection.run()
        finally:
            self._connection = None
            self._keeper.close()
            self.session.stop()
            await self._aside.close()
            await talking
            await self._kept.aclose()

    async def _talk(self) -> None:
        try:
            await self.session.run()
        except StageFailed as failure:  # its observers, and so the client, were told
            _log.warning("a remote conversation ended: %s", failure)
        except Exception:
            _log.exception("a remote conversation failed")
        finally:
            self._frames.close()
            if self._connection:
                self._connection.end(ENDED)

    def _trace(self, turn: int) -> str:
        return self.session.trace_id(turn)

    # From the client

    @property
    def announces(self) -> bool:
        """Whether she tells here what programs want told."""
        return self.wire.announcements and not self.wire.transcribes

    def hear(self, message: object) -> None:
        """A message of the client."""
        wishes, answers = self.wire.said(message, self._loop.time())
        self._send(answers)
        for wish in wishes:
            self._grant(wish)
        self._keeper.look()

    def listen(self, pcm: Pcm, rate: int) -> None:
        """Sound of the user, int16 mono of ``rate`` Hz."""
        if not self._source.append(pcm, rate) and self._connection:
            self._connection.end(TOO_MUCH)

    def _grant(self, wish: Wish) -> None:
        match wish:
            case AppendAudio(pcm=pcm):
                self.listen(np.frombuffer(pcm, "<i2").astype(np.int16, copy=False), self.wire.input_rate)
            case ClearAudio():
                self._source.clear()
            case MuteMicrophone(muted=muted):
                self._source.mute(muted)
            case SessionChanged():
                self._adapt()
            case OfferOnce(tools=tools):
                self.session.tools.once = tools
            case AskAside():
                self._aside.begin(wish)
            case CancelAside():
                self._aside.cancel()
            case PlayoutReport():
                self._reported(wish)
            case LendTools() | LentResult():
                pass  # only who watches lends
            case Agree(consent=consent):
                self._kept.agree(consent)
            case OnceLike(manner=manner):
                self.session.manners.once = manner
            case CommitRequested() | AnswerRequested() if self.wire.policy.commits_only:
                self._unheard.append(wish)
                self._source.once_heard(self._ask)
            case CancelRequested() if self._call_off():
                pass
            case PlaybackAcknowledged(generation=generation, samples=samples):
                self._sink.stopped(generation, samples)
                self.session.tell(wish)
            case _:
                self.session.tell(wish)

    def _ask(self) -> None:
        """What a client asked for once it was heard to that point."""
        if (asked := self._unheard.popleft()) is not None:
            self.session.tell(replace(asked, at=self._loop.time()))

    def _call_off(self) -> bool:
        """A client cancels an answer that waits for what it has sent to be heard; false if there is none."""
        for place, asked in enumerate(self._unheard):
            if isinstance(asked, AnswerRequested):
                self._unheard[place] = None
                return True
        return False

    def _adapt(self) -> None:
        if self._track is None:
            self._sink.lead = self.wire.lead_ms / 1000
            self._sink.obeys = PLAYOUT in self.wire.extensions
        self._voice.adapt(self.wire.output_rate)
        self._aside.adapt()
        self._echo.adapt(headphones=self.wire.headphones, wished=self.wire.cancel_echo)
        offered = self.session.tools
        offered.specs, offered.choice = self.wire.tools.specs, self.wire.tools.choice
        offered.offers_own = self.wire.own_tools
        self.session.manners.usual = self.wire.manner

    def _reported(self, report: PlayoutReport) -> None:
        generation, sample = report.generation, round(report.audio_ms * self._rate / 1000)
        if report.playing and (delay := self._sink.reported(generation, sample, report.at)) is not None:
            self._date(generation, delay, report.at)
        if shown := self._reports.take(report):
            self.session.tell(shown)

    def _date(self, generation: int, delay: float, at: float) -> None:
        """Her first audible sample was when the client's own positions say; the earliest of them is nearest."""
        began = self._began
        if began and began.generation == generation and at < began.until and delay < began.delay:
            began.delay = delay
            self.session.tell(PlaybackStarted(at=at, generation=generation, time=began.sent + delay))

    def _keeps(self, consent: Consent, recording: bool) -> None:
        self._send(self.wire.recording(consent, recording=recording))

    # From the conversation

    def told(self, happening: Happening) -> None:
        if isinstance(happening, Transcribed):
            self._heard = True
        if isinstance(happening, EarsLost) and is_exhausted(happening.error) and not self._heard and self._connection:
            self._connection.end(FULL)  # it was one too many, and nothing of it is lost yet
        if isinstance(happening, PlayoutStarted):
            sent = happening.time - self._sink.delay
            self._began = _Began(happening.generation, sent, until=happening.at + DATED_SECONDS)
        if isinstance(happening, PlayoutFinished):
            self._voice.finish()
        if not isinstance(happening, ReplyText | Marked):  # which say nothing of what is heard
            self._frames.flush()
        self._send(self.wire.told(happening))
        self._keeper.look()

    @property
    def metering(self) -> bool:
        return "sophia.levels" in self.wire.extensions

    def metered(self, reading: Reading) -> None:
        if isinstance(reading, Levels):
            self._send(self.wire.levels(reading.user, reading.agent, reading.at))

    def sounded(self, pcm: Pcm, time: float, pieces: Sequence[Piece]) -> None:
        self._frames.flush()
        if self._track:
            self._track.play(pcm)
        self._voice.take(pcm, pieces)

    def scripted(self, generation: int, words: Sequence[TimedWord]) -> None:
        self._send(self.wire.words(generation, words))

    def framed(self, generation: int, frame: FaceFrame) -> None:
        if FACE in self.wire.extensions:
            self._frames.add(generation, frame)

    def _say(self, generation: int, first: int, pcm: Pcm, seconds: float) -> None:
        self._send(self.wire.sound(generation, first, pcm.astype("<i2", copy=False).tobytes()), seconds)
        self._keeper.look()

    def _show(self, generation: int, frames: Sequence[FaceFrame]) -> None:
        self._send(self.wire.frames(generation, frames))

    def _send(self, events: Sequence[Event], seconds: float = 0.0) -> None:
        if events and self._connection:
            self._connection.send(events, seconds)
