"""Whisper's front end in numpy: the logarithm of the energy in 80 mel bands, each 10 ms. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
HOP: Final = RATE // 100
"""Samples between two frames."""

_WINDOW: Final = RATE // 40
_MELS: Final = 80


def log_mel(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(80, frames)`` of 16 kHz mono sound within ±1; no more than 8 below the loudest, as Whisper was trained."""
    padded = np.pad(sound.astype(np.float64), _WINDOW // 2, mode="reflect")  # networks in int8 notice less
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][: len(sound) // HOP] * _HANN
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    log = np.log10(np.maximum(_FILTERS @ power.T, 1e-10))
    scaled: NDArray[np.float32] = ((np.maximum(log, log.max() - 8) + 4) / 4).astype(np.float32)
    return scaled


def _filters() -> NDArray[np.float64]:
    """Triangles of equal area on Slaney's mel scale: linear up to 1 kHz, then logarithmic."""
    edges = _hertz(np.linspace(0, 15 + np.log(8) * 27 / np.log(6.4), _MELS + 2))
    bins = np.linspace(0, RATE / 2, _WINDOW // 2 + 1)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles: NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return triangles


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mels < 15, 200 * mels / 3, 1000 * np.exp(np.log(6.4) / 27 * (mels - 15)))


_HANN: Final = np.hanning(_WINDOW + 1)[:-1]
_FILTERS: Final = _filters()
