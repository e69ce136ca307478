"""The mood of a clip over time, from what the client tells. This service hears no emotion in a voice."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.embedded.face.features import Floats

MOODS = (
    "amazement", "anger", "cheekiness", "disgust", "fear", "grief", "joy", "outofbreath", "pain", "sadness",
)  # fmt: skip
"""What the service can be told to feel, in the order of its vectors."""

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

    @staticmethod
    def of(header: Any) -> MoodSettings:
        """Those of an ``AudioWithEmotionStreamHeader``; what it does not tell, or is no number, is as usual."""

        def told_or(part: Any, name: str, usual: float) -> float:
            value = float(getattr(part, name)) if part.HasField(name) else usual
            return value if math.isfinite(value) else usual

        usual = MoodSettings()
        mixing = header.emotion_post_processing_params
        preferred_strength = told_or(mixing, "preferred_emotion_strength", usual.preferred_strength)
        return MoodSettings(
            preferred=bool(told_or(mixing, "enable_preferred_emotion", usual.preferred)),
            preferred_strength=min(1.0, max(0.0, preferred_strength)),
            strength=min(1.0, max(0.0, told_or(mixing, "emotion_strength", usual.strength))),
            most=min(6, max(1, round(told_or(mixing, "max_emotions", usual.most)))),
            transition_seconds=told_or(header.emotion_params, "live_transition_time", usual.transition_seconds),
        )


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
