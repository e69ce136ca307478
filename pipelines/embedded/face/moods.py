"""The mood of a clip over time, from what the client tells. This service hears no emotion in a voice."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.rig import MOODS

MOST_KEYS = 10_000
"""Emotion key frames in a clip; further ones are ignored."""


@dataclass(frozen=True, slots=True)
class MoodSettings:
    """How told emotions show. Names and defaults are the service's."""

    preferred: bool = True
    preferred_strength: float = 0.5
    strength: float = 0.6
    most: int = 3
    transition_seconds: float = 0.5


class Mood:
    """Eases from mood to mood along the clip."""

    def __init__(self, settings: MoodSettings, beginning: Mapping[str, float]) -> None:
        self._settings = settings
        self._now = self._felt(beginning)
        self._keys: list[tuple[float, int, Floats]] = []
        self._added = 0
        self._wanted = self._now

    def add(self, time: float, emotions: Mapping[str, float]) -> None:
        """From ``time`` seconds of the clip on, this is felt; what is not named is not felt."""
        if np.isfinite(time) and self._added < MOST_KEYS:
            self._added += 1
            insort(self._keys, (time, self._added, self._felt(emotions)))

    def at(self, time: float, elapsed: float) -> Floats:
        """The mood at ``time``, ``elapsed`` seconds after the last one asked for: strengths as :data:`MOODS`."""
        while self._keys and self._keys[0][0] <= time:
            self._wanted = self._keys.pop(0)[2]
        share = 1.0 - np.exp(-elapsed / max(self._settings.transition_seconds, 1e-3))
        self._now = self._now + (self._wanted - self._now) * np.float32(share)
        return self._now

    def _felt(self, emotions: Mapping[str, float]) -> Floats:
        told = np.array([np.clip(np.nan_to_num(emotions.get(name, 0.0)), 0.0, 1.0) for name in MOODS], np.float32)
        settings = self._settings
        for weak in np.argsort(told)[: len(MOODS) - settings.most]:
            told[weak] = 0.0
        # Told emotions are mixed with heard ones; here nothing is heard, so only their share is left.
        felt: Floats = told * np.float32(
            (settings.preferred_strength if settings.preferred else 0.0) * settings.strength
        )
        return felt
