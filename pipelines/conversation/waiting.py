"""What she says while a tool runs, so that nobody wonders whether she is there. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nova.tools import Waiting
from sophia.languages import language as table

FIRST_SECONDS = 0.8
"""Silence after which she says that she is at it: within the second in which a person would."""

NEXT_SECONDS = 6.0
"""Silence after which she says that she still is."""


class WaitingPhrases:
    """The phrases of one conversation, each kind in turn, so that the same one does not come twice in a row."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}

    def first(self, kind: Waiting, language: str) -> str | None:
        """That she does this now; None in a language of which she knows no words."""
        return self._next(kind, table(language).waiting.get(kind, ()))

    def again(self, language: str) -> str | None:
        """That she is still at it; None in a language of which she knows no words."""
        return self._next("still", table(language).still)

    def _next(self, kind: str, phrases: Sequence[str]) -> str | None:
        if not phrases:
            return None
        said = self._said.get(kind, 0)
        self._said[kind] = said + 1
        return phrases[said % len(phrases)]
