"""Blocks of a device or a network become frames: resampled with memory, cut to length, dated to the sample."""

from __future__ import annotations

import numpy as np

from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame, Pcm
from sophia.resampling import DELAY_SECONDS, Resampler

_FRAME = round(EAR_RATE * FRAME_SECONDS)


class Framer:
    """Cuts blocks of ``rate`` Hz, of any length, into 20 ms frames of 16 kHz; their buffers are copied.

    ``delay`` is how many seconds a sound is later in the frames than in the blocks. Their times leave it out again.
    """

    def __init__(self, rate: int) -> None:
        self._resampler = Resampler(rate, EAR_RATE) if rate != EAR_RATE else None
        self.delay = DELAY_SECONDS if self._resampler else 0.0
        self._rate = rate
        self._rest: Pcm = np.zeros(0, np.int16)
        self._taken = 0  # samples that were put in
        self._given = 0  # samples at 16 kHz that came out, those in _rest included

    def cut(self, block: Pcm, begin: float) -> list[Frame]:
        """The frames that ``block``, which began at ``begin``, completes."""
        if self._resampler is None and len(block) == _FRAME and not len(self._rest):
            return [Frame(np.array(block), begin)]  # most packets are just a frame
        end = begin + len(block) / self._rate
        sound = block if self._resampler is None else self._resampler.resample(block)
        self._taken += len(block)
        self._given += len(sound)
        # A resampler holds some sound back, so what it gave ended before the block did.
        end -= self._taken / self._rate - self._given / EAR_RATE + self.delay
        self._rest = np.concatenate((self._rest, sound)) if len(self._rest) else np.array(sound)
        start = end - len(self._rest) / EAR_RATE
        count = len(self._rest) // _FRAME
        frames = [Frame(self._rest[i * _FRAME : (i + 1) * _FRAME], start + i * FRAME_SECONDS) for i in range(count)]
        self._rest = self._rest[count * _FRAME :]
        return frames
