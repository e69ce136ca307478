"""The book of turns: ledgers as a fold over events and decisions. Pure: no await, no clock, no I/O.

The same events and decisions in the same order make the same ledgers, also when they are read from a recording. A
ledger is opened by :class:`~sophia.decisions.Begin` and is handed over exactly once, when its turn is over.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from pipelines.conversation.events import (
    ClauseSkipped,
    Decision,
    FaceShown,
    Failed,
    GenerationOver,
    Happening,
    HoldEnded,
    HoldStarted,
    Lost,
    Marked,
    PlaybackStarted,
    PlayoutStarted,
    PlayoutUnderrun,
    TextTyped,
    ToolCalled,
    ToolEnded,
    ToolStarted,
    Transcribed,
    VoiceStarted,
    VoiceStopped,
)
from pipelines.failures import explain
from pipelines.telemetry.ledger import PLAYED, VOICE_END, Count, Ledger, Outcome, Silence, ToolRun
from sophia.decisions import (
    Announce,
    Apologise,
    Begin,
    Commit,
    Continue,
    Correct,
    Dismiss,
    Drop,
    Farewell,
    Interrupt,
    Keep,
    Notify,
    Refuse,
    Reopen,
    Reprompt,
    Resume,
    Say,
    Start,
)


@dataclass(slots=True)
class _Turn:
    """A turn that is not over.

    ``played`` is how it ends if its reply is played to the end; ``fates`` says of each generation that was cut off why.
    ``apologised``: its reply failed, and ends with an apology. ``kept``: its words wait for somebody to ask.
    ``shown``: how a remote client shows its face. ``calls``: how many tools each generation has called.
    ``hold``: from when to when its reply waited for tools last.
    """

    ledger: Ledger
    generation: int = 0
    played: Outcome = Outcome.REPLIED
    fates: dict[int, Decision] = field(default_factory=dict)
    apologised: bool = False
    kept: bool = False
    shown: FaceShown | None = None
    calls: Counter[int] = field(default_factory=Counter)
    hold: tuple[float, float] = (math.inf, math.inf)

    def held(self, time: float) -> bool:
        """Whether its reply waited for tools then: her silence was no want of sound."""
        return self.hold[0] <= time <= self.hold[1]

    @property
    def unanswered(self) -> Outcome:
        """How it ends without an answer of its own."""
        return Outcome.KEPT if self.kept else Outcome.DROPPED


_OUTCOMES: dict[type, Outcome] = {
    Reprompt: Outcome.REPROMPTED,
    Announce: Outcome.FAILED,
    Notify: Outcome.REPLIED,
    Farewell: Outcome.FAILED,
    Say: Outcome.REPLIED,
}
"""How a turn without an answer ends if what she says is played to the end."""


class TurnBook:
    """All turns of a conversation that are open; :meth:`tell` returns those that are over with that."""

    def __init__(self) -> None:
        self._turns: dict[int, _Turn] = {}
        self._hearing: _Turn | None = None  # the turn that the user's words belong to
        self._voice: _Turn | None = None  # the turn in which the voice that is on set in
        self._guessed = False  # an interim came last: its final is still to come
        self._final: _Turn | None = None  # the turn that was decided without its final
        self._generations: dict[int, _Turn] = {}  # those whose GenerationOver is still to come
        self._text_at = 0.0
        self._lost: Counter[Count] = Counter()  # while no turn was open; the next one tells of it

    @property
    def open(self) -> int:
        """How many turns are not over."""
        return len(self._turns)

    @property
    def ledgers(self) -> list[Ledger]:
        """The ledgers of turns that are not over, as far as they are known."""
        return [turn.ledger for turn in self._turns.values()]

    def tell(self, happening: Happening) -> list[Ledger]:
        """Takes what happened or was decided; returns the ledgers of turns that are over now."""
        match happening:
            case Transcribed(at=at, transcript=transcript):
                if transcript.text.strip():
                    self._text_at = at
                self._guessed = not transcript.final and bool(transcript.text.strip())
                if transcript.stable and self._hearing:
                    self._hearing.ledger.mark("stable", at, replace=True)
                if transcript.final:
                    if (turn := self._final or self._hearing) and turn.ledger.turn in self._turns:
                        turn.ledger.mark("final", at)
                    self._final = None
            case TextTyped(at=at):
                self._text_at = at
            case VoiceStarted():
                self._voice = self._hearing
            case VoiceStopped(time=time, captured=captured):
                if self._voice and self._voice is self._hearing:  # else its turn was decided while it was on
                    ledger = self._voice.ledger
                    ledger.mark(VOICE_END, time, replace=True)
                    ledger.mark("captured", time if captured is None else captured, replace=True)
                self._voice = None
            case PlayoutStarted(generation=generation, time=time):
                self._mark(generation, PLAYED, time)
            case PlaybackStarted(generation=generation, time=time):
                if (turn := self._making(generation)) and PLAYED in turn.ledger.marks:
                    turn.ledger.mark(PLAYED, time, replace=True)
            case FaceShown(generation=generation):
                if turn := self._making(generation):
                    turn.shown = happening
            case PlayoutUnderrun(generation=generation, time=time):
                if (turn := self._making(generation)) and not turn.held(time):
                    turn.ledger.count(Count.UNDERRUNS)
            case HoldStarted(at=at, generation=generation):
                if (turn := self._making(generation)) and not turn.held(at):
                    turn.hold = (at, math.inf)
            case HoldEnded(at=at, generation=generation):
                if (turn := self._making(generation)) and turn.held(at):
                    turn.hold = (turn.hold[0], at)
            case Marked(at=at, generation=generation, instant=instant):
                self._mark(generation, instant, at)
            case Lost(what=what, by=by):
                self._lost[what] += by
                if self._turns:
                    self._note_losses(next(reversed(self._turns.values())))
            case Failed():
                self._failed(happening)
            case ClauseSkipped():
                self._skipped(happening)
            case ToolCalled(generation=generation, call=call):
                if turn := self._making(generation):
                    turn.ledger.called.append(call.name)
            case ToolStarted():
                self._tool_started(happening)
            case ToolEnded():
                self._tool_ended(happening)
            case GenerationOver():
                return self._over(happening)
            case Decision():
                return self._decided(happening)
            case _:
                pass
        return []

    def _decided(self, decision: Decision) -> list[Ledger]:
        if isinstance(decision, Begin):
            self._begin(decision)
        turn = self._turns.get(decision.turn)
        if turn is None or isinstance(decision, Refuse):
            return []
        ledger = turn.ledger
        ledger.decide(decision.at, type(decision).__name__.lower(), decision.reason)
        match decision:
            case Start(at=at, generation=generation, text=text):
                self._attempt(turn, generation)
                ledger.user = text
                ledger.count(Count.SPECULATIONS_STARTED)
                if text:
                    ledger.mark("transcript", self._text_at)
                ledger.mark("started", at)
            case Continue(since=since, silence=silence, wait=wait):
                ledger.silences.append(Silence(since, silence, wait.seconds, wait.sounds, "voice", wait.explored))
            case Commit(at=at, text=text, unasked=unasked):
                self._note_endpoint(ledger, decision)
                if ledger.marks.get("started") == at:
                    ledger.counts[Count.SPECULATIONS_STARTED] -= 1  # it was no guess
                ledger.user = text
                self._release(turn, at)
                if not unasked:  # else the final that is still to come is an earlier turn's
                    self._final = turn if self._guessed else None
            case Keep(text=text):
                self._note_endpoint(ledger, decision)
                ledger.user, turn.kept = text, True
                self._hearing = None if self._hearing is turn else self._hearing
                self._final = turn if self._guessed else None
            case (
                Reprompt(at=at, generation=generation)
                | Announce(at=at, generation=generation)
                | Notify(at=at, generation=generation)
                | Farewell(at=at, generation=generation)
                | Say(at=at, generation=generation)
            ):
                self._attempt(turn, generation)
                turn.played = _OUTCOMES[type(decision)]
                self._release(turn, at)
            case Correct(text=text):
                ledger.user = text
            case Apologise():
                turn.apologised = True
            case Drop(generation=generation):
                turn.fates[generation] = decision
            case Interrupt(generation=generation, onset=onset):
                turn.fates[generation] = decision
                if onset is not None:
                    ledger.mark("barge_in", onset)
            case Reopen():
                return [self._reopen(turn, decision)]
            case Resume(backchannel=backchannel):
                ledger.count(Count.RESUMES)
                ledger.count(Count.BACKCHANNELS if backchannel else Count.FALSE_INTERRUPTIONS)
            case Dismiss(text=text):
                ledger.user = text or ledger.user
                self._hearing = None if self._hearing is turn else self._hearing
                if turn.generation not in self._generations:
                    return [self._close(turn, turn.unanswered, decision.at)]
                turn.fates[turn.generation] = decision  # closed once it is known what was wasted
            case _:
                pass
        return []

    def _begin(self, decision: Begin) -> None:
        turn = self._turns[decision.turn] = _Turn(Ledger(decision.turn))
        self._note_losses(turn)
        if decision.origin in ("voice", "words", "typed"):
            self._hearing = turn
        if decision.onset is not None:
            self._voice = turn
            turn.ledger.mark("voice_start", decision.onset)
        elif decision.origin == "words":  # the voice detector missed it: all that is known is when the words came
            turn.ledger.mark(VOICE_END, decision.at)

    def _attempt(self, turn: _Turn, generation: int) -> None:
        turn.generation, turn.played, turn.apologised = generation, Outcome.REPLIED, False
        turn.ledger.attempt(generation)
        self._generations[generation] = turn

    def _release(self, turn: _Turn, at: float) -> None:
        turn.ledger.mark("decided", at, replace=True)
        turn.ledger.mark("released", at)
        if self._hearing is turn:
            self._hearing = None

    def _reopen(self, turn: _Turn, decision: Reopen) -> Ledger:
        """The later turn is part of the earlier one, and it is the later voice that ends it."""
        turn.fates[decision.generation] = decision
        turn.ledger.count(Count.FALSE_CUTOFFS)
        joined = self._turns[decision.joined]
        self._note_reopen(turn.ledger, joined.ledger)
        if VOICE_END in joined.ledger.marks:
            turn.ledger.marks.pop("captured", None)  # of the voice that ended before
            for name in (VOICE_END, "captured"):
                if name in joined.ledger.marks:
                    turn.ledger.mark(name, joined.ledger.marks[name], replace=True)
        self._hearing = turn
        self._voice = turn if self._voice is joined else self._voice
        return self._close(joined, Outcome.JOINED, decision.at)

    @staticmethod
    def _note_endpoint(ledger: Ledger, decided: Commit | Keep) -> None:
        if wait := decided.wait:
            since = decided.at - decided.silence
            ledger.silences.append(
                Silence(since, decided.silence, wait.seconds, wait.sounds, "endpoint", wait.explored)
            )

    @staticmethod
    def _note_reopen(ledger: Ledger, joined: Ledger) -> None:
        """The silence that ended the turn was one within it, and lasted until the later voice."""
        if ledger.silences and (last := ledger.silences[-1]).ended_by == "endpoint":
            length = joined.marks.get("voice_start", last.at + last.length) - last.at
            ledger.silences[-1] = replace(last, length=length, ended_by="reopen")

    def _note_losses(self, turn: _Turn) -> None:
        turn.ledger.counts.update(self._lost)
        self._lost.clear()

    def _failed(self, event: Failed) -> None:
        turn = self._generations.get(event.generation)
        if turn is None and event.fatal:  # what it befell is whatever is going on
            turn = next(reversed(self._turns.values()), None)
        if turn and not event.again:  # else it costs a guess, and the decisions tell of it
            self._note_fault(turn, event.at, event.service, event.error)

    def _skipped(self, event: ClauseSkipped) -> None:
        if turn := self._generations.get(event.generation):
            if not turn.ledger.skipped:
                self._note_fault(turn, event.at, "tts", event.error)
            turn.ledger.skipped.append(event.text)

    @staticmethod
    def _note_fault(turn: _Turn, at: float, service: str, error: Exception) -> None:
        found = explain(error, service)
        turn.ledger.fail(at, service, found.line, found.kind)

    def _tool_started(self, event: ToolStarted) -> None:
        if turn := self._making(event.generation):
            call = event.call
            turn.ledger.tools.append(ToolRun(event.at, call.id, call.name, event.guess, call.arguments))
            turn.ledger.count(Count.TOOL_CALLS)
            turn.calls[event.generation] += 1

    def _tool_ended(self, event: ToolEnded) -> None:
        if turn := self._making(event.generation):
            turn.ledger.tool_ended(event.at, event.call_id, event.output, event.failure)

    def _over(self, event: GenerationOver) -> list[Ledger]:
        turn = self._generations.pop(event.generation, None)
        if turn is None:
            return []
        ledger, fate = turn.ledger, turn.fates.pop(event.generation, None)
        match fate:
            case Drop() | Reopen() | Dismiss():
                ledger.counts[Count.SPECULATIONS_DROPPED] += not isinstance(fate, Reopen)
                ledger.count(Count.WASTED_TOKENS, event.tokens)
                ledger.wasted_seconds += event.seconds
                ledger.count(Count.TOOL_CALLS_WASTED, turn.calls.pop(event.generation, 0))
                if turn.generation == event.generation:
                    ledger.tools.clear()
                if isinstance(fate, Dismiss):
                    return [self._close(turn, turn.unanswered, event.at)]
                return []
            case Interrupt():
                outcome = Outcome.INTERRUPTED
                ledger.mark("silenced", event.at if event.silenced is None else event.silenced)
            case _ if turn.apologised:
                outcome = Outcome.BROKEN if event.heard else Outcome.FAILED
            case _:
                only_calls = ledger.called and turn.played is Outcome.REPLIED and not (event.seconds or event.heard)
                outcome = Outcome.CALLED if only_calls else turn.played
        ledger.reply = event.text
        ledger.heard = event.all_heard
        ledger.count(Count.TOKENS, event.tokens)
        ledger.sound_seconds = event.seconds
        ledger.lip_skew, ledger.face_missing = event.lip_skew, event.face_missing
        if (shown := turn.shown) and shown.generation == event.generation:  # who sees the face knows better
            ledger.lip_skew = event.lip_skew if shown.skew is None else shown.skew
            ledger.face_missing = event.face_missing if shown.missing is None else shown.missing
            ledger.count(Count.LATE_FRAMES, shown.late)
        return [self._close(turn, outcome, event.at)]

    def _close(self, turn: _Turn, outcome: Outcome, at: float) -> Ledger:
        ledger = turn.ledger
        del self._turns[ledger.turn]
        if self._hearing is turn:
            self._hearing = None
        ledger.outcome = outcome
        ledger.mark("end", at)
        return ledger

    def _making(self, generation: int) -> _Turn | None:
        """The turn whose current attempt this is."""
        turn = self._generations.get(generation)
        return turn if turn and turn.generation == generation and generation not in turn.fates else None

    def _mark(self, generation: int, instant: str, at: float) -> None:
        if turn := self._making(generation):
            turn.ledger.mark(instant, at)
