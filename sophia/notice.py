"""She says that she is recorded, before anything else is said, and again if nobody let her finish. Pure policy."""

from __future__ import annotations

from sophia.turn_state import TurnState

MOST_TIMES = 3
"""So often she begins to say it: who talks over it each time has heard enough of it."""


class Notice:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state
        self._times_left = 0
        self._generation = 0

    def due(self) -> None:
        """The user is to be told."""
        self._times_left = MOST_TIMES

    def heard(self, generation: int) -> None:
        """A reply was played to its end."""
        if generation == self._generation:
            self._times_left = 0

    def weigh(self, at: float) -> None:
        """Says it, if the floor is free."""
        state = self._state
        open_turn = state.utterance.turn and not state.policy.commits_only  # else nobody knows when it will be over
        if self._times_left and not (state.over or state.reply or open_turn):
            self._times_left -= 1
            self._generation = state.notify(at, "what the user says is recorded")
