"""Click-free level changes: gain, fade-in, and the tail that dies away where sound is cut. No timing, no buffers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sophia.audio import Pcm


class Ramps:
    """What :class:`sophia.playout.Playout` does to samples on their way out; ``length`` is one ramp, in samples."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.target = 1.0
        self._gain = 1.0
        self._rise = 0  # samples of a fade-in still to come
        self._tail: NDArray[np.float32] = np.zeros(0, np.float32)  # mixed into what comes next

    @property
    def dying(self) -> bool:
        """Whether a tail waits to be mixed in."""
        return len(self._tail) > 0

    def rise(self, *, needed: bool = True) -> None:
        """Lets the next samples fade in, or, if it is not ``needed``, start as they are."""
        self._rise = self.length if needed else 0

    def calm(self) -> None:
        """Forgets gain and fade-in; a tail goes on."""
        self._gain = self.target = 1.0
        self._rise = 0

    def shape(self, part: Pcm) -> Pcm:
        """Applies gain and fade-in; a plain part comes back as it is."""
        if self._rise == 0 and self._gain == self.target == 1.0:
            return part
        shaped = part.astype(np.float32)
        if self._gain == self.target:
            shaped *= self._gain
        else:  # a fixed slope, by which full scale takes one ramp
            distance = self.target - self._gain
            steps = np.arange(1, len(part) + 1, dtype=np.float32) / self.length
            shaped *= self._gain + np.sign(distance) * np.minimum(steps, abs(distance))
            left = max(0.0, abs(distance) - len(part) / self.length)
            self._gain = self.target - float(np.sign(distance)) * left
        if self._rise:
            count = min(self._rise, len(part))
            shaped[:count] *= (np.arange(count) + 0.5 + self.length - self._rise) / self.length
            self._rise -= count
        return np.rint(shaped).astype(np.int16)

    def fade_out(self, following: NDArray[np.float32], after: int = 0) -> None:
        """Lets sound die away over the samples ``following`` it, from ``after`` samples into the next mix on.

        A fade-out and a later fade-in over the same samples add up to just these samples.
        """
        level = self._gain * (1.0 - self._rise / self.length)
        fade = following * level * (1.0 - (np.arange(self.length, dtype=np.float32) + 0.5) / self.length)
        tail = np.zeros(max(after + self.length, len(self._tail)), np.float32)
        tail[: len(self._tail)] = self._tail
        tail[after : after + self.length] += fade
        self._tail = tail

    def mix(self, block: Pcm) -> Pcm:
        """The block with the tail mixed in, as far as it reaches."""
        if not len(self._tail):
            return block
        count = min(len(self._tail), len(block))
        mixed = block.copy()
        mixed[:count] = np.clip(np.rint(block[:count] + self._tail[:count]), -32768, 32767)
        self._tail = self._tail[count:]
        return mixed
