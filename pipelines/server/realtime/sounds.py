"""What a client asks about sound: its own, which she hears, and hers, which it plays. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pipelines.conversation.events import CancelRequested, CommitRequested, ForgetRequested
from pipelines.server.realtime.answers import Answers
from pipelines.server.realtime.questions import Questions
from pipelines.server.realtime.reading import Refused, samples
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import AppendAudio, ClearAudio, Event, MuteMicrophone, Wish

ELSEWHERE: Final = "invalid_event_for_transport"

Answer = tuple[list[Wish], list[Event]]


class Sounds:
    """One connection's. ``watch``: the conversation has ears of its own.

    Where sound goes by tracks, the microphone is open all the time. So a commit finds something in any case.
    """

    def __init__(self, state: State, questions: Questions, answers: Answers, *, watch: bool) -> None:
        self._state = state
        self._write = state.write
        self._questions = questions
        self._answers = answers
        self._watch = watch
        self._odd = b""  # half a sample
        self._appended = False  # sound, since the last commit
        self._told = False
        self.handlers: dict[str, Callable[[Mapping[str, Any], float], Answer]] = {
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "output_audio_buffer.clear": self._silence,
            "sophia.microphone": self._microphone,
        }
        """By the type of the client's event; each raises nothing but :class:`Refused`."""

    def must_talk(self) -> None:
        """Refuses what a client that watches cannot ask for: ears and loudspeaker are somebody else's."""
        if self._watch:
            raise Refused("This client watches a conversation that has ears and a loudspeaker of its own.", "watching")

    def _append(self, event: Mapping[str, Any], at: float) -> Answer:
        tracks = self._state.session.tracks
        if self._watch or tracks:
            if self._told:  # once: fifty come a second
                return [], []
            self._told = True
            self.must_talk()
            raise Refused("Over WebRTC she hears the microphone's track; append nothing.", ELSEWHERE, "type")
        pcm, self._odd = self._state.session.input_format.decode(samples(event.get("audio")), self._odd)
        self._appended |= bool(pcm)
        return ([AppendAudio(pcm)] if pcm else []), []

    def _commit(self, event: Mapping[str, Any], at: float) -> Answer:
        by_hand = self._state.policy.commits_only
        nothing = not (self._appended or self._state.session.tracks) if by_hand else self._questions.hearing is None
        if nothing:
            what = "appended since the last commit" if by_hand else "said since the last turn"
            raise Refused(
                f"Error committing input audio buffer: nothing was {what}.", "input_audio_buffer_commit_empty"
            )
        self._appended = False
        return [CommitRequested(at=at)], []

    def _clear(self, event: Mapping[str, Any], at: float) -> Answer:
        self.must_talk()
        self._odd, self._appended = b"", False
        forget: list[Wish] = [ForgetRequested(at=at)] if self._state.policy.commits_only else []
        return [ClearAudio(), *forget], [self._write.event("input_audio_buffer.cleared")]

    def _silence(self, event: Mapping[str, Any], at: float) -> Answer:
        """Her sound is to end. That it was cleared is told with the end of its response."""
        if not self._state.session.tracks:
            raise Refused("Her sound waits at this client, not here; send response.cancel.", ELSEWHERE, "type")
        response = self._answers.response
        if response is None or not response.sounds:  # agents-js cancels first, and then clears what is silent already
            return [], []
        self._answers.cancelling = True
        return [CancelRequested(at=at)], []

    def _microphone(self, event: Mapping[str, Any], at: float) -> Answer:
        self.must_talk()
        muted = event.get("muted")
        if not isinstance(muted, bool):
            raise Refused("'muted' is true or false.", "invalid_type", "muted")
        return [MuteMicrophone(muted)], []
