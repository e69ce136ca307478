"""What she does while her ears are away: nothing that needs them, and she says so once. Pure policy."""

from __future__ import annotations

from sophia.turn_state import TurnState

ANNOUNCE_SECONDS = 3.0
"""An outage is told once it has lasted so long: a stream that is opened again at once is none that people notice."""


class Absence:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state

    def begins(self, at: float) -> None:
        """Words may come late, or not at all."""
        if self._state.deaf_since is None:
            self._state.deaf_since = at

    def ends(self, at: float) -> None:
        """She hears again; what was said meanwhile may come now, and is not to be talked over."""
        state = self._state
        state.deaf_since, state.deaf_until = None, at
        if state.announced and state.of(state.announced):
            state.interrupt(at, "her ears are back")
        state.announced = 0

    def weigh(self, at: float) -> None:
        """Says that she cannot hear, once in an outage, when nobody talks and no words are left to answer."""
        state = self._state
        if (
            not state.policy.unasked
            or state.over
            or state.deaf_since is None
            or state.announced
            or state.speaking
            or state.utterance.text
        ):
            return
        if state.reached(at, state.deaf_since + ANNOUNCE_SECONDS):
            state.announce(at, f"her ears have been away for {at - state.deaf_since:.1f} s")
