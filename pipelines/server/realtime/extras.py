"""Events of our own for clients that asked for them: face, captions, floor, ledger, levels, notices. Pure.

Nothing is measured here. Marks are those of the ledger, from a book of turns of this connection's own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from aurora.face import ARKIT, FaceFrame
from pipelines.conversation.book import TurnBook
from pipelines.conversation.events import (
    ClauseSkipped,
    DeviceBack,
    DeviceLost,
    EarsBack,
    EarsLost,
    Failed,
    Happening,
    PhaseChanged,
    ReplyText,
    Retrying,
    TurnEnded,
)
from pipelines.conversation.face_events import Attending, Felt, Nodded
from pipelines.failures import explain
from pipelines.server.realtime.ids import Ids
from pipelines.server.realtime.responses import Response
from pipelines.server.realtime.schema import FACE, Writer
from pipelines.server.realtime.wishes import Event
from pipelines.telemetry.ledger import VOICE_END, Ledger
from sophia.decisions import Decision, Duck, Interrupt, Reopen, Unduck
from sophia.heard import TimedWord

STATES = {"idle": "listening"}
"""Phases that have another name as states of the floor."""

USUAL_SPACING = 1 / 30
"""Seconds between two frames where only one is known."""

LONGEST_SPACING = 0.1
"""Frames farther apart do not belong to one run."""

JITTER = 0.002
"""Seconds by which a frame may be off its place in a run."""

MOST_FRAMES = 600
"""Frames in one event: 42 kB."""


class Extras:
    """One connection's. ``began`` is the ``loop.time()`` from which times count."""

    def __init__(self, write: Writer, ids: Ids, began: float, trace: Callable[[int], str]) -> None:
        self._write = write
        self._began = began
        self._trace = trace
        self._book = TurnBook()
        self._marks: dict[int, dict[str, float]] = {}  # by turn: what was told
        self._names_id = ids("names")
        self._named = False
        self._spacing = USUAL_SPACING
        self._last: tuple[str, float] = ("", 0.0)  # the frame that was told last: its item and its time
        self._phase = "idle"
        self._ducked = False

    @property
    def show_the_face(self) -> bool:
        """Whether anybody asked for frames."""
        return FACE in self._write.extensions

    def ms(self, at: float) -> float:
        """A ``loop.time()`` in ms since the session began."""
        return round((at - self._began) * 1000, 3)

    def told(self, happening: Happening, items_of: Callable[[int], list[str]]) -> list[Event]:
        """What follows from what happened; ``items_of`` gives a turn's items."""
        if isinstance(happening, ReplyText):
            return []
        events: list[Event] = []
        if isinstance(happening, Decision):
            events += self._write.extra(
                "sophia.turn.decision",
                turn=happening.turn,
                generation=happening.generation,
                decision=type(happening).__name__.lower(),
                reason=happening.reason,
                at_ms=self.ms(happening.at),
            )
        ended = self._book.tell(happening)
        if "sophia.ledger" in self._write.extensions:
            for ledger in [*self._book.ledgers, *ended]:
                events += self._new_marks(ledger)
            if isinstance(happening, TurnEnded):
                events += self._ledger(happening.ledger, items_of(happening.ledger.turn))
        if isinstance(happening, TurnEnded):
            self._marks.pop(happening.ledger.turn, None)
        return events + self._floor(happening) + self._gesture(happening) + self._notice(happening)

    # What a reply makes

    def words(self, item_id: str, words: Sequence[TimedWord], rate: int) -> list[Event]:
        """Captions: each word with its place in the item's sound, in ms."""
        timed = [[word.text, round(word.start * 1000 / rate, 3), round(word.end * 1000 / rate, 3)] for word in words]
        return self._write.extra("sophia.words", item_id=item_id, words=timed) if timed else []

    def mood(self, item_id: str, felt: Felt, rate: int) -> list[Event]:
        """From where on in the item's sound she is of which mood; an empty one is none."""
        at = round(felt.sample * 1000 / rate, 3)
        return self._write.extra(
            "sophia.mood", item_id=item_id, audio_start_ms=at, mood=felt.mood, share=round(felt.share, 3)
        )

    def frames(self, response_id: str, item_id: str, frames: Sequence[FaceFrame]) -> list[Event]:
        """Frames in runs that are evenly spaced; their names come first, once."""
        if not frames or not self.show_the_face:
            return []
        events: list[Event] = []
        if not self._named:
            self._named = True
            events += self._write.extra("sophia.face.names", names_id=self._names_id, names=list(ARKIT))
        if self._last[0] == item_id and 0 < (step := frames[0].time - self._last[1]) <= LONGEST_SPACING:
            self._spacing = step
        self._last = item_id, frames[-1].time
        for run, spacing in self._runs(frames):
            weights = np.stack([frame.weights for frame in run])
            packed = np.rint(np.fmin(np.fmax(weights, 0.0), 1.0) * 255).astype(np.uint8).tobytes()
            events += self._write.extra(
                "sophia.face.frames",
                response_id=response_id,
                item_id=item_id,
                names_id=self._names_id,
                audio_start_ms=round(run[0].time * 1000, 3),
                fps=round(1 / spacing, 3),
                count=len(run),
                weights=base64.b64encode(packed).decode("ascii"),
            )
        return events

    def playout(self, what: str, response: Response, back: float = 0.0) -> list[Event]:
        """``pause``, ``resume`` or ``clear``, and where in the sound: ``back`` seconds before the last sample sent."""
        at = max(0.0, response.delivered.cursor_ms - back * 1000)
        return self._write.extra(f"sophia.playout.{what}", item_id=response.item_id, audio_ms=round(at, 3))

    def position(self, response: Response, sample: int, playing: bool, at: float) -> list[Event]:
        """Where the conversation's own playout is."""
        return self._write.extra(
            "sophia.playout.position",
            item_id=response.item_id,
            audio_ms=round(sample * 1000 / response.delivered.rate, 3),
            playing=playing,
            at_ms=self.ms(at),
        )

    def levels(self, user: float, agent: float, at: float) -> list[Event]:
        """Levels, dB relative to full scale."""
        return self._write.extra("sophia.levels", user_db=round(user, 1), agent_db=round(agent, 1), at_ms=self.ms(at))

    def _runs(self, frames: Sequence[FaceFrame]) -> Iterator[tuple[list[FaceFrame], float]]:
        run: list[FaceFrame] = []
        for frame in frames:
            if len(run) == 1 and 0 < frame.time - run[0].time <= LONGEST_SPACING:
                self._spacing = frame.time - run[0].time
            elif run and (
                len(run) in (1, MOST_FRAMES) or abs(frame.time - run[0].time - len(run) * self._spacing) > JITTER
            ):
                yield run, self._spacing
                run = []
            run.append(frame)
        yield run, self._spacing

    # Turns

    def _new_marks(self, ledger: Ledger) -> list[Event]:
        known = self._marks.setdefault(ledger.turn, {})
        new = {name: at for name, at in ledger.marks.items() if known.get(name) != at}
        known.update(new)
        generation = ledger.generations[-1] if ledger.generations else 0
        return [
            event
            for name, at in sorted(new.items(), key=lambda mark: mark[1])
            for event in self._write.extra(
                "sophia.turn.mark", turn=ledger.turn, generation=generation, mark=name, at_ms=self.ms(at)
            )
        ]

    def _ledger(self, ledger: Ledger, item_ids: list[str]) -> list[Event]:
        voice, zero = ledger.voice_to_voice, ledger.marks.get(VOICE_END)
        return self._write.extra(
            "sophia.turn.ledger",
            turn=ledger.turn,
            user=ledger.user,
            heard=ledger.heard,
            outcome=None if ledger.outcome is None else str(ledger.outcome),
            voice_to_voice_ms=_in_ms(voice),
            contributions={name: round(seconds * 1000, 3) for name, seconds in ledger.contributions().items()},
            marks={name: self.ms(at) for name, at in sorted(ledger.marks.items(), key=lambda mark: mark[1])},
            zero_at_ms=None if zero is None else self.ms(zero),
            decisions=[
                {"decision": decision.kind, "reason": decision.reason, "at_ms": self.ms(decision.time)}
                for decision in ledger.decisions
            ],
            lip_skew_ms=_in_ms(ledger.lip_skew),
            face_missing=ledger.face_missing,
            trace_id=self._trace(ledger.turn),
            item_ids=item_ids,
        )

    # Floor and troubles

    def _floor(self, happening: Happening) -> list[Event]:
        match happening:
            case PhaseChanged(phase=phase):
                self._phase = phase
                self._ducked = self._ducked and phase == "speaking"
            case Duck():
                self._ducked = True
            case Unduck():
                if not self._ducked:
                    return []  # she is paused, or has ended: that is told by itself
                self._ducked = False
            case Interrupt() | Reopen():
                self._ducked = False
                return self._write.extra("sophia.floor", state="interrupted", at_ms=self.ms(happening.at))
            case _:
                return []
        state = "ducked" if self._ducked else STATES.get(self._phase, self._phase)
        return self._write.extra("sophia.floor", state=state, at_ms=self.ms(happening.at))

    def _gesture(self, happening: Happening) -> list[Event]:
        match happening:
            case Attending(to=to):
                return self._write.extra("sophia.attention", to=STATES.get(to, to), at_ms=self.ms(happening.at))
            case Nodded(depth=depth, twice=twice):
                return self._write.extra("sophia.nod", depth=depth, twice=twice, at_ms=self.ms(happening.at))
            case _:
                return []

    def _notice(self, happening: Happening) -> list[Event]:
        match happening:
            case Failed(service=service, error=error, again=again):
                return self._trouble(service, "retrying" if again else "failed", error)
            case Retrying(service=service, error=error):
                return self._trouble(service, "retrying", error)
            case DeviceLost(service=service, error=error):
                return self._trouble(service, "lost", error)
            case EarsLost(error=error):
                return self._trouble("asr", "lost", error)
            case ClauseSkipped(error=error, text=text):
                return self._trouble("tts", "skipped", error, f"Left out: “{text}”. ")
            case DeviceBack(service=service):
                return self._say(service, "back", f"The {service} is back.", "")
            case EarsBack():
                return self._say("asr", "back", "She can hear you again.", "")
            case _:
                return []

    def _trouble(self, service: str, state: str, error: Exception, before: str = "") -> list[Event]:
        failure = explain(error, service)
        return self._say(service, state, before + failure.line, failure.hint)

    def _say(self, service: str, state: str, message: str, hint: str | None) -> list[Event]:
        return self._write.extra("sophia.notice", service=service, state=state, message=message, hint=hint or "")


def _in_ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
