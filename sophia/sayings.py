"""What she is asked to say word for word: it waits until nobody speaks and nothing is to be answered. Pure policy."""

from __future__ import annotations

from collections import deque

from sophia.turn_state import TurnState

MOST_WAITING = 8
"""Texts that may wait to be said; one more is refused."""


class Sayings:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state
        self._waiting: deque[str] = deque()

    def ask(self, at: float, text: str) -> None:
        """Takes a text in, to be said after those that wait."""
        if not any(character.isalnum() for character in text):
            self._state.refuse(at, "there is no word to say in it")
        elif len(self._waiting) == MOST_WAITING:
            self._state.refuse(at, f"{MOST_WAITING} texts wait to be said already")
        else:
            self._waiting.append(text)

    def give_up(self, at: float, reason: str) -> bool:
        """Says nothing of what waits, and names each text; false if nothing does."""
        waited = bool(self._waiting)
        while self._waiting:
            self._state.refuse(at, f"{reason}: “{self._waiting.popleft()}” is not said")
        return waited

    def weigh(self, at: float) -> None:
        """Says the next one, if the floor is free."""
        state = self._state
        open_turn = state.utterance.turn and not state.policy.commits_only  # else nobody knows when it will be over
        if self._waiting and not (state.over or state.reply or open_turn):
            state.say(at, self._waiting.popleft(), "asked to say it")
