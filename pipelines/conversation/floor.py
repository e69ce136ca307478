"""Carries out what turn taking decides: makes, releases and cancels replies, and keeps each turn's ledger.

At most two turns are open at a time: one that is being *heard*, and one that is being *answered* while the user may
be saying something over it. No policy here; :mod:`sophia.turns` decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from opentelemetry import context as otel

from aurora.errors import FaceError
from nova.history import History
from pipelines.conversation.generation import Generation, Speakers, StageFailed
from pipelines.conversation.phrases import Phrase, Phrases
from pipelines.conversation.turn import Turn
from pipelines.conversation.watcher import Watcher
from pipelines.telemetry.ledger import PLAYED, VOICE_END, Count, Outcome
from pipelines.telemetry.spans import ConversationSpan
from sophia.decisions import (
    Commit,
    Decision,
    Drop,
    Duck,
    FinishUtterance,
    Interrupt,
    Pause,
    Reopen,
    Reprompt,
    Resume,
    Start,
    Unduck,
)
from sophia.playout import RAMP_SECONDS


@dataclass(slots=True)
class Tools:
    """What the floor works with; ``group`` holds the tasks that make replies."""

    speakers: Speakers
    history: History
    phrases: Phrases
    watcher: Watcher
    span: ConversationSpan | None
    group: asyncio.TaskGroup
    finish_utterance: Callable[[], None]
    lip_skew: Callable[[int], float | None]


class Floor:
    """The open turns of one conversation. All times are ``loop.time()``."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._playout = tools.speakers.playout
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._barge_onset: float | None = None
        self.text_at = 0.0
        """When the recogniser's last words arrived."""
        self.last_sound = 0.0
        """When her last sample so far was, or will have been, played."""
        self.hearing: Turn | None = None
        self.answering: Turn | None = None

    def listen(self, onset: float, *, afresh: bool) -> None:
        """A voice set in; ``afresh`` if it is not part of what is being heard already."""
        if afresh or self.hearing is None:
            self.hearing = Turn()
        self.hearing.ledger.mark("voice_start", onset)

    def voice_ended(self, last_voiced: float, captured: float) -> None:
        """The voice fell silent; ``captured`` is when the frame with its last sample arrived."""
        if self.hearing:
            self.hearing.ledger.mark(VOICE_END, last_voiced, replace=True)
            self.hearing.ledger.mark("captured", captured, replace=True)

    def final(self, at: float) -> None:
        """The recogniser closed an utterance."""
        if turn := self.hearing or self.answering:
            turn.ledger.mark("final", at)

    # What the playout tells

    def audible(self, generation: int, time: float) -> None:
        """Her first audible sample was played at ``time``."""
        if (turn := self._answering(generation)) is not None:
            turn.ledger.mark(PLAYED, time)

    def underrun(self, generation: int) -> None:
        """The playout ran dry in the middle of a reply."""
        if (turn := self._answering(generation)) is not None:
            turn.ledger.count(Count.UNDERRUNS)

    def finished(self, generation: int, samples: int) -> None:
        """The reply was played to its end."""
        if (turn := self._answering(generation)) is None:
            return
        self.answering = None
        heard = turn.heard(samples)
        self._tools.history.assistant(generation, heard)
        if turn.generation is None:
            outcome = Outcome.REPROMPTED
        else:
            outcome = Outcome.FAILED if turn.ledger.faults and not heard else Outcome.REPLIED
        self._close(turn, outcome, heard)

    def heard_so_far(self) -> str:
        """What the user has heard of the reply that is sounding."""
        turn = self.answering
        return turn.heard(self._playout.heard(turn.number)) if turn else ""

    # What turn taking decides

    def obey(self, decision: Decision) -> None:
        """Carries out one decision."""
        turn = self._turn_of(decision)
        turn.ledger.decide(decision.at, type(decision).__name__.lower(), decision.reason)
        match decision:
            case Start():
                self._start(turn, decision)
            case Commit():
                self._commit(turn, decision)
            case Reprompt():
                self._reprompt(turn, decision)
            case Drop():
                self._drop(turn, decision)
            case FinishUtterance():
                self._tools.finish_utterance()
            case Duck():
                self._playout.duck()
            case Unduck():
                self._playout.unduck()
            case Pause():
                self._barge_onset = decision.onset
                self._playout.pause()
            case Resume():
                turn.ledger.count(Count.RESUMES)
                turn.ledger.count(Count.BACKCHANNELS if decision.backchannel else Count.FALSE_INTERRUPTIONS)
                self.hearing = None
                self._playout.resume(decision.rewind)
            case Interrupt():
                self._interrupt(turn, decision)
            case Reopen():
                self._reopen(turn, decision)

    def hush(self) -> None:
        """Silences and cancels whatever is in the making and closes the open turns; the conversation is over."""
        for turn, outcome in ((self.answering, Outcome.INTERRUPTED), (self.hearing, Outcome.DROPPED)):
            if turn and turn.number:
                heard = self._silence(turn)
                self._close(turn, outcome, heard)
        self.answering = self.hearing = None

    def _turn_of(self, decision: Decision) -> Turn:
        match decision:
            case Start() | Commit() | Reprompt() | FinishUtterance():
                turn = self.hearing
            case _:
                turn = self.answering or self.hearing
        if turn is None:  # words that the voice detector missed: all that is known is when they came
            turn = self.hearing = Turn()
            turn.ledger.mark(VOICE_END, self.text_at)
        return turn

    def _answering(self, generation: int) -> Turn | None:
        turn = self.answering
        return turn if turn and turn.number == generation else None

    def _begin(self, turn: Turn, generation: int) -> None:
        """Opens an attempt at a reply, and with the first one the turn itself."""
        ledger = turn.ledger
        if not turn.number:
            self._count += 1
            ledger.turn = self._count
            if self._tools.span:
                turn.span = self._tools.span.start_turn(self._count, ledger.marks.get("voice_start", self.text_at))
        turn.number = generation
        ledger.attempt(generation)
        self._playout.open(generation)

    def _start(self, turn: Turn, decision: Start) -> None:
        self._begin(turn, decision.generation)
        ledger = turn.ledger
        ledger.user = decision.text
        ledger.count(Count.SPECULATIONS_STARTED)
        ledger.mark("transcript", self.text_at)
        ledger.mark("started", decision.at)

        def note(instant: str) -> None:
            if turn.number == decision.generation:
                ledger.mark(instant, self._loop.time())

        tools = self._tools
        messages = tools.history.messages(decision.text)
        turn.generation = Generation(decision.generation, messages, note, tools.watcher.reply, self._playout.rate)
        self._spawn(turn, self._reply(turn, turn.generation))

    async def _reply(self, turn: Turn, generation: Generation) -> None:
        async def apologise(failure: StageFailed) -> None:
            self._fault(turn, failure)
            await self._say(generation.number, "llm" if failure.service == "llm" else "tts")
            self._playout.finish(generation.number)

        await generation.run(self._tools.speakers, apologise)

    async def _say(self, generation: int, phrase: Phrase) -> None:
        sound = self._tools.phrases.sound(phrase)
        if sound is not None:
            await self._playout.push(generation, sound)

    def _commit(self, turn: Turn, decision: Commit) -> None:
        ledger = turn.ledger
        if ledger.marks.get("started") == decision.at:
            ledger.counts[Count.SPECULATIONS_STARTED] -= 1  # it was no guess
        ledger.user = decision.text
        ledger.mark("decided", decision.at, replace=True)
        self._tools.history.user(decision.text)
        self._tools.watcher.final(decision.text)
        self._release(turn)

    def _release(self, turn: Turn) -> None:
        self._playout.release(turn.number)
        turn.ledger.mark("released", self._loop.time())
        self.hearing, self.answering = None, turn

    def _reprompt(self, turn: Turn, decision: Reprompt) -> None:
        self._begin(turn, decision.generation)
        turn.generation = None
        turn.ledger.reply = self._tools.phrases.texts["reprompt"]
        turn.ledger.mark("decided", decision.at, replace=True)
        self._release(turn)

        async def say() -> None:
            await self._say(decision.generation, "reprompt")
            self._playout.finish(decision.generation)

        self._spawn(turn, say())

    def _drop(self, turn: Turn, decision: Drop) -> None:
        self._silence(turn)
        turn.waste()
        if turn is self.answering:  # decided already, on words that turned out to be others
            self._tools.history.withdraw(decision.generation)
            self.hearing, self.answering = turn, None

    def _interrupt(self, turn: Turn, decision: Interrupt) -> None:
        paused = self._playout.paused
        heard = self._silence(turn)
        self.answering = None
        onset = self._barge_onset if self._barge_onset is not None else decision.at
        turn.ledger.mark("barge_in", onset)
        turn.ledger.mark("silenced", self.last_sound if paused else decision.at + RAMP_SECONDS)
        self._barge_onset = None
        self._tools.history.assistant(decision.generation, heard, interrupted=True)
        self._close(turn, Outcome.INTERRUPTED, heard)

    def _reopen(self, turn: Turn, decision: Reopen) -> None:
        self._silence(turn)
        self._barge_onset = None
        turn.ledger.count(Count.FALSE_CUTOFFS)
        self._tools.history.withdraw(decision.generation)
        if self.hearing:  # both pieces are one turn now, and it is the later one that ends it
            for name in (VOICE_END, "captured"):
                if name in self.hearing.ledger.marks:
                    turn.ledger.mark(name, self.hearing.ledger.marks[name], replace=True)
        self.hearing, self.answering = turn, None

    def _silence(self, turn: Turn) -> str:
        """Mutes the sink first, then the face, then cancels all calls at once. Returns what was heard."""
        heard = turn.heard(self._playout.clear(turn.number))
        self._tools.speakers.timeline.clear(turn.number)
        turn.cancel()
        return heard

    def _fault(self, turn: Turn, failure: StageFailed) -> None:
        turn.ledger.fail(self._loop.time(), failure.service, self._tools.watcher.fault(failure.service, failure.cause))

    def _spawn(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Starts a task in the turn's span, so that its calls carry the traceparent."""
        token = otel.attach(turn.span.context) if turn.span else None
        turn.task = self._tools.group.create_task(work)
        if token:
            otel.detach(token)

    def _close(self, turn: Turn, outcome: Outcome, heard: str) -> None:
        ledger, generation = turn.ledger, turn.generation
        turn.cancel()
        ledger.outcome, ledger.heard = outcome, heard
        ledger.mark("end", self._loop.time())
        if generation:
            ledger.reply = generation.text
            ledger.count(Count.TOKENS, generation.tokens)
            ledger.sound_seconds = generation.seconds
            ledger.lip_skew = self._tools.lip_skew(turn.number)
            if failure := self._faceless(turn, generation):
                self._fault(turn, failure)
        if turn.span:
            turn.span.end(ledger)
        self._tools.watcher.turn(ledger, turn.span)

    def _faceless(self, turn: Turn, generation: Generation) -> StageFailed | None:
        """Why the face did not move with a reply that was heard."""
        if generation.face_fault or not self._tools.speakers.face or not turn.ledger.heard:
            return generation.face_fault
        if "first_frame" in turn.ledger.marks:
            return None
        return StageFailed("face", FaceError("the face service sent no frame while she spoke; is it overloaded?"))
