"""Those who watch a conversation that has a microphone and a speaker of its own: any page, at any time.

The hub is one observer of the conversation. It tells each page's own protocol what it is told. A page that joins in the
middle of a turn is told first what that turn has been so far, as if it had been there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from aurora.face import FaceFrame
from nova.tools import Tool, Toolbox
from pipelines.conversation.events import (
    AnswerRequested,
    CancelRequested,
    CommitRequested,
    FaceShown,
    GenerationOver,
    Happening,
    Levels,
    PhaseChanged,
    PlaybackAcknowledged,
    PlayoutFinished,
    Reading,
    ReplyText,
    TextTyped,
    TurnEnded,
)
from pipelines.conversation.observers import Observer
from pipelines.server.connection import Connection, Ending
from pipelines.server.frames import FrameBatch
from pipelines.server.lent import LentTools
from pipelines.server.outbox import Event
from pipelines.server.realtime.lending import LendTools, LentResult
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import PlayoutReport, SessionChanged
from pipelines.server.reports import Reports
from sophia.audio import Pcm
from sophia.decisions import Begin, Pause
from sophia.events import AskRequested, SayRequested
from sophia.heard import TimedWord
from sophia.played import Piece

REMEMBERED = 20_000
"""Things of the turns that are not over which a page that joins is told; a turn with more is not told to it."""

WORDLESS_SECONDS = 1.0
"""A client that says nothing for so long wants no extensions."""

POSITION_SECONDS = 0.1
"""Between two positions while she sounds."""

OVER = Ending(1000, "conversation_over", "The conversation that was watched is over.")

Telling = Callable[[Wire], list[Event]]

UNSEEN = (ReplyText, PlaybackAcknowledged, FaceShown)
"""What comes often and shows nowhere: her words go with their sound, and a turn's ledger has the rest."""

Order = TextTyped | SayRequested | AskRequested | AnswerRequested | CancelRequested | CommitRequested
"""What those who watch may ask of her: to answer, to say something, to stop."""


class Watched(Protocol):
    """What a hub needs of the conversation that is watched; a session is one."""

    @property
    def recorded(self) -> bool: ...

    def tell(self, event: Happening) -> None: ...

    def trace_id(self, turn: int) -> str: ...

    @property
    def tools(self) -> Toolbox: ...


class Watcher:
    """One page that watches ``hub``'s conversation, over ``connection``.

    It is told nothing before it has said what it wants to see, or let :data:`WORDLESS_SECONDS` pass.
    """

    def __init__(self, hub: Hub, wire: Wire, reports: Reports) -> None:
        self.wire = wire
        self._hub = hub
        self._reports = reports
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._watching = False
        self.lent = LentTools(wire, self._send)
        """The tools that the page lends her."""

    async def run(self, connection: Connection) -> None:
        """Watches until the page leaves."""
        self._connection = connection
        connection.send(self.wire.opened(self._loop.time()))
        timer = self._loop.call_later(WORDLESS_SECONDS, self._watch)
        try:
            await connection.run()
        finally:
            timer.cancel()
            self._connection = None
            self._hub.leave(self)
            self.lent.close()
            self._reports.close()

    def hear(self, message: object) -> None:
        """A message of the page."""
        wishes, answers = self.wire.said(message, self._loop.time())
        self._send(answers)
        for wish in wishes:
            if isinstance(wish, SessionChanged):
                self._watch()
            elif isinstance(wish, PlayoutReport):
                self._reports.take(wish)
            elif isinstance(wish, LendTools):
                self.lent.lend(wish.tools)
                self._hub.equip()
            elif isinstance(wish, LentResult):
                self.lent.answer(wish)
            elif isinstance(wish, Order):
                self._hub.order(wish)

    def tell(self, telling: Telling) -> None:
        """What the conversation came to."""
        self._send(telling(self.wire))

    def end(self) -> None:
        """The conversation is over; whoever wants to watch the next one comes again."""
        if self._connection:
            self._connection.end(OVER)

    def _watch(self) -> None:
        if not self._watching and self._connection:
            self._watching = True
            self._hub.join(self)

    def _send(self, events: Sequence[Event]) -> None:
        if events and self._connection:
            self._connection.send(events)


@dataclass(slots=True)
class _Sounded:
    """``count`` samples of a generation from ``first`` on sounded, at ``rate`` Hz; a page hears them elsewhere."""

    generation: int
    first: int
    count: int
    rate: int

    def __call__(self, wire: Wire) -> list[Event]:
        events: list[Event] = []
        for first in range(self.first, self.first + self.count, self.rate):
            samples = min(self.rate, self.first + self.count - first)
            silence = bytes(2 * round(samples * wire.output_rate / self.rate))
            events += wire.sound(self.generation, first, silence)
        return events

    def join(self, later: Telling) -> bool:
        """Takes in what follows it at once; false if something else does."""
        if not isinstance(later, _Sounded) or later.generation != self.generation:
            return False
        follows = later.first == self.first + self.count
        self.count += later.count if follows else 0
        return follows


@dataclass(slots=True)
class _Framed:
    """Frames of a generation's face."""

    generation: int
    frames: list[FaceFrame]

    def __call__(self, wire: Wire) -> list[Event]:
        return wire.frames(self.generation, self.frames)

    def join(self, later: Telling) -> bool:
        """Takes in the next frames of the same face; false if it is something else."""
        if not isinstance(later, _Framed) or later.generation != self.generation:
            return False
        self.frames += later.frames
        return True


