"""Turn taking: who has the floor. A pure state machine: events with time stamps in, decisions out.

No await, no clock, no I/O. Whoever drives it calls a method for each event, carries out the decisions it returns,
and calls :meth:`TurnTaking.tick` when :attr:`TurnTaking.deadline` is reached. Every policy of endpointing,
speculation, barge-in and resuming lives here, so that it can be replayed, property-tested and tuned offline.

The user's words are collected in an :class:`Utterance`. Once she is decided to answer, that utterance is *answered*
and a fresh one collects what the user says meanwhile, until it is clear what that was: a backchannel (dropped), a
barge-in (a new turn), or the rest of a sentence that was cut off (joined to the answered one: a reopened turn).

All times are ``loop.time()`` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sophia.completeness import Sounds, TurnModel, WordTurnModel, is_backchannel, words
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
from sophia.transcripts import Transcript
from sophia.turn_settings import TurnSettings
from sophia.utterance import Utterance, without_prefix


@dataclass(slots=True)
class _Reply:
    generation: int
    text: str
    committed_at: float | None = None
    audible_at: float | None = None
    ducked: bool = False
    paused_at: float | None = None


Phase = Literal["idle", "hearing", "thinking", "speaking", "paused"]


class TurnTaking:
    """One session's turn taking.

    Methods named for events return the decisions they lead to, in the order to carry them out. ``deadline`` is when
    to call :meth:`tick` next, or None.
    """

    def __init__(self, settings: TurnSettings | None = None, model: TurnModel | None = None) -> None:
        self.settings = settings or TurnSettings()
        self.deadline: float | None = None
        self.hesitation = 0.0
        """Learned pause of this user in the middle of a turn, seconds: a fading mean of the pauses spoken over."""
        self._model = model or WordTurnModel()
        self._speaking = False
        self._utterance = Utterance()
        self._answered = Utterance()
        self._answered_final_seen = True
        self._reply: _Reply | None = None
        self._generation = 0
        self._reprompts = 0
        self._voice_from = 0.0
        self._out: list[Decision] = []

    @property
    def phase(self) -> Phase:
        """What a spectator would say she is doing."""
        reply = self._reply
        if reply and reply.committed_at is not None:
            if reply.paused_at is not None:
                return "paused"
            return "thinking" if reply.audible_at is None else "speaking"
        return "hearing" if self._utterance.onset is not None else "idle"

    @property
    def hearing(self) -> bool:
        """Whether an utterance has begun that is not decided yet."""
        return self._utterance.onset is not None

    @property
    def text(self) -> str:
        """The words of that utterance so far."""
        return self._utterance.text

    # Events

    def voice_started(self, at: float, onset: float) -> list[Decision]:
        """Voice activity detected a voice that set in at ``onset``."""
        utterance = self._utterance
        if utterance.onset is None:
            utterance.onset = onset
            if (reply := self._committed) and reply.audible_at is None:
                self._learn(onset - self._answered.last_voiced)
        elif not self._speaking:
            self._learn(onset - utterance.last_voiced)
        self._speaking, self._voice_from = True, onset
        utterance.last_voiced = max(utterance.last_voiced, onset)
        utterance.rejected = False
        return self._evaluate(at)

    def voice_stopped(self, at: float, last_voiced: float) -> list[Decision]:
        """Voice activity lost the voice; its last voiced sample was at ``last_voiced``."""
        utterance = self._utterance
        if self._speaking:
            utterance.voiced += max(0.0, last_voiced - self._voice_from)
        self._speaking = False
        utterance.last_voiced = max(utterance.last_voiced, last_voiced)
        return self._evaluate(at)

    def transcript(self, at: float, transcript: Transcript) -> list[Decision]:
        """The recogniser said something."""
        text = transcript.text.strip()
        utterance, answered = self._utterance, self._answered
        if not self._answered_final_seen:
            if utterance.onset is None:
                return self._late(at, transcript, text)
            # One stream may hand over the answered words and the new ones as one piece.
            text, shared = without_prefix(text, answered.interim)
            if transcript.final:
                self._answered_final_seen = True
                answered.finals += [answered.interim] if shared and answered.interim else []
                answered.interim = ""
                if not text:
                    return self._evaluate(at)  # the answered utterance's own final: no verdict on the new one
        if utterance.onset is None:
            if not text or self._committed:
                return self._evaluate(at)  # nobody spoke: at best an echo of her own voice
            utterance.onset = utterance.last_voiced = at  # too soft for the voice detector, but words all the same
        utterance.hear(at, transcript, text)
        self._check_speculation(at, transcript)
        return self._evaluate(at)

    def reply_audible(self, at: float, generation: int) -> list[Decision]:
        """The first audible sample of the reply was played at ``at``."""
        if (reply := self._reply) and reply.generation == generation and reply.audible_at is None:
            reply.audible_at = at
        return self._evaluate(at)

    def reply_ended(self, at: float, generation: int) -> list[Decision]:
        """The reply was played to its end, or failed: in both cases nothing more of it will sound."""
        if (reply := self._reply) and reply.generation == generation:
            if reply.ducked:
                self._out.append(Unduck(at=at, reason="the reply is over"))
            self._reply = None
            self.hesitation *= 0.9  # a turn that went well says: this user does not hesitate so much
        return self._evaluate(at)

    def tick(self, at: float) -> list[Decision]:
        """Time has passed; call it at ``deadline``."""
        return self._evaluate(at)

    # Policy

    @property
    def _committed(self) -> _Reply | None:
        return self._reply if self._reply and self._reply.committed_at is not None else None

    def pause_for(self, text: str) -> tuple[float, Sounds, str]:
        """The silence that ends a turn with this text, how it sounds, and why."""
        s = self.settings
        judgement = self._model.judge(text, s.language)
        learned = min(self.hesitation * 1.2, s.pause_learned_max)
        match judgement.sounds:
            case "complete":
                # A whole sentence is rarely gone on with; a hesitant user still gets some of the patience.
                pause = max(s.pause_complete, learned / 2)
            case "open":
                pause = max(s.pause_open, learned)
            case "unfinished":
                pause = s.pause_unfinished
        return pause, judgement.sounds, judgement.reason

    def _learn(self, pause: float) -> None:
        if pause >= 0.15:  # shorter gaps are stops and plosives
            self.hesitation += 0.4 * (pause - self.hesitation)

    def _evaluate(self, at: float) -> list[Decision]:
        self.deadline = None
        if self._committed:
            self._weigh_barge_in(at, self._committed)
        if not self._committed:
            self._weigh_endpoint(at)
        decisions, self._out = self._out, []
        return decisions

    def _wake(self, time: float) -> None:
        self.deadline = time if self.deadline is None else min(self.deadline, time)

    def _reached(self, at: float, time: float) -> bool:
        """Whether ``time`` has come; if not, asks for a tick then."""
        if at >= time - 1e-6:  # a float's rounding must not make the driver spin at its deadline
            return True
        self._wake(time)
        return False

    # Endpointing and speculation

    def _weigh_endpoint(self, at: float) -> None:
        utterance, s = self._utterance, self.settings
        if utterance.onset is None:
            return
        # Words from before the last voice are not all of them, or it was no voice: nothing to make a guess from.
        stale = not utterance.interim and utterance.final_at < self._voice_from
        wanted = s.speculate and not self._reply and utterance.speculations < s.max_speculations
        if utterance.settled and wanted and not stale:
            # A guess is free of risk, so the recogniser's word is enough, even if the voice detector lags behind it.
            utterance.speculations += 1
            self._start(at, utterance.text, "the recogniser’s " + ("stable partial" if utterance.interim else "final"))
        if self._speaking:
            # Noise can hold the voice detector for ever; a recogniser that has closed the utterance, and found no more
            # words in what came since, knows better.
            silent_since = max(utterance.final_at, self._voice_from)
            if not utterance.finals or utterance.interim or not self._reached(at, silent_since + s.pause_unfinished):
                return
            utterance.last_voiced = silent_since
        if not utterance.text:
            self._weigh_reprompt(at, utterance)
            return
        pause, sounds, why = self.pause_for(utterance.text)
        if not self._reached(at, utterance.last_voiced + pause):
            return
        if not utterance.settled:
            # The pause is over but the text may still change: ask for the last word, for a bounded time. Not too soon:
            # the recogniser's own first pass is on its way, and an utterance cut short for us is recognised worse.
            if utterance.asked_final_at is None:
                if not self._reached(at, utterance.last_voiced + s.settle):
                    return
                utterance.asked_final_at = at
                self._out.append(FinishUtterance(at=at, reason=f"silent for {at - utterance.last_voiced:.2f} s"))
            if not self._reached(at, utterance.asked_final_at + s.final_timeout):
                return
        self._commit(at, utterance, f"{sounds}: {why}")
        self._answer(utterance, final_seen=not utterance.interim)

    def _check_speculation(self, at: float, transcript: Transcript) -> None:
        """Drops an unheard reply whose question is no longer the question."""
        reply, text = self._reply, self._utterance.text
        if not reply or reply.committed_at is not None or words(text) == words(reply.text):
            return
        # In silence an unstable interim is only the recogniser thinking aloud; with a voice it is news.
        if transcript.final or transcript.stable or self._speaking:
            self._drop(at, f"the text became “{text}”")

    def _commit(self, at: float, utterance: Utterance, why: str) -> None:
        text, silence = utterance.text, at - utterance.last_voiced
        if self._reply and words(self._reply.text) != words(text):
            self._drop(at, f"the text became “{text}”")
        reply = self._reply or self._start(at, text, "the turn is decided")
        reply.committed_at = at
        why = f"silent for {silence:.2f} s, {why}"
        self._out.append(Commit(at=at, generation=reply.generation, text=text, silence=silence, reason=why))
        self._reprompts = 0

    def _answer(self, utterance: Utterance, *, final_seen: bool) -> None:
        self._answered, self._answered_final_seen = utterance, final_seen
        self._utterance = Utterance()

    def _weigh_reprompt(self, at: float, utterance: Utterance) -> None:
        s = self.settings
        verdict = utterance.last_voiced + (s.pause_open if utterance.rejected else s.text_timeout)
        if utterance.asked_final_at is None and not utterance.rejected:
            if not self._reached(at, utterance.last_voiced + s.pause_open):
                return
            utterance.asked_final_at = at
            self._out.append(FinishUtterance(at=at, reason="speech, but no text yet"))
        if not self._reached(at, verdict):
            return
        if utterance.voiced < s.reprompt_voice or self._reprompts >= s.max_reprompts:
            self._utterance = Utterance()  # a cough or a door: not worth asking
            return
        self._reprompts += 1
        self._generation += 1
        self._reply = _Reply(self._generation, "", committed_at=at)
        why = f"{utterance.voiced:.2f} s of speech without a word recognised"
        self._out.append(Reprompt(at=at, generation=self._generation, reason=why))
        self._answer(utterance, final_seen=utterance.rejected)

    def _start(self, at: float, text: str, reason: str) -> _Reply:
        self._generation += 1
        self._reply = _Reply(self._generation, text)
        self._out.append(Start(at=at, generation=self._generation, text=text, reason=reason))
        return self._reply

    def _drop(self, at: float, reason: str) -> None:
        if self._reply:
            self._out.append(Drop(at=at, generation=self._reply.generation, reason=reason))
            self._reply = None

    def _late(self, at: float, transcript: Transcript, text: str) -> list[Decision]:
        """The recogniser's last word on an utterance that is being answered already."""
        if transcript.final:
            self._answered_final_seen = True
            answered, reply = self._answered, self._committed
            before = answered.text
            answered.hear(at, transcript, text)
            changed = bool(text) and words(answered.text) != words(before)
            if reply and changed and reply.audible_at is None:
                # Nothing was heard yet, so nothing is lost but the work: answer what was really said.
                self._commit(at, answered, "the final differs from what was about to be answered")
        return self._evaluate(at)

    # Barge-in

    def _voiced(self, at: float) -> float:
        """Seconds of voice in the current utterance so far."""
        return self._utterance.voiced + (max(0.0, at - self._voice_from) if self._speaking else 0.0)

    def _weigh_barge_in(self, at: float, reply: _Reply) -> None:
        s, heard = self.settings, self._utterance
        if heard.onset is None or (not s.barge_in and reply.audible_at is not None):
            return
        fresh = reply.audible_at is None or heard.onset < reply.audible_at + s.reopen_window
        voiced = self._voiced(at)
        if self._speaking and reply.paused_at is None:
            if reply.audible_at is not None and not reply.ducked:
                reply.ducked = True
                self._out.append(Duck(at=at, reason="a voice over hers"))
            # In her first second the user most likely just goes on: stop at once, it may have been a cut-off.
            if fresh or self._reached(at, at + s.barge_in_pause - voiced):
                reply.paused_at = at
                why = "the user goes on" if fresh else f"{voiced:.2f} s of voice over hers"
                self._out.append(Pause(at=at, onset=heard.onset, reason=why))
        if heard.text and not is_backchannel(heard.text, s.language):
            self._take_floor(at, reply, fresh, f"words: “{heard.text}”")
        elif self._speaking:
            if self._reached(at, at + s.barge_in_voice - voiced):
                self._take_floor(at, reply, fresh, f"{voiced:.2f} s of voice")
        elif heard.text and (heard.settled or self._reached(at, heard.last_voiced + s.resume_timeout)):
            self._give_back(at, reply, f"backchannel “{heard.text}”", backchannel=True)
        elif not heard.text and (heard.rejected or voiced < s.barge_in_pause):
            self._give_back(at, reply, "too short to be speech, or no words in it", backchannel=False)
        elif not heard.text and self._reached(at, heard.last_voiced + s.resume_timeout):
            self._give_back(at, reply, "no words came", backchannel=False)

    def _take_floor(self, at: float, reply: _Reply, fresh: bool, why: str) -> None:
        self._reply = None
        if not (fresh and reply.text):
            self._out.append(Interrupt(at=at, generation=reply.generation, reason=why))
            return
        self._out.append(Reopen(at=at, generation=reply.generation, reason=f"the user simply goes on ({why})"))
        heard, before = self._utterance, self._answered
        heard.onset = before.onset
        heard.voiced += before.voiced
        heard.finals = [*before.finals, *([before.interim] if before.interim else []), *heard.finals]
        heard.speculations = before.speculations

    def _give_back(self, at: float, reply: _Reply, why: str, *, backchannel: bool) -> None:
        if reply.paused_at is not None:
            # She takes up the last words again, but stumbles over no syllable that was hardly interrupted.
            rewind = min(self.settings.resume_rewind, at - reply.paused_at) if reply.audible_at is not None else 0.0
            reply.paused_at = None
            self._out.append(Resume(at=at, rewind=rewind, backchannel=backchannel, reason=why))
        if reply.ducked:
            reply.ducked = False
            self._out.append(Unduck(at=at, reason=why))
        self._utterance = Utterance()
