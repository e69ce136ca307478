"""Answers that a client asks for: to what is being said, or to the conversation as it stands. Pure policy."""

from __future__ import annotations

from sophia.turn_state import Reply, TurnState

ASKED = "a client asked for an answer"


class Answering:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state
        self._waiting = False  # for the end of what is being said
        self._after: Reply | None = None  # and that of this reply

    def ask(self, at: float) -> None:
        """Takes the request in; what is being said is over with it, and is answered first.

        A reply that has had effects, as tools have, may still be heard: what came of them is answered after it.
        """
        state = self._state
        self._after = state.committed
        if self._after and not self._after.held:
            state.refuse(at, "a reply is being made or heard already")
            return
        if not self._after:
            state.utterance.commit_asked |= state.utterance.onset is not None
        self._waiting = True

    def forget(self) -> bool:
        """A client does not want it any more; false if none was waited for."""
        waited, self._waiting = self._waiting, False
        return waited

    def weigh(self, at: float) -> None:
        """Answers what stands, if nothing came of what was being said."""
        state = self._state
        if self._after and state.committed is self._after:
            return
        self._after = None
        if self._waiting and (state.committed or state.utterance.onset is None):
            self._waiting = False
            if not state.committed:
                state.answer_what_stands(at, ASKED)
