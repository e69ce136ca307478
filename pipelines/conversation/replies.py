"""Carries out what turn taking decides: makes, releases and cancels replies, and keeps the history as it was heard.

The only part of a conversation with tasks. A reply that is cut off is silenced first, then its face, then all its
calls are cancelled at once. Whatever a reply reaches, and what was heard of it in the end, is told as an event. No
policy here; :mod:`sophia.turns` decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry import context as otel

from aurora.face import FaceFrame
from nova.calls import new_id
from nova.history import History
from nova.tools import Toolbox, ToolCall
from pipelines.conversation.approval import Approvals
from pipelines.conversation.asked import to_answer
from pipelines.conversation.events import (
    ClauseSkipped,
    Failed,
    Forgotten,
    GenerationOver,
    Happening,
    HoldEnded,
    HoldStarted,
    LimitReached,
    Marked,
    PlaybackAcknowledged,
    PlayoutFinished,
    Remembered,
    ReplyText,
    Retrying,
    Shown,
    Stopped,
    ToolAnswered,
    ToolCalled,
    ToolEnded,
    ToolStarted,
)
from pipelines.conversation.face_show import FaceShow, complaint
from pipelines.conversation.generation import Generation
from pipelines.conversation.heard import HeardReplies
from pipelines.conversation.making import ReplyServices
from pipelines.conversation.manner import Manner, Manners
from pipelines.conversation.observers import Observers
from pipelines.conversation.past import record
from pipelines.conversation.reply import Reply
from pipelines.conversation.tongues import Tongues
from pipelines.conversation.tool_calls import MANNERS
from pipelines.conversation.verbatim import Verbatim
from pipelines.failures import StageFailed
from pipelines.telemetry.ledger import ToolFailure
from sophia.decisions import (
    Announce,
    Apologise,
    Commit,
    Correct,
    Drop,
    Duck,
    Farewell,
    FinishUtterance,
    Interrupt,
    Notify,
    Pause,
    Refuse,
    Reopen,
    Reprompt,
    Resume,
    Say,
    Start,
    Switch,
    Unduck,
)
from sophia.heard import TimedWord
from sophia.languages import Phrase
from sophia.playout import RAMP_SECONDS


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """What the replies of a conversation work with.

    ``tools`` are those that a reply may call when it begins, ``manners`` how it is made then. ``group`` holds their
    tasks; ``tell`` takes events, ``observers`` words and frames; ``trace`` is a turn's place in a trace, if any.
    """

    services: ReplyServices
    history: History
    tools: Toolbox
    manners: Manners
    tongues: Tongues
    show: FaceShow
    group: asyncio.TaskGroup
    finish_utterance: Callable[[], None]
    tell: Callable[[Happening], None]
    observers: Observers
    trace: Callable[[int], otel.Context | None]


class Replies:
    """The replies of one conversation. All times are ``loop.time()``."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._playout = context.services.playout
        self._loop = asyncio.get_running_loop()
        self._replies: dict[int, Reply] = {}
        self._heard = HeardReplies(context.history, self._playout.rate)
        self._approvals = Approvals()
        self._remade = 0  # the turn of which a reply was made again after it was decided
        self.last_sound = 0.0
        """When her last sample so far was, or will have been, played."""

    def carry_out(self, happening: Happening) -> None:
        """Does what a decision, or the end of a reply, asks for."""
        context = self._context
        match happening:
            case Switch(language=language):
                context.tongues.switch(language)
            case Start():
                self._start(happening)
            case Commit(generation=generation):
                record(context.history, happening)
                context.tools.once = None
                context.manners.decided(happening.turn)
                self._approvals.decided(happening.at, generation, "" if happening.unasked else happening.text)
                self._release(generation)
            case Reprompt() | Announce() | Notify() | Farewell():
                self._open(happening.turn, happening.generation)
                self._release(happening.generation)
                self._say(self._replies[happening.generation], happening.phrase)
                self._approvals.spoke()
            case Say():
                self._recite(happening)
            case Apologise(generation=generation, phrase=phrase):
                if reply := self._replies.get(generation):
                    self._say(reply, phrase)
            case Drop(generation=generation) | Reopen(generation=generation):
                self._withdraw(generation)
            case Interrupt(generation=generation):
                self._cut_off(generation, interrupted=True)
            case PlayoutFinished(generation=generation, samples=samples):
                if reply := self._replies.get(generation):
                    self._over(reply, samples)
            case PlaybackAcknowledged(generation=generation, samples=samples):
                self._heard.acknowledge(generation, samples, over=generation not in self._replies)
            case Duck():
                self._playout.duck()
            case Unduck():
                self._playout.unduck()
            case Correct() | ToolCalled() | ToolAnswered() | Remembered() | Forgotten():
                record(context.history, happening)
            case ToolStarted(generation=generation) | ToolEnded(generation=generation):
                if (reply := self._replies.get(generation)) and not reply.committed:
                    reply.ran.append(happening)
                else:  # one with effects may end after its reply
                    record(context.history, happening)
            case Stopped() if context.services.errands:
                context.services.errands.cancel()
            case Pause():
                if self._playout.pause():
                    self._fall_silent()
            case Resume(rewind=rewind):
                self._playout.resume(rewind)
            case Refuse():
                context.manners.once = None
            case FinishUtterance():
                context.finish_utterance()
            case _:
                pass

    def heard_so_far(self) -> tuple[int, str]:
        """The turn whose reply is sounding, and what was heard of it by now; turn 0 if none is."""
        active = self._playout.active
        reply = self._replies.get(active) if active is not None else None
        if reply is None:
            return 0, ""
        samples = self._heard.samples(reply.number, self._playout.heard(reply.number))
        return reply.turn, reply.texts(samples, self._playout.rate)[0]

    # What a generation tells

    def reached(self, generation: int, instant: str) -> None:
        self._context.tell(Marked(at=self._loop.time(), generation=generation, instant=instant))

    def wrote(self, generation: int, delta: str) -> None:
        self._context.tell(ReplyText(at=self._loop.time(), generation=generation, delta=delta))
        if (reply := self._replies.get(generation)) and reply.written and reply.committed:
            self._show(reply, delta)

    def limited(self, generation: int) -> None:
        self._context.tell(LimitReached(at=self._loop.time(), generation=generation))

    def called(self, generation: int, call: ToolCall) -> None:
        if reply := self._replies.get(generation):
            if self._context.history.knows(call.id) or any(call.id == other.id for other in reply.called):
                call = replace(call, id=new_id())  # servers count from 0 in each answer
            reply.called.append(call)
            if reply.committed:
                self._tell_of(reply, [call])

    def tool_started(self, generation: int, call: ToolCall, *, guess: bool) -> None:
        self._context.tell(ToolStarted(at=self._loop.time(), generation=generation, call=call, guess=guess))

    def tool_ended(self, generation: int, call_id: str, output: str, failure: ToolFailure) -> None:
        at = self._loop.time()
        self._context.tell(ToolEnded(at=at, generation=generation, call_id=call_id, output=output, failure=failure))

    def holds(self, generation: int, *, waits: bool, effects: bool) -> None:
        if reply := self._replies.get(generation):
            reply.effects |= effects
        hold = HoldStarted if waits else HoldEnded
        self._context.tell(hold(at=self._loop.time(), generation=generation, effects=effects))

    def asks(self, generation: int, call: ToolCall, question: str, language: str) -> None:
        self._approvals.asks(generation, call, question, language)

    def failed(self, generation: int, failure: StageFailed, *, passing: bool = False) -> None:
        reply = self._replies.get(generation)
        again = False
        if reply and failure.service in ("llm", "tts"):
            heard = bool(reply.shown) or bool(self._playout.heard(generation))
            lost = reply.once or bool(reply.called) or reply.effects or reply.turn == self._remade or heard
            again = not reply.committed or (passing and not lost)
        at = self._loop.time()
        self._context.tell(
            Failed(at=at, service=failure.service, error=failure.cause, generation=generation, again=again)
        )

    def retrying(self, generation: int, failure: StageFailed, seconds: float) -> None:
        self._context.tell(
            Retrying(at=self._loop.time(), service=failure.service, error=failure.cause, seconds=seconds)
        )

    def framed(self, generation: int, frame: FaceFrame) -> None:
        self._context.observers.framed(generation, frame)

    def scripted(self, generation: int, words: Sequence[TimedWord]) -> None:
        self._context.observers.scripted(generation, words)

    def skipped(self, generation: int, clause: str, error: Exception) -> None:
        self._context.tell(ClauseSkipped(at=self._loop.time(), generation=generation, text=clause, error=error))

    # A reply's life

    def _open(self, turn: int, generation: int) -> Reply:
        self._playout.open(generation)
        written = self._context.manners.of(turn).written
        reply = self._replies[generation] = Reply(turn, generation, self._context.tongues.phrases, written=written)
        return reply

    def _start(self, decision: Start) -> None:
        reply = self._open(decision.turn, decision.generation)
        context, manner = self._context, self._context.manners.of(decision.turn)
        tools = None if decision.about else context.tools  # what a program says is to be told calls nothing
        if decision.about:
            self._approvals.spoke()
        said = "" if decision.about else decision.text
        approval, answered = self._approvals.begins(decision.at, reply.number, said)
        told = (manner.instructions, MANNERS if tools and tools.own else "", context.tongues.instruction, answered)
        messages = to_answer(decision, context.history, "\n".join(filter(None, told)))
        services = context.tongues.services(context.services)
        reply.generation = Generation(reply.number, messages, services, self, tools, manner=manner, approval=approval)
        self._spawn(reply, reply.generation.run())

    def _recite(self, decision: Say) -> None:
        reply = self._open(decision.turn, decision.generation)
        self._release(reply.number)
        self._approvals.spoke()
        services = replace(
            self._context.tongues.services(self._context.services, decision.text), llm=Verbatim(decision.text)
        )
        manner = Manner(written=reply.written)
        reply.generation, reply.once = Generation(reply.number, (), services, self, manner=manner), True
        self._spawn(reply, reply.generation.run())

    def _release(self, generation: int) -> None:
        reply = self._replies[generation]
        reply.committed = True
        self._playout.release(generation)
        self._tell_of(reply, reply.called)
        for happening in reply.ran:
            record(self._context.history, happening)
        if reply.generation:
            reply.generation.decide()
        if reply.written and reply.generation and reply.generation.text:
            self._show(reply, reply.generation.text)

    def _show(self, reply: Reply, delta: str) -> None:
        """Lets the user read the next piece; what was read is not taken back."""
        if not reply.shown:
            self._context.tell(HoldEnded(at=self._loop.time(), generation=reply.number))
        reply.shown += delta
        self._context.tell(Shown(at=self._loop.time(), generation=reply.number, delta=delta))

    def _tell_of(self, reply: Reply, calls: Sequence[ToolCall]) -> None:
        """Tells of tools that a decided reply has called. From now on it has effects, and is not made again."""
        for call in calls:
            self._context.tell(HoldEnded(at=self._loop.time(), generation=reply.number))
            self._context.tell(ToolCalled(at=self._loop.time(), generation=reply.number, call=call))

    def _withdraw(self, generation: int) -> None:
        """The turn goes on without this reply, or comes to nothing; words that were recorded are taken back."""
        if (reply := self._replies.get(generation)) and reply.committed:
            self._context.history.withdraw(generation)
            self._remade = reply.turn
        self._cut_off(generation)
        self._approvals.withdrawn(generation)

    def _say(self, reply: Reply, phrase: Phrase) -> None:
        """Ends the reply with a canned phrase, or with nothing where that has no sound."""
        reply.phrase = phrase
        made = reply.generation
        reply.phrase_at = len(reply.shown) if reply.written else made.script.samples if made else 0
        self._context.show.faceless(reply.number, reply.phrase_at / self._playout.rate)

        async def say() -> None:
            sound = reply.phrases.sound(phrase)
            if reply.written:
                words, sound = reply.phrases.text(phrase), None
                self._show(reply, f" {words}" if reply.shown and words else words)
            if sound is not None:
                self._tell_words(reply, phrase)
                await self._playout.push(reply.number, sound)
            self._playout.finish(reply.number)

        self._spawn(reply, say())

    def _cut_off(self, generation: int, *, interrupted: bool = False) -> None:
        """Mutes the sink first, then the face, then cancels all calls at once."""
        if (reply := self._replies.get(generation)) is None:
            return
        paused = self._playout.paused and self._playout.active == generation
        pulled = self._playout.clear(generation)
        self._fall_silent()
        self._context.services.timeline.clear(generation)
        # The block that sounds is with the sink already, and the ramp begins after it.
        silenced = self.last_sound if paused else max(self.last_sound, self._loop.time()) + RAMP_SECONDS
        self._over(reply, pulled, silenced=silenced, interrupted=interrupted)

    def _over(self, reply: Reply, pulled: int, silenced: float | None = None, *, interrupted: bool = False) -> None:
        """Closes a reply of which the sink took ``pulled`` samples, and tells what it was."""
        del self._replies[reply.number]
        reply.pulled, reply.interrupted = pulled, interrupted
        samples = self._heard.at_the_end(reply.number, pulled, cut_off=silenced is not None)
        for task in reply.tasks:
            task.cancel()
        heard, said = reply.texts(samples, self._playout.rate)
        self._approvals.over(self._loop.time(), reply.number, heard)
        if interrupted or silenced is None:  # else the turn goes on without it, or comes to nothing
            self._heard.record(reply, samples)
        made = reply.generation
        sync = self._context.show.sync(reply.number) if made else None
        if made and self._context.services.face and not made.written and not made.face_failed and heard:
            missing, seconds = sync.missing if sync else None, samples / self._playout.rate
            if error := complaint("first_frame" in made.reached, missing, seconds):
                self.failed(made.number, StageFailed("face", error))
        text = made.text if made else reply.phrases.text(reply.phrase) if reply.phrase else ""
        self._context.tell(
            GenerationOver(
                at=self._loop.time(),
                generation=reply.number,
                text=text,
                heard=heard,
                said=said,
                tokens=made.tokens if made else 0,
                seconds=made.seconds if made else 0.0,
                silenced=silenced,
                lip_skew=sync.skew if sync else None,
                face_missing=sync.missing if sync else None,
            )
        )

    def _tell_words(self, reply: Reply, phrase: Phrase) -> None:
        words = reply.phrases.script(phrase, self._playout.rate).news()
        at, after = reply.phrase_at, bool(reply.generation and reply.generation.script.samples)
        moved = [replace(word, start=word.start + at, end=word.end + at) for word in words]
        if moved and after:
            moved[0] = replace(moved[0], text=f" {moved[0].text}")
        self.scripted(reply.number, moved)

    def _fall_silent(self) -> None:
        """Where a sink took back what it had not played, her last sample was the one that sounds now."""
        if self._playout.took_back:
            self.last_sound = min(self.last_sound, self._loop.time())

    def _spawn(self, reply: Reply, work: Coroutine[Any, Any, None]) -> None:
        """Starts a task of the reply in its turn's place in a trace, so that its calls carry the traceparent."""
        place = self._context.trace(reply.turn)
        token = otel.attach(place) if place is not None else None
        reply.tasks.append(self._context.group.create_task(work))
        if token is not None:
            otel.detach(token)