class Hub(Observer):
    """Watches one conversation for all pages that watch it.

    ``rate`` is its voice's, in Hz. ``watched`` gives the conversation, ``None`` as long as there is none yet.
    ``watchable`` is whether a page could come just now: what a turn was that began without is remembered for nobody.
    """

    def __init__(
        self,
        rate: int,
        watched: Callable[[], Watched | None] = lambda: None,
        watchable: Callable[[], bool] = lambda: True,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched = watched
        self._watchable = watchable
        self._rate = rate
        self._watchers: list[Watcher] = []
        self._open: set[int] = set()  # turns that are remembered, as they are not over
        self._past: list[Telling] = []  # of those turns, in order
        self._phase: PhaseChanged | None = None
        self._frames = FrameBatch(lambda generation, frames: self._tell(_Framed(generation, list(frames))))
        self._sounding: _Sounded | None = None
        self._lent: tuple[Tool, ...] = ()
        self._unequipped = False  # there was no conversation yet for tools that are lent
        self._told_at = 0.0
        self._over = False

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return len(self._watchers)

    def join(self, watcher: Watcher) -> None:
        """Lets a page watch from now on; it is told first what the turns that are not over have been so far."""
        self._frames.flush()
        if (phase := self._phase) and not self._past:
            watcher.tell(lambda wire: wire.told(phase))
        for telling in self._past:
            watcher.tell(telling)
        self._watchers.append(watcher)
        self.equip()
        if self._over:
            watcher.end()

    def leave(self, watcher: Watcher) -> None:
        """The page is gone."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)
            self.equip()

    def equip(self) -> None:
        """Lets her use the tools that those who watch lend, beside her own; hers hide another's of the same name."""
        if (watched := self._watched()) is None:
            self._unequipped = True
            return
        box, self._unequipped = watched.tools, False
        own = [tool for tool in box.own if not any(tool is lent for lent in self._lent)]
        found = {tool.name: tool for tool in own}
        for watcher in self._watchers:
            for tool in watcher.lent.tools:
                found.setdefault(tool.name, tool)
        box.own = tuple(found.values())
        self._lent = box.own[len(own) :]

    def close(self) -> None:
        """The conversation is over: nobody can watch it any more."""
        self._over = True
        for watcher in self._watchers:
            watcher.end()

    def order(self, order: Order) -> bool:
        """Hands the conversation what a page, or a program, asks of her; false if there is none."""
        if watched := self._watched():
            watched.tell(order)
        return watched is not None

    @property
    def recorded(self) -> bool:
        """Whether the conversation's user is recorded."""
        watched = self._watched()
        return watched is not None and watched.recorded

    def trace(self, turn: int) -> str:
        """The id of a turn's trace, empty if there is none."""
        watched = self._watched()
        return watched.trace_id(turn) if watched else ""

    # From the conversation

    def told(self, happening: Happening) -> None:
        if self._unequipped:
            self.equip()
        if isinstance(happening, UNSEEN):
            return
        self._frames.flush()
        match happening:
            case Begin(turn=turn) if self._watchable():
                self._open.add(turn)
            case PhaseChanged():
                self._phase = happening
            case PlayoutFinished(time=time):
                self._stopped(time)
            case Pause() | GenerationOver():
                self._stopped(happening.at)
            case _:
                pass
        self._tell(lambda wire: wire.told(happening))
        if isinstance(happening, TurnEnded):
            self._open.discard(happening.ledger.turn)
            if not self._open:
                self._past.clear()

    @property
    def metering(self) -> bool:
        return bool(self._watchers)

    def metered(self, reading: Reading) -> None:
        if isinstance(reading, Levels):
            for watcher in self._watchers:
                watcher.tell(lambda wire: wire.levels(reading.user, reading.agent, reading.at))

    def scripted(self, generation: int, words: Sequence[TimedWord]) -> None:
        self._tell(lambda wire: wire.words(generation, words))

    def framed(self, generation: int, frame: FaceFrame) -> None:
        if self._watchers or self._open:
            self._frames.add(generation, frame)

    def sounded(self, pcm: Pcm, time: float, pieces: Sequence[Piece]) -> None:
        if not (self._watchers or self._open):
            return
        self._frames.flush()
        for piece in pieces:
            now = _Sounded(piece.generation, piece.first, piece.count, self._rate)
            last, self._sounding = self._sounding, now
            at = time + piece.offset / self._rate
            follows = last and (last.generation, last.first + last.count) == (now.generation, now.first)
            self._tell(now)
            if not follows or at - self._told_at >= POSITION_SECONDS:
                self._place(piece.generation, piece.first, True, at)
        if not pieces:
            self._stopped(time)

    def _stopped(self, at: float) -> None:
        if last := self._sounding:
            self._sounding = None
            self._place(last.generation, last.first + last.count, False, at)

    def _place(self, generation: int, sample: int, playing: bool, at: float) -> None:
        self._told_at = at
        for watcher in self._watchers:
            watcher.tell(lambda wire: wire.position(generation, sample, playing, at))

    def _tell(self, telling: Telling) -> None:
        for watcher in self._watchers:
            watcher.tell(telling)
        if not self._open:
            return
        # Sound and frames come by turns, and a page that joins wants few events: each goes on where its kind did.
        for one in reversed(self._past[-2:]):
            if not isinstance(one, _Sounded | _Framed):
                break
            if one.join(telling):
                return
        if len(self._past) < REMEMBERED:
            self._past.append(replace(telling) if isinstance(telling, _Sounded) else telling)
