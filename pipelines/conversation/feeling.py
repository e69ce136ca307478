"""How one reply is felt: the mood of each clause, from the sample on at which that clause begins to sound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aurora.moods import MoodTrack
from pipelines.conversation.events import Felt
from sophia.mood_clauses import Mood, mood_of
from sophia.moods import Showing

PREFERENCE: Final[dict[Showing, float]] = {"off": 0.0, "subtle": 0.5, "full": 1.0}
"""How much the face takes what it is told; the rest is what the service hears in her own voice."""


class Feeling:
    """One generation's; ``tell`` is handed an event where the mood changes. ``rate`` is the voice's in Hz."""

    def __init__(self, showing: Showing, generation: int, rate: int, tell: Callable[[Felt], None]) -> None:
        self.track = MoodTrack(PREFERENCE[showing]) if showing != "off" else None
        self._generation = generation
        self._rate = rate
        self._tell = tell
        self._mood = Mood()

    def follow(self, clause: str | None, sample: int) -> None:
        """``clause`` sounds from ``sample`` on, or goes on to; the face is told before it gets that sample."""
        mood = mood_of(clause) if clause else Mood()
        if self.track is None or mood == self._mood:
            return
        self._mood = mood
        self.track.add(sample / self._rate, {mood.name: mood.share} if mood.name else {})
        now = asyncio.get_running_loop().time()
        self._tell(Felt(at=now, generation=self._generation, sample=sample, mood=mood.name, share=mood.share))
