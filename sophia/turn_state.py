"""What turn taking knows, and its decisions as verbs: each changes the state and notes the decision that tells of it.

Plain bookkeeping. The policies (:mod:`sophia.endpointing`, :mod:`sophia.barge_in`) decide when to do what, and
:mod:`sophia.turns` drives them. The numbers of turns and generations are given here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from sophia.completeness import TurnModel, words
from sophia.decisions import (
    Announce,
    AnyDecision,
    Begin,
    Commit,
    Continue,
    Correct,
    Dismiss,
    Disregard,
    Drop,
    Farewell,
    Interrupt,
    Keep,
    Notify,
    Origin,
    Refuse,
    Reopen,
    Reprompt,
    Say,
    Start,
    Wait,
)
from sophia.floor_policy import FloorPolicy
from sophia.pauses import Pauses
from sophia.replying import Reply
from sophia.tongue import Tongue
from sophia.transcripts import Transcript
from sophia.turn_settings import TurnSettings
from sophia.utterance import Utterance, beyond

CLOCK_TICK = 0.001
"""Seconds by which an event loop's timer may fire early: uvloop's clock counts whole milliseconds. A deadline that is
nearer than this counts as reached, or whoever drives the machine would spin until it is."""

LOOSE = 0.1
"""Seconds by which a detector may date a voice's end too late, and a recogniser a word's."""

REPEAT_SECONDS = 1.0
"""Within this time a final with the same words, and no voice between, is the same one told twice. It is only asked of
recognisers that tell no times."""


class TurnState:
    """The state of one session's turn taking; ``out`` collects the decisions until they are handed over."""

    def __init__(self, settings: TurnSettings, model: TurnModel, chance: Callable[[], float]) -> None:
        self.settings = settings
        self.chance = chance
        self.policy = FloorPolicy()
        self.pauses = Pauses(settings, model)
        self.tongue = Tongue(settings)
        self.deadline: float | None = None
        self.speaking = False
        """The voice detector hears a voice; whose it is, the utterance says."""
        self.voice_from = 0.0
        """Onset of the voice that is on, or was on last."""
        self.noise_until = -math.inf
        """When a voice was heard last that came to nothing: no words had come of it."""
        self.utterance = Utterance()
        self.answered = Utterance()
        self.kept: Utterance | None = None
        """An utterance that is over and has no answer so far, with the words of those before it."""
        self.queued = False
        """It is to be answered unasked, once her reply is over."""
        self.quiet_since: float | None = None
        """Since when nobody has said anything, after words of hers; None before."""
        self.expects = False
        """Her last words were a question, and were heard to their end."""
        self.prompts = 0  # answers to a silence since the user said something
        self.pending = False
        """The recogniser's final on the answered utterance is still to come."""
        self.sound_began = math.inf
        """The ``loop.time()`` of the first sample of the user's sound, or a little later: as the quickest answer of the
        recogniser says. No answer comes before what it tells of."""
        self.interims = False
        """The recogniser tells words while they are being said."""
        self.covered = 0.0
        """Seconds of the user's sound whose words were taken in for good; what is told of them again is not new."""
        self.reply: Reply | None = None
        self.reprompts = 0
        self.over = False
        self.now = 0.0
        """``at`` of the event that is being dealt with."""
        self.deaf_since: float | None = None
        """Since when the recogniser cannot be relied on; None while it can."""
        self.deaf_until = -math.inf
        """When it came back last."""
        self.announced = 0
        """The generation that told of the outage there is; 0 if none has."""
        self.out: list[AnyDecision] = []
        self._turn = 0
        self._generation = 0

    @property
    def committed(self) -> Reply | None:
        """The reply, if its turn is decided."""
        return self.reply if self.reply and self.reply.committed_at is not None else None

    def of(self, generation: int) -> Reply | None:
        """The reply, if it is this one."""
        return self.reply if self.reply and self.reply.generation == generation else None

    def pause_after(self, utterance: Utterance) -> tuple[Wait, str]:
        """The silence that ends a turn with these words, and why."""
        return self.pauses.after(utterance.pieces, utterance.heard, self.tongue.of(utterance))

    def voiced(self, at: float) -> float:
        """Seconds of voice in the current utterance so far."""
        return self.utterance.voiced + (max(0.0, at - self.voice_from) if self.utterance.voicing else 0.0)

    def tells_all(self, utterance: Utterance) -> bool:
        """Whether the interim is of all that the voice detector has heard, by the time of the sound.

        Where the recogniser gives no times, it must have come after the voice's end.
        """
        if utterance.processed:
            return self.sound_began + utterance.processed > utterance.last_voiced - LOOSE
        return utterance.interim_at > utterance.last_voiced

    def divide(self, transcript: Transcript) -> tuple[str, str]:
        """What of a transcript was taken in before, and what is new: by the time of the sound that it tells of.

        Where the recogniser gives no times, likeness and the voice detector must do.
        """
        text, answered, utterance = transcript.text.strip(), self.answered, self.utterance
        if self.covered and (parts := transcript.divided(self.covered)):
            return parts
        if self.pending:  # one stream may hand over the answered words and the new ones as one piece
            spoke = utterance.onset is not None or self.speaking or self.voice_from > answered.last_voiced
            # A recogniser tells all of an utterance until it has closed it, so the answered words are told again.
            before, timed = f"{answered.guess} {answered.interim}", bool(transcript.audio_processed)
            return beyond(text, before, holds=timed) if spoke else (text, "")
        last = utterance if utterance.finals else answered
        same = bool(last.finals) and not utterance.interim and words(text) == words(last.finals[-1])
        if transcript.final and text and same and self.voice_from <= last.final_at and not transcript.ends:
            return (text, "") if self.now - last.final_at <= REPEAT_SECONDS else ("", text)
        return "", text

    def reached(self, at: float, time: float) -> bool:
        """Whether ``time`` has come; if not, asks for a tick then."""
        if at > time - CLOCK_TICK:
            return True
        self.deadline = time if self.deadline is None else min(self.deadline, time)
        return False

    # A turn

    def begin(self, at: float, origin: Origin, reason: str, onset: float | None = None) -> None:
        """A turn begins with the current utterance."""
        utterance = self.utterance
        utterance.turn = self._begin(at, origin, reason, onset)
        utterance.onset = utterance.last_voiced = at if onset is None else onset

    def answer(self, utterance: Utterance, *, pending: bool = False) -> None:
        """The utterance is over and decided; what comes now is another one. ``pending``: words of it may still come."""
        self.answered, self.pending = utterance, pending or bool(utterance.interim or utterance.guess)
        if pending and math.isfinite(self.sound_began):
            self.covered = max(self.covered, self.now - self.sound_began)
        elif self.pending:
            self.covered = max(self.covered, utterance.processed)
        utterance.voicing = False
        self.utterance = Utterance()

    def dismiss(self, at: float, reason: str) -> None:
        """The current utterance is nothing to answer, nor is a guess that was made for it."""
        if not self.committed:
            self.drop(at, reason)
        if turn := self.utterance.turn:
            self.out.append(Dismiss(at=at, turn=turn, text=self.utterance.text, reason=reason))
            if not self.utterance.text:
                self.noise_until = at if self.speaking else self.utterance.last_voiced
            self.quiet_since = None if self.quiet_since is None else max(at, self.quiet_since)
        self.utterance = Utterance()

    def disregard(self, at: float, turn: int, text: str, reason: str) -> None:
        """Names words that change nothing."""
        self.out.append(Disregard(at=at, turn=turn, text=text, reason=reason))

    def correct(self, at: float, utterance: Utterance, reason: str) -> None:
        """Says what was really said in an utterance that is answered."""
        self.out.append(
            Correct(at=at, turn=utterance.turn, generation=utterance.generation, text=utterance.text, reason=reason)
        )

    def close(self, at: float, reason: str) -> None:
        """Ends whatever is open."""
        if self.committed:
            self.interrupt(at, reason)
        self.dismiss(at, reason)
        self._let_go(at, reason)
        self.deadline = None

    # A reply

    def start(self, at: float, utterance: Utterance, text: str, reason: str, *, settled: bool = True) -> Reply:
        """Begins a reply to an utterance, whose words are ``text``."""
        turn, about, order = utterance.turn, utterance.about, utterance.order
        reply = self._new_reply(turn, text)
        reply.settled = settled
        begun = Start(at=at, turn=turn, generation=reply.generation, text=text, about=about, order=order, reason=reason)
        self.out.append(begun)
        return reply

    def commit(self, at: float, utterance: Utterance, why: str) -> None:
        """Decides the turn: the reply to the utterance, begun by now if need be, may be heard."""
        text, silence = utterance.text, max(0.0, at - utterance.last_voiced)
        if self.reply and words(self.reply.text) != words(text):
            self.drop(at, f"the text became “{text}”")
        elif self.tongue.differs(utterance):
            self.drop(at, "the language became another")
        self.out += self.tongue.follow(at, utterance)
        self.tongue.settle(utterance)
        reply = self.reply or self.start(at, utterance, text, "the turn is decided")
        reply.committed_at, reply.to, utterance.generation = at, utterance, reply.generation
        reason = f"silent for {silence:.2f} s, {why}"
        wait, utterance.wait = utterance.wait, None
        decided = Commit(
            at=at,
            turn=reply.turn,
            generation=reply.generation,
            text=text,
            silence=silence,
            wait=wait,
            unasked=bool(utterance.about),
            reason=reason,
        )
        self.out.append(decided)
        self.reprompts = 0
        if text:
            self.prompts = 0

    def go_on(self, at: float) -> None:
        """The user goes on after a silence, if words have come of the voice that ended it."""
        if (pause := self.utterance.went_on()) is None:
            return
        silence = pause.until - pause.since
        self.pauses.learn(silence)
        if wait := pause.wait:
            reason = f"words after {silence:.2f} s of silence; {wait.seconds:.2f} s would have ended the turn"
            turn, since = self.utterance.turn, pause.since
            self.out.append(Continue(at=at, turn=turn, since=since, silence=silence, wait=wait, reason=reason))

    def decide(self, at: float, utterance: Utterance, why: str) -> None:
        """The user's turn is over: it is answered now, or kept until her reply is over or a client asks."""
        if self.policy.unasked and not self.committed:
            self.include_kept(at, utterance)
            self.commit(at, utterance, why)
            self.answer(utterance)
            return
        if not self.committed:
            self.drop(at, "nobody asked for an answer")
        self.include_kept(at, utterance)
        self.kept, self.queued = utterance, self.policy.unasked
        text, silence = utterance.text, max(0.0, at - utterance.last_voiced)
        reason = f"silent for {silence:.2f} s, {why}"
        wait, utterance.wait = utterance.wait, None
        self.out.append(Keep(at=at, turn=utterance.turn, text=text, silence=silence, wait=wait, reason=reason))
        self.answer(utterance, pending=not text)

    def include_kept(self, at: float, utterance: Utterance) -> None:
        """Words that were kept and have no answer are answered with this utterance."""
        if before := self.kept:
            if self.policy.remembers:
                utterance.take_in(before, pending=self.pending and self.answered is before)
            self._let_go(at, "its words are answered with those that came after")

    def answer_kept(self, at: float, why: str) -> None:
        """Answers what was kept."""
        if utterance := self.kept:
            self.kept, self.queued = None, False
            self.commit(at, utterance, why)

    def _let_go(self, at: float, reason: str) -> None:
        if before := self.kept:
            self.out.append(Dismiss(at=at, turn=before.turn, text=before.text, reason=reason))
        self.kept, self.queued = None, False

    def drop(self, at: float, reason: str) -> None:
        """Gives up a reply of which nothing was heard, if there is one."""
        if reply := self.reply:
            self.out.append(Drop(at=at, turn=reply.turn, generation=reply.generation, reason=reason))
            self.out += self.tongue.come_back(at, reply.turn)
            self.reply = None

    def make_again(self, at: float, reply: Reply, why: str) -> bool:
        """Gives up a reply that failed unheard, for another one: a guess at the commit, and else once, at once.

        False if there may be no other: something of it was heard, or had effects, or it is the second one already.
        """
        if reply.committed_at is None:
            self.utterance.speculations = self.settings.max_speculations
            self.drop(at, f"{why}; made again once the turn is decided")
        elif reply.audible_at is None and not reply.held and reply.to and not reply.to.made_again:
            reply.to.made_again = True
            self.drop(at, f"{why} before a word was heard; made again")
            self.commit(at, reply.to, why)
        else:
            return False
        return True

    def interrupt(self, at: float, reason: str, onset: float | None = None) -> None:
        """Ends a committed reply before its time."""
        if reply := self.reply:
            reply.cut = True
            self.out.append(Interrupt(at=at, turn=reply.turn, generation=reply.generation, onset=onset, reason=reason))
            self.reply, self.quiet_since, self.expects = None, at, False

    def reopen(self, at: float, reply: Reply, reason: str) -> None:
        """The reply came too early: what is being said belongs to its turn."""
        self.reply = None
        heard, before = self.utterance, reply.to or self.answered
        self.out.append(Reopen(at=at, turn=reply.turn, generation=reply.generation, joined=heard.turn, reason=reason))
        heard.goes_on_from(before, pending=self.pending and self.answered is before)

    # What needs no user's words

    def reprompt(self, at: float, utterance: Utterance, reason: str) -> None:
        """Answers speech without words with a question."""
        self.drop(at, "no words are left of it")
        self.reprompts += 1
        reply = self._new_reply(utterance.turn, "", committed_at=at, canned=True)
        self.out.append(Reprompt(at=at, turn=reply.turn, generation=reply.generation, reason=reason))
        self.answer(utterance)

    def take_back(self, at: float, reason: str) -> None:
        """Nothing was heard of what she was about to ask: the utterance that it was asked about goes on."""
        self.drop(at, reason)
        self.utterance = self.answered
        self.utterance.asked_final_at = None

    def announce(self, at: float, reason: str) -> None:
        """Tells that her ears are away, in a turn of its own; what was a voice without words comes to nothing."""
        self.dismiss(at, reason)
        reply = self._new_reply(self._begin(at, "agent", reason), "", committed_at=at, canned=True)
        self.announced = reply.generation
        self.out.append(Announce(at=at, turn=reply.turn, generation=reply.generation, reason=reason))

    def notify(self, at: float, reason: str) -> int:
        """Tells that the user is recorded, in a turn of its own; returns its generation."""
        reply = self._new_reply(self._begin(at, "agent", reason), "", committed_at=at)
        self.out.append(Notify(at=at, turn=reply.turn, generation=reply.generation, reason=reason))
        return reply.generation

    def farewell(self, at: float, reason: str) -> None:
        """Ends everything but for a last word of hers, in a turn of its own."""
        self.close(at, reason)
        reply = self._new_reply(self._begin(at, "agent", reason), "", committed_at=at, canned=True)
        self.over = True
        self.out.append(Farewell(at=at, turn=reply.turn, generation=reply.generation, reason=reason))

    def say(self, at: float, text: str, reason: str) -> None:
        """Says a text as it stands, in a turn of its own. It cannot be reopened: no words of a user came before it."""
        reply = self._new_reply(self._begin(at, "agent", reason), text, committed_at=at)
        reply.held = True
        self.out.append(Say(at=at, turn=reply.turn, generation=reply.generation, text=text, reason=reason))

    def speak(self, at: float, about: str, reason: str, *, order: bool = False) -> None:
        """Tells of something in her own words, in a turn of its own. No words of a user came before it, either."""
        turn = self._begin(at, "agent", reason)
        self.commit(at, Utterance(turn=turn, onset=at, last_voiced=at, about=about, order=order), reason)

    def answer_what_stands(self, at: float, origin: Literal["asked", "idle"], reason: str) -> None:
        """Answers the conversation as it stands, in a turn of its own; what is being said is no part of it."""
        turn = self._begin(at, origin, reason)
        self.commit(at, Utterance(turn=turn, onset=at, last_voiced=at), reason)

    def refuse(self, at: float, reason: str) -> None:
        """Says no to a client."""
        self.out.append(Refuse(at=at, turn=self.utterance.turn, reason=reason))

    def _begin(self, at: float, origin: Origin, reason: str, onset: float | None = None) -> int:
        self._turn += 1
        self.out.append(Begin(at=at, turn=self._turn, origin=origin, onset=onset, reason=reason))
        return self._turn

    def _new_reply(self, turn: int, text: str, committed_at: float | None = None, *, canned: bool = False) -> Reply:
        self._generation += 1
        self.reply = Reply(turn, self._generation, text, committed_at, canned=canned, language=self.tongue.speaks)
        return self.reply
