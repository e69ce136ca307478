"""Several channels of a microphone as one: those that carry sound, in phase. Pure arithmetic, block by block.

A microphone array, a headset and an audio interface differ in where the voice is: on all channels, on one of eight, or
on two in opposite phase. A plain mean would make the second nearly and the third wholly silent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sophia.audio import Pcm

FADE = 0.8
"""How much of what is known of the channels' levels stays from block to block: it fades within 0.1 s."""

LIVE = 0.1
"""A channel counts if its power is at least this share of the loudest one's: 10 dB below."""

OPPOSED = -0.3
"""A channel whose correlation with the loudest is below this is turned around."""

STEADY = 4.0
"""Another channel becomes the one that gives the phase only once its power is this many times higher: 6 dB."""


class Downmix:
    """Mixes blocks of shape ``(samples, channels)`` into mono. Never louder than the loudest channel."""

    def __init__(self, channels: int) -> None:
        self._known = np.zeros((channels, channels))
        self._weights: NDArray[np.float64] | None = None
        self._lead = 0

    def mix(self, block: NDArray[np.int16]) -> Pcm:
        """One channel of shape ``(samples,)``."""
        if block.shape[1] == 1 or not len(block):
            return block[:, 0] if block.shape[1] else np.zeros(0, np.int16)
        sound = block.astype(np.float64)
        self._known = FADE * self._known + sound.T @ sound / len(sound)
        power = np.diag(self._known)
        if (loudest := int(power.argmax())) != self._lead and power[loudest] > STEADY * power[self._lead]:
            self._lead = loudest
        scale = np.sqrt(power * power[self._lead]) + 1e-9
        live = power >= LIVE * power.max()
        weights = np.where(self._known[self._lead] / scale < OPPOSED, -1.0, 1.0) * live / live.sum()
        before = weights if self._weights is None else self._weights
        self._weights = weights
        ramp = np.linspace(0, 1, len(sound))[:, None]
        mixed = np.sum(sound * (before + (weights - before) * ramp), axis=1)
        mono: Pcm = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
        return mono
