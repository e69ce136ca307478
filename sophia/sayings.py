"""What she is asked to say, or to tell of: it waits until nobody speaks and nothing is to be answered. Pure policy."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from sophia.replying import Reply
from sophia.turn_state import TurnState

MOST_WAITING = 8
"""Texts that may wait to be said; one more is refused."""

PAUSE_SECONDS = 1.0
"""Silence after her last words before she brings up something else by herself."""

ANSWER_SECONDS = 5.0
"""The same after a question of hers: the user may be thinking."""


MOST_TRIES = 3
"""So often she begins to say what was cut off at once."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What waits to be said: word for word, or, if not ``worded``, told of in her own words.

    ``polite``: she leaves the user a moment to go on, and what was cut off at once is said again, in so many ``tries``.
    ``order``: what she is to do, and not only to tell of.
    """

    text: str
    polite: bool = False
    worded: bool = True
    order: bool = False
    tries: int = MOST_TRIES


class Sayings:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state
        self._waiting: deque[Saying] = deque()
        self._said: tuple[Saying, Reply] | None = None  # the polite one that is being said

    def ask(self, at: float, saying: Saying) -> None:
        """Takes a text in, to be said after those that wait."""
        if not any(character.isalnum() for character in saying.text):
            self._state.refuse(at, "there is no word to say in it")
        elif len(self._waiting) >= MOST_WAITING:
            self._state.refuse(at, f"{MOST_WAITING} texts wait to be said already")
        else:
            self._waiting.append(saying)

    def give_up(self, at: float, reason: str) -> bool:
        """Says nothing of what waits, and names each text; false if nothing does."""
        waited, self._said = bool(self._waiting), None
        while self._waiting:
            self._state.refuse(at, f"{reason}: “{self._waiting.popleft().text}” is not said")
        return waited

    def weigh(self, at: float) -> None:
        """Says the next one, if the floor is free."""
        state = self._state
        self._take_back()
        open_turn = state.utterance.turn and not state.policy.commits_only  # else nobody knows when it will be over
        if not self._waiting or state.over or state.reply or open_turn:
            return
        saying = self._waiting[0]
        if saying.polite and not self._is_quiet(at):
            return
        self._waiting.popleft()
        if saying.worded:
            state.say(at, saying.text, "asked to say it")
        else:
            state.speak(at, saying.text, "asked to tell of it", order=saying.order)
        if saying.polite and saying.tries > 1 and state.reply:
            self._said = saying, state.reply

    def _is_quiet(self, at: float) -> bool:
        since, wait = self._state.quiet_since, ANSWER_SECONDS if self._state.expects else PAUSE_SECONDS
        return since is None or self._state.reached(at, since + wait)

    def _take_back(self) -> None:
        """What was cut off before anybody could follow is said again, before anything else."""
        if self._said is None:
            return
        saying, reply = self._said
        if (now := self._state.reply) and now.turn == reply.turn:
            self._said = saying, now  # it may have been made again
            return
        self._said = None
        if reply.audible_at is None or (reply.cut and self._heard(reply) < self._state.settings.reopen_window):
            self._waiting.appendleft(replace(saying, tries=saying.tries - 1))

    def _heard(self, reply: Reply) -> float:
        """Seconds of a reply that sounded until it was cut off: in the first, the user had begun to speak as well."""
        until = self._state.now if reply.paused_at is None else reply.paused_at
        return until - (until if reply.audible_at is None else reply.audible_at)
