"""A voice's tone and level, sample by sample without look-ahead: gain, a treble shelf, a soft limiter. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from sophia.audio import Pcm

_TAPS = 31  # linear phase: 15 samples (1 ms) of delay
_SHELF_HZ = 2500.0
_DESIGN_RATE = 16_000
_KNEE = 0.8
"""Above this fraction of full scale the limiter bends the wave smoothly towards full scale."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A voice's correction in dB; the shelf lifts what is above 2.5 kHz and expects 16 kHz."""

    gain_db: float = 0.0
    shelf_db: float = 0.0


class Shaper:
    """Applies a :class:`Tone` to one sentence's sound in pieces of any length."""

    def __init__(self, tone: Tone) -> None:
        self._gain = 10 ** (tone.gain_db / 20)
        self._filter = _shelf(tone.shelf_db) if tone.shelf_db else None
        self._past: NDArray[np.float32] = np.zeros(_TAPS - 1, np.float32)
        self._late = _TAPS // 2 if self._filter is not None else 0  # of the filter's delay, what is still to be dropped
        self._fed = False

    def shape(self, pcm: Pcm) -> Pcm:
        """The corrected samples; with a shelf, 15 samples late."""
        samples = pcm.astype(np.float32) * np.float32(self._gain / 32768.0)
        if self._filter is not None and len(samples):
            whole = np.concatenate([self._past, samples])
            samples = np.convolve(whole, self._filter, mode="valid").astype(np.float32)
            self._past = whole[-(_TAPS - 1) :]
            dropped = min(self._late, len(samples))  # the voice starts where it started
            self._late, self._fed = self._late - dropped, True
            samples = samples[dropped:]
        return limited(samples)

    def finish(self) -> Pcm:
        """The samples still inside the filter."""
        if self._filter is None or not self._fed:
            return np.zeros(0, np.int16)
        return self.shape(np.zeros(_TAPS // 2, np.int16))


def limited(samples: NDArray[np.float32]) -> Pcm:
    """Samples of -1 to 1 as int16; what is louder than 0.8 is bent towards full scale."""
    size = np.abs(samples)
    bent = _KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE))
    limited = np.where(size > _KNEE, np.copysign(bent, samples), samples)
    return np.rint(limited * 32767.0).astype(np.int16)


def _shelf(gain_db: float) -> NDArray[np.float32]:
    """A linear-phase high shelf: an ideal response with a raised-cosine octave, windowed."""
    size = 512
    hz = np.fft.rfftfreq(size, 1 / _DESIGN_RATE)
    octaves = np.clip(np.log2(np.maximum(hz, 1.0) / _SHELF_HZ) + 0.5, 0.0, 1.0)
    db = gain_db * (0.5 - 0.5 * np.cos(np.pi * octaves))
    impulse = np.fft.fftshift(np.fft.irfft(10 ** (db / 20), size))
    middle = size // 2
    taps: NDArray[np.float32] = (impulse[middle - _TAPS // 2 : middle + _TAPS // 2 + 1] * np.hamming(_TAPS)).astype(
        np.float32
    )
    return taps


class RateChanger:
    """Changes the rate of one sentence's sound in pieces; does nothing when the rates are equal."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        same = rate_in == rate_out
        self._stream = None if same else soxr.ResampleStream(rate_in, rate_out, 1, dtype="int16", quality="HQ")

    def feed(self, pcm: Pcm) -> Pcm:
        if self._stream is None:
            return pcm
        out: Pcm = self._stream.resample_chunk(pcm, last=False)
        return out

    def finish(self) -> Pcm:
        """The samples still inside."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        out: Pcm = self._stream.resample_chunk(np.zeros(0, np.int16), last=True)
        return out
