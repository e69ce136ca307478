"""Turn taking: who has the floor. A pure state machine: events with time stamps in, decisions out.

No await, no clock, no I/O. Whoever drives it hands each event to :meth:`TurnTaking.tell`, carries out the decisions
that it returns, and tells it a :class:`~sophia.events.Tick` when :attr:`TurnTaking.deadline` is reached. Every policy
of endpointing, speculation, barge-in and resuming lives here and in the policies that it asks, so that it can be
replayed, property-tested and tuned offline.

The user's words are collected in an :class:`~sophia.utterance.Utterance`. Once she is decided to answer, that
utterance is *answered* and a fresh one collects what the user says meanwhile, until it is clear what that was: a
backchannel (dismissed), a barge-in (a new turn), or the rest of a sentence that was cut off (joined to the answered
one: a reopened turn).

All times are ``loop.time()`` seconds.
"""

from __future__ import annotations

from typing import Literal

from sophia.barge_in import BargeIn
from sophia.completeness import TurnModel, WordTurnModel
from sophia.decisions import AnyDecision, Apologise, Unduck
from sophia.endpointing import Endpointing
from sophia.events import (
    CancelRequested,
    CommitRequested,
    Failed,
    HoldEnded,
    HoldStarted,
    Stopped,
    TextTyped,
    Tick,
    Transcribed,
    TurnEvent,
)
from sophia.pauses import Pauses
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.transcripts import Transcript
from sophia.turn_settings import TurnSettings
from sophia.turn_state import TurnState
from sophia.utterance import without_prefix
from sophia.vad import VoiceStarted, VoiceStopped

Phase = Literal["idle", "hearing", "thinking", "speaking", "paused"]


class TurnTaking:
    """One session's turn taking. :meth:`tell` is the only door."""

    def __init__(self, settings: TurnSettings | None = None, model: TurnModel | None = None) -> None:
        self._state = TurnState(settings or TurnSettings(), model or WordTurnModel())
        self._endpointing = Endpointing(self._state)
        self._barge_in = BargeIn(self._state)

    @property
    def settings(self) -> TurnSettings:
        """The policy's numbers."""
        return self._state.settings

    @property
    def pauses(self) -> Pauses:
        """The pauses that end a turn, and what was learned of this user's."""
        return self._state.pauses

    @property
    def deadline(self) -> float | None:
        """When to tell it a tick next; None if nothing is waited for."""
        return self._state.deadline

    @property
    def phase(self) -> Phase:
        """What a spectator would say she is doing."""
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
    def text(self) -> str:
        """The words of that utterance so far."""
        return self._state.utterance.text

    def tell(self, event: TurnEvent) -> list[AnyDecision]:
        """Takes one event and returns what is decided, in order. Events come in the order of their ``at``, about."""
        state = self._state
        state.deadline = None
        if state.over:
            self._last_words(event)
        else:
            self._take(event.at, event)
            if state.committed:
                self._barge_in.weigh(event.at, state.committed)
            if not state.committed:
                self._endpointing.weigh(event.at)
        decisions, state.out = state.out, []
        return decisions

    def _take(self, at: float, event: TurnEvent) -> None:
        state = self._state
        match event:
            case VoiceStarted(time=onset):
                self._voice_started(at, onset)
            case VoiceStopped(time=last_voiced):
                self._voice_stopped(last_voiced)
            case Transcribed(transcript=transcript):
                self._transcribed(at, transcript)
            case PlayoutStarted(generation=generation):
                if (reply := state.of(generation)) and reply.audible_at is None:
                    reply.audible_at = at
            case PlayoutFinished(generation=generation):
                self._reply_ended(at, generation)
            case TextTyped(text=text):
                self._typed(at, text.strip())
            case CommitRequested():
                if state.utterance.onset is None:
                    state.refuse(at, "there is nothing to commit: nothing was said since the last turn")
                state.utterance.commit_asked = state.utterance.onset is not None
            case CancelRequested():
                self._cancel(at)
            case HoldStarted(generation=generation) | HoldEnded(generation=generation):
                if reply := state.of(generation):
                    reply.holding, reply.held = isinstance(event, HoldStarted), True
            case Failed():
                self._failed(at, event)
            case Stopped():
                state.close(at, "the conversation is over")
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
                state.pauses.learn(onset - state.answered.last_voiced)
        elif not state.speaking:
            state.pauses.learn(onset - utterance.last_voiced)
        state.speaking, state.voice_from = True, onset
        utterance.last_voiced = max(utterance.last_voiced, onset)
        utterance.rejected = False

    def _voice_stopped(self, last_voiced: float) -> None:
        state, utterance = self._state, self._state.utterance
        if state.speaking and utterance.onset is not None:  # else it was on through a decision: of no turn any more
            utterance.voiced += max(0.0, last_voiced - state.voice_from)
            utterance.last_voiced = max(utterance.last_voiced, last_voiced)
        state.speaking = False

    def _transcribed(self, at: float, transcript: Transcript) -> None:
        state, text = self._state, transcript.text.strip()
        utterance, answered = state.utterance, state.answered
        if not state.answered_final_seen:
            if utterance.onset is None:
                self._endpointing.late(at, transcript, text)
                return
            # One stream may hand over the answered words and the new ones as one piece.
            text, shared = without_prefix(text, answered.interim)
            if transcript.final:
                state.answered_final_seen = True
                answered.finals += [answered.interim] if shared and answered.interim else []
                answered.interim = ""
                if not text:
                    return  # the answered utterance's own final: no verdict on the new one
        if utterance.onset is None:
            if not text or state.committed:
                return  # nobody spoke: at best an echo of her own voice
            state.begin(at, "words", "words without a voice")  # too soft for the voice detector
        utterance.hear(at, transcript, text)
        self._endpointing.check_speculation(at, transcript)

    def _reply_ended(self, at: float, generation: int) -> None:
        if reply := self._state.of(generation):
            if reply.ducked:
                over = Unduck(at=at, turn=reply.turn, generation=generation, reason="the reply is over")
                self._state.out.append(over)
            self._state.reply = None
            self._state.pauses.forget()

    def _typed(self, at: float, text: str) -> None:
        state = self._state
        if not text:
            state.refuse(at, "the message is empty")
            return
        if state.committed:
            state.interrupt(at, "a message was typed")
        if state.utterance.onset is None:
            state.begin(at, "typed", "a message was typed")
        utterance = state.utterance
        utterance.finals.append(text)
        state.commit(at, utterance, "typed: nothing more is waited for")
        state.answer(utterance, final_seen=not utterance.interim)

    def _cancel(self, at: float) -> None:
        state, why = self._state, "a client cancelled the reply"
        if state.committed:
            state.interrupt(at, why)
        elif state.reply:
            state.dismiss(at, why)
        else:
            state.refuse(at, "there is no reply to cancel")

    def _failed(self, at: float, event: Failed) -> None:
        state, why = self._state, f"{event.service} failed"
        if event.fatal and event.service == "asr":
            state.farewell(at, why)
        elif event.service in ("llm", "tts") and (reply := state.of(event.generation)):
            phrase: Literal["llm", "tts"] = "llm" if event.service == "llm" else "tts"
            state.out.append(Apologise(at=at, turn=reply.turn, generation=reply.generation, phrase=phrase, reason=why))
