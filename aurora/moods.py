"""Which mood a reply's sound has, from which second on: told while the sound is made, ahead of its being heard."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

Emotions = Mapping[str, float]
"""Strengths of 0 to 1 by the names of :data:`aurora.settings.EMOTIONS`; what is not named is not felt."""

MOST_CHANGES: Final = 1000
"""Changes of one reply; further ones are ignored."""


class MoodTrack:
    """One reply's. ``preference`` is how much a told mood counts beside what the service hears in the voice, 0 to 1."""

    def __init__(self, preference: float = 0.5) -> None:
        self.preference = preference
        self._times: list[float] = []
        self._moods: list[dict[str, float]] = []

    def add(self, second: float, emotions: Emotions) -> None:
        """From ``second`` of the reply's sound on, this is felt. Tell it before that sound, and in rising order."""
        if len(self._times) < MOST_CHANGES:
            self._times.append(second)
            self._moods.append(dict(emotions))

    def at(self, second: float) -> Emotions:
        """What is felt at ``second``; nothing before the first change."""
        after = bisect_right(self._times, second)
        return self._moods[after - 1] if after else {}

    def between(self, start: float, end: float) -> list[tuple[float, Emotions]]:
        """The changes from ``start`` on and before ``end``, each with its second."""
        return [(time, mood) for time, mood in zip(self._times, self._moods, strict=True) if start <= time < end]
