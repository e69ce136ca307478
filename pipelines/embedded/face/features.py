"""What the lip network hears: log-mel bands of 16 kHz speech, ten milliseconds a row, computed as the sound arrives.

The rows don't depend on how the sound was cut into pieces, nor on how loud the speaker is. Each is relative to a peak
level that rises at once and falls slowly. Nothing here looks ahead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 16_000
"""Hz of the sound that the network hears."""

HOP = 160
"""Samples from row to row: 10 ms."""

WINDOW = 400
"""Samples that a row sees: 25 ms. Row ``i`` is centred on sample ``i * HOP - 40``."""

BANDS = 24
WIDTH = BANDS + 1
"""Values in a row: the bands, then the level, all in log10 of power relative to the running peak."""

_FFT = 512
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 7600.0
_FALL = 0.0015
"""Fall of the peak per row, in log10 of power: 1.5 dB a second, slower than a phrase and faster than a new speaker."""
_QUIET = -6.5
"""Below -65 dBFS nobody speaks: the peak stands still."""
_START, _FLOOR = -3.0, -3.7
"""The peak starts at -30 dBFS and never falls below -37 dBFS, so that room noise never passes for speech."""


def mel_bank() -> Floats:
    """Triangular filters from 80 to 7600 Hz on the mel scale, shape ``(BANDS, _FFT // 2 + 1)``."""
    lowest, highest = (2595.0 * np.log10(1.0 + f / 700.0) for f in (_LOWEST_HZ, _HIGHEST_HZ))
    corners = 700.0 * (10.0 ** (np.linspace(lowest, highest, BANDS + 2) / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(_FFT, 1.0 / RATE)
    left, centre, right = (corners[i : i + BANDS, None] for i in range(3))
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    bank: Floats = np.clip(np.minimum(rising, falling), 0.0, None).astype(np.float32)
    return bank


class LogMel:
    """Turns sound into rows. One for each clip."""

    def __init__(self) -> None:
        self._bank = mel_bank().T
        self._taper = np.hanning(WINDOW).astype(np.float32)
        self._rest: Floats = np.zeros(WINDOW - HOP, np.float32)
        self._peak = _START

    def push(self, sound: Floats) -> Floats:
        """Takes samples in -1..1 at :data:`RATE`, shape ``(n,)``; gives the rows they complete, ``(k, WIDTH)``."""
        samples = np.concatenate([self._rest, sound])
        count = (len(samples) - WINDOW) // HOP + 1
        if count <= 0:
            self._rest = samples
            return np.zeros((0, WIDTH), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[: count * HOP : HOP] * self._taper
        self._rest = samples[count * HOP :]
        power = np.abs(np.fft.rfft(windows, _FFT)) ** 2
        rows = np.empty((count, WIDTH), np.float32)
        rows[:, :BANDS] = np.log10(power @ self._bank + 1e-6)
        rows[:, BANDS] = np.log10((windows**2).mean(axis=1) + 1e-9)
        rows -= self._peaks(rows[:, BANDS])[:, None]
        return rows

    def _peaks(self, levels: Floats) -> Floats:
        peaks = np.empty_like(levels)
        peak = self._peak
        for i, level in enumerate(levels.tolist()):
            if level > _QUIET:
                peak = max(level, peak - _FALL, _FLOOR)
            peaks[i] = peak
        self._peak = peak
        return peaks
