"""Turn taking: who has the floor. A pure state machine: events with time stamps in, decisions out.

No await, no clock, no I/O. Whoever drives it hands each event to :meth:`TurnTaking.tell` and carries out the decisions
that it returns. At :attr:`TurnTaking.deadline` it is told a :class:`~sophia.events.Tick`. Every policy of endpointing,
speculation, barge-in and resuming is here and in the policies that it asks. So it can be replayed, property-tested and
tuned offline.

The user's words are collected in an :class:`~sophia.utterance.Utterance`. Once the turn is decided, that utterance is
*answered*, and a fresh one collects what the user says meanwhile. Then it becomes clear what that was. A backchannel is
dismissed, and a barge-in is a new turn. The rest of a sentence that was cut off is joined to the answered one: the turn
is reopened.

All times are ``loop.time()`` seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

from sophia.absence import Absence
from sophia.answering import Answering
from sophia.barge_in import BargeIn
from sophia.completeness import SoundTurnModel, TurnModel, WordTurnModel, words
from sophia.decisions import AnyDecision, Apologise, Unduck
from sophia.endpointing import Endpointing
from sophia.events import (
    AnswerRequested,
    AskRequested,
    CancelRequested,
    CommitRequested,
    EarsBack,
    EarsLost,
    Failed,
    ForgetRequested,
    HoldEnded,
    HoldStarted,
    PolicyChanged,
    RecordingStarted,
    ReplyText,
    SayRequested,
    SoundJudged,
    Stopped,
    TextTyped,
    Tick,
    Transcribed,
    TurnEvent,
)
from sophia.floor_policy import FloorPolicy
from sophia.notice import Notice
from sophia.pauses import Pauses
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.sayings import MOST_TRIES, Saying, Sayings
from sophia.transcripts import Transcript
from sophia.turn_settings import TurnSettings
from sophia.turn_state import TurnState
from sophia.utterance import Utterance
from sophia.vad import VoiceStarted, VoiceStopped

Phase = Literal["idle", "hearing", "thinking", "speaking", "paused"]


class TurnTaking:
    """One session's turn taking. :meth:`tell` is the only door.

    ``chance`` draws which turns explore (``turns.explore``): evenly from 0 to 1, always the same ones if none is given.
    """

    def __init__(
        self,
        settings: TurnSettings | None = None,
        model: TurnModel | None = None,
        chance: Callable[[], float] | None = None,
    ) -> None:
        settings = settings or TurnSettings()
        self._state = TurnState(settings, model or _model(settings), chance or random.Random(0).random)
        self._endpointing = Endpointing(self._state)
        self._barge_in = BargeIn(self._state, self._endpointing)
        self._absence = Absence(self._state)
        self._answering = Answering(self._state)
        self._notice = Notice(self._state)
        self._sayings = Sayings(self._state)

    @property
    def settings(self) -> TurnSettings:
        """The policy's numbers."""
        return self._state.settings

    @property
    def pauses(self) -> Pauses:
        """The pauses that end a turn, and what was learned of this user's."""
        return self._state.pauses

    @property
    def language(self) -> str:
        """The language that she speaks in just now."""
        return self._state.tongue.speaks

    @property
    def deadline(self) -> float | None:
        """When to tell it a tick next; None if nothing is waited for."""
        return self._state.deadline

    @property
    def phase(self) -> Phase:
        """What she is doing."""
        if (reply := self._state.committed) is not None:
            if reply.paused_at is not None:
                return "paused"
            return "thinking" if reply.audible_at is None or reply.holding else "speaking"
        return "hearing" if self._state.utterance.onset is not None else "idle"

    @property
    def turn(self) -> int:
        """The turn whose utterance is being heard and not decided yet; 0 if there is none."""
        return self._state.utterance.turn

    @property
    def judged_since(self) -> float | None:
        """When that utterance began, if it is judged whether it is over; None if there is none."""
        return self._state.utterance.onset if self._state.policy.ends == "judged" else None

    @property
    def text(self) -> str:
        """The words of that utterance so far."""
        return self._state.utterance.text

    def tell(self, event: TurnEvent) -> list[AnyDecision]:
        """Takes one event and returns what is decided, in order. Events come in the order of their ``at``, about."""
        state = self._state
        if isinstance(event, ReplyText):  # her own words, several times a clause: they decide nothing by themselves
            if reply := state.of(event.generation):
                reply.says += event.delta
            return []
        state.deadline, state.now = None, event.at
        if state.over:
            self._last_words(event)
        else:
            self._take(event.at, event)
            if state.committed:
                self._barge_in.weigh(event.at, state.committed)
            if not state.committed:
                state.go_on(event.at)
                self._absence.weigh(event.at)
            if not state.committed:
                self._endpointing.weigh(event.at)
            self._answering.weigh(event.at)
            self._notice.weigh(event.at)
            self._sayings.weigh(event.at)
        decisions, state.out = state.out, []
        return decisions

    def _take(self, at: float, event: TurnEvent) -> None:
        state = self._state
        match event:
            case VoiceStarted(time=onset):
                self._voice_started(at, onset)
            case VoiceStopped(time=last_voiced):
                self._voice_stopped(at, last_voiced)
            case Transcribed(transcript=transcript):
                self._transcribed(at, transcript)
            case SoundJudged(time=time, complete=complete):
                state.utterance.judged, state.utterance.judged_until = complete, time
            case PlayoutStarted(generation=generation):
                if (reply := state.of(generation)) and reply.audible_at is None:
                    reply.audible_at = at
            case RecordingStarted():
                self._notice.due()
            case PlayoutFinished(generation=generation, time=time):
                self._notice.heard(generation)
                self._reply_ended(at, generation, time)
            case TextTyped(text=text):
                self._typed(at, text.strip())
            case SayRequested(text=text, polite=polite):
                self._sayings.ask(at, Saying(text.strip(), polite=polite))
            case AskRequested(about=about, order=order):
                tries = 1 if order else MOST_TRIES  # such as a greeting, which comes too late later on
                self._sayings.ask(at, Saying(about.strip(), polite=True, worded=False, order=order, tries=tries))
            case PolicyChanged(policy=policy):
                self._change_policy(at, policy)
            case ForgetRequested():
                self._forget(at)
            case CommitRequested():
                if state.utterance.onset is None and state.policy.commits_only:
                    state.begin(at, "words", "a client says that somebody spoke, though no voice was heard")
                if state.utterance.onset is None:
                    state.refuse(at, "there is nothing to commit: nothing was said since the last turn")
                state.utterance.commit_asked = state.utterance.onset is not None
            case AnswerRequested(anew=anew):
                self._answering.ask(at, anew=anew)
            case CancelRequested():
                self._cancel(at)
            case (
                HoldStarted(generation=generation, effects=effects) | HoldEnded(generation=generation, effects=effects)
            ):
                if reply := state.of(generation):
                    reply.holding, reply.held = isinstance(event, HoldStarted), reply.held or effects
            case Failed():
                self._failed(at, event)
            case EarsLost():
                self._absence.begins(at)
            case EarsBack():
                self._absence.ends(at)
            case Stopped():
                state.close(at, "the conversation is over")
                self._sayings.give_up(at, "the conversation is over")
                state.over = True
            case Tick():
                pass

    def _last_words(self, event: TurnEvent) -> None:
        """After the end only a farewell is left: it is played to its end, or stopped."""
        if isinstance(event, PlayoutFinished) and self._state.of(event.generation):
            self._state.reply = None
        elif isinstance(event, Stopped):
            self._state.close(event.at, "the conversation is over")

    def _voice_started(self, at: float, onset: float) -> None:
        state, utterance = self._state, self._state.utterance
        if utterance.onset is None:
            state.begin(at, "voice", "a voice set in", onset)
            if (reply := state.committed) and reply.audible_at is None:
                utterance.paused(state.answered.last_voiced, onset)
        elif not state.speaking:
            utterance.paused(utterance.last_voiced, onset)
        state.speaking, state.voice_from = True, onset
        utterance.voicing, utterance.rejected = True, False
        utterance.last_voiced = max(utterance.last_voiced, onset)

    def _voice_stopped(self, at: float, last_voiced: float) -> None:
        state, utterance = self._state, self._state.utterance
        utterance.stopped_at = at
        if utterance.voicing:
            utterance.voiced += max(0.0, last_voiced - state.voice_from)
            utterance.last_voiced = max(utterance.last_voiced, last_voiced)
            utterance.rejected = False  # what was said of it before is not said of all of it
        state.speaking = utterance.voicing = False

    def _transcribed(self, at: float, transcript: Transcript) -> None:
        state = self._state
        state.interims |= not transcript.final
        if transcript.audio_processed:
            state.sound_began = min(state.sound_began, at - transcript.audio_processed)
        old, new = (part if words(part) else "" for part in state.divide(transcript))  # a mere mark says nothing
        if transcript.final:
            if transcript.text.strip():
                state.covered = max(state.covered, transcript.ends)
            if old or state.pending:
                self._endpointing.late(at, transcript, old)
                if not new:
                    return  # of the answered words: no verdict on what is being said
        if (new or (transcript.final and not old)) and self._whose(at, transcript, new):
            state.utterance.hear(at, transcript, new)
            self._endpointing.check_speculation(at, transcript)

    def _whose(self, at: float, transcript: Transcript, new: str) -> bool:
        """Whether new words are of the current utterance, which they may begin."""
        state, reply = self._state, self._state.committed
        if state.utterance.onset is None:
            if not new:
                return False
            asked = reply and reply.canned and reply.turn == state.answered.turn
            if reply and asked and reply.audible_at is None:
                state.take_back(at, f"words came after all: “{new}”")
            elif reply and self._barge_in.echoes(reply, transcript, new):
                state.disregard(at, reply.turn, new, "nobody spoke: an echo of her own voice")
                return False
            else:
                state.begin(at, "words", "words without a voice of their own")
        if new and not state.utterance.voiced and not state.speaking:  # too soft for the voice detector
            state.utterance.last_voiced = at
        return True

    def _reply_ended(self, at: float, generation: int, heard_until: float) -> None:
        state = self._state
        if not (reply := state.of(generation)):
            return
        if reply.ducked:
            over = Unduck(at=at, turn=reply.turn, generation=generation, reason="the reply is over")
            state.out.append(over)
        state.reply, state.quiet_since, state.expects = None, max(at, heard_until), reply.asks
        state.pauses.forget()
        if state.utterance.answers_until is not None and not reply.asks:
            state.dismiss(at, f"backchannel “{state.utterance.text}”")

    def _typed(self, at: float, text: str) -> None:
        state = self._state
        if not text:
            state.refuse(at, "the message is empty")
            return
        if state.committed:
            state.interrupt(at, "a message was typed")
        spoken = state.utterance
        if state.policy.commits_only:  # what was not committed is no part of it
            if spoken.commit_asked:
                state.decide(at, spoken, "a message came after it")
            spoken, state.utterance = state.utterance, Utterance()
        if state.utterance.onset is None:
            state.begin(at, "typed", "a message was typed")
        utterance = state.utterance
        utterance.guess_it()
        state.include_kept(at, utterance)
        utterance.finals.append(text)
        utterance.wait = None  # no silence decides it
        state.commit(at, utterance, "typed: nothing more is waited for")
        state.answer(utterance)
        if state.policy.commits_only:
            state.utterance = spoken

    def _cancel(self, at: float) -> None:
        state, why = self._state, "a client cancelled the reply"
        waited, asked = self._sayings.give_up(at, why), self._answering.forget()
        if state.committed:
            state.interrupt(at, why)
            if state.utterance.answers_until is not None:
                state.dismiss(at, f"backchannel “{state.utterance.text}”")
        elif state.reply or (asked and state.policy.unasked):
            utterance = state.utterance
            state.dismiss(at, why)
            state.answer(utterance)  # its final, if that is still to come, says nothing new
        elif not (waited or asked):
            state.refuse(at, "there is no reply to cancel")

    def _change_policy(self, at: float, policy: FloorPolicy) -> None:
        state, state.policy = self._state, policy
        if not policy.unasked:
            state.queued = False
            if not state.committed:
                state.drop(at, "she answers only when she is asked")

    def _forget(self, at: float) -> None:
        state = self._state
        if state.policy.commits_only and state.utterance.onset is not None:
            utterance = state.utterance
            state.dismiss(at, "a client took it back")
            state.answer(utterance, pending=True)

    def _failed(self, at: float, event: Failed) -> None:
        state, why = self._state, f"{event.service} failed"
        if event.fatal and event.service == "asr":
            state.farewell(at, why)
            self._sayings.give_up(at, why)
        elif event.service in ("llm", "tts") and (reply := state.of(event.generation)):
            if event.again and state.make_again(at, reply, why):
                return
            phrase: Literal["llm", "tts"] = "llm" if event.service == "llm" else "tts"
            state.out.append(Apologise(at=at, turn=reply.turn, generation=reply.generation, phrase=phrase, reason=why))


def _model(settings: TurnSettings) -> TurnModel:
    words = WordTurnModel()
    return SoundTurnModel(words, settings.sound_veto) if settings.sound_veto else words
