"""Resampling of a stream, with 1 ms of delay and no more.

libsoxr gives a stream's samples in heaps: at 48 and at 24 kHz it holds back up to 20 ms. Frames that are cut from what
it gives come a packet late, often two. This filter gives as much as it takes.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sophia.audio import Pcm

DELAY_SECONDS: Final = 0.001
"""How much later a sound is in what comes out: half the filter's length."""

PASSED: Final = 0.94
"""Cut-off, as a share of half the lower rate."""

KAISER: Final = 5.0
"""Of the filter's window: what would fold back below 7 kHz of 16 is 60 dB down."""

GROUP_SECONDS: Final = 0.001
"""About so many samples are made at once: one small matrix product for each packet."""


class Resampler:
    """From ``rate`` to ``out_rate`` Hz, int16 mono.

    Samples come in groups: about 1 ms, or where the ratio is odd up to 20 ms (22,050 to 16,000). What is
    less than a group waits for the next block. So packets of 20 ms at any usual rate come out whole.
    """

    def __init__(self, rate: int, out_rate: int) -> None:
        self._step, self._filter = _filter(rate, out_rate)
        self._held: Pcm = np.zeros(len(self._filter) - self._step, np.int16)

    def resample(self, block: Pcm) -> Pcm:
        """What ``block`` completes."""
        taken = np.concatenate((self._held, block))
        width, step = len(self._filter), self._step
        groups = max(0, (len(taken) - width) // step + 1)
        if not groups:
            self._held = taken
            return np.zeros(0, np.int16)
        self._held = taken[groups * step :]
        windows = np.ndarray((groups, width), np.int16, taken, strides=(2 * step, 2))
        made = windows.astype(np.float32).dot(self._filter).reshape(-1)
        sound: Pcm = made.round().clip(-32768, 32767).astype(np.int16)
        return sound


@lru_cache(maxsize=16)
def _filter(rate: int, out_rate: int) -> tuple[int, NDArray[np.float32]]:
    """How many samples a group takes, and the matrix of shape ``(samples seen, samples made)`` that makes one."""
    common = gcd(rate, out_rate)
    taken, made = rate // common, out_rate // common
    times = max(1, round(GROUP_SECONDS * common))
    taken, made = taken * times, made * times
    half = DELAY_SECONDS * rate
    before = int(np.ceil(2 * half))  # samples of the past that the first one of a group sees
    at = np.arange(made) * rate / out_rate - half + before
    away = np.arange(before + taken)[:, None] - at
    cut_off = PASSED * min(1.0, out_rate / rate)
    window = np.i0(KAISER * np.sqrt(np.maximum(0.0, 1 - (away / half) ** 2))) * (np.abs(away) <= half)
    taps = np.sinc(cut_off * away) * window
    return taken, (taps / taps.sum(axis=0)).astype(np.float32)
