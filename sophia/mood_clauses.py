"""A reply's clauses and the mood of each: by the mind's own marks, or by the words where it makes none.

    clauses = MoodedClauses("en-US")
    text, whole = clauses.feed("<joy>That's great! And")    # "That's great! And", [Clause("That's great!", joy)]

A mood holds until the next mark, and for :data:`HOLDS` clauses at most: a mind that forgets to end one is not in it for
ever. A mark in the middle of a clause is about all of that clause. One that ends a mood is about the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from sophia.clauses import ClauseSplitter
from sophia.mood_words import guessed
from sophia.moods import NEUTRAL, Mark, MoodMarks

HOLDS: Final = 4
"""Clauses for which a mood holds that nothing ends."""

GUESSED: Final = 0.6
"""How sure a mood is that only words tell; one that is marked is 1."""


class Mood(NamedTuple):
    """One of :data:`sophia.moods.MOODS`, or empty, and how strong: 0 to 1."""

    name: str = NEUTRAL
    share: float = 0.0


class Clause(str):
    """What is sent to synthesis at once: its text, and the mood that it is said in."""

    __slots__ = ("mood",)
    mood: Mood

    def __new__(cls, text: str, mood: Mood = Mood()) -> Self:  # noqa: B008 - a tuple
        made = super().__new__(cls, text)
        made.mood = mood
        return made


def mood_of(clause: str) -> Mood:
    """The mood of a clause; of plain text none."""
    return clause.mood if isinstance(clause, Clause) else Mood()


class MoodedClauses:
    """One reply's clauses. Without ``moods`` marks are taken out all the same, and no clause has a mood."""

    def __init__(self, language: str = "en-US", *, moods: bool = True) -> None:
        self._language = language
        self._moods = moods
        self._marks = MoodMarks()
        self._splitter = ClauseSplitter(language)
        self._marked = False
        self._mood = NEUTRAL
        self._left = 0  # clauses for which it still holds

    def feed(self, delta: str) -> tuple[str, list[Clause]]:
        """Takes the next piece of a reply; returns its text without marks, and the clauses that are whole by now."""
        return self._take(self._marks.feed(delta))

    def flush(self) -> tuple[str, list[Clause]]:
        """The reply is over: returns what is left of text and clauses, and makes the splitter new."""
        text, clauses = self._take(self._marks.flush())
        clauses += self._felt(self._splitter.flush())
        self._marked, self._mood, self._left = False, NEUTRAL, 0
        return text, clauses

    def _take(self, parts: Sequence[str | Mark]) -> tuple[str, list[Clause]]:
        text, clauses = "", list[Clause]()
        for part in parts:
            if isinstance(part, str):
                text += part
                clauses += self._felt(self._splitter.feed(part))
                continue
            self._marked = True
            if not part.ends:
                self._mood, self._left = part.mood, HOLDS
            elif self._left:
                self._left = 1 if self._splitter.waits else 0
        return text, clauses

    def _felt(self, clauses: Sequence[str]) -> list[Clause]:
        return [Clause(clause, self._mood_of_next(clause)) for clause in clauses]

    def _mood_of_next(self, clause: str) -> Mood:
        if not self._moods:
            return Mood()
        if self._left:
            self._left -= 1
            return Mood(self._mood, 1.0)
        guess = NEUTRAL if self._marked else guessed(clause, self._language)
        return Mood(guess, GUESSED) if guess else Mood()
