"""How loud her own voice is in the microphone, predicted from what was played. Measured, not assumed; no I/O.

The power of her echo is the power of what she played, spread over the time that cards, air and room take. How much
of it comes back after how long is learned while she speaks. From that follows how her echo dies away after her last
sample, in this room and on these cards.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from sophia.audio import FRAME_SECONDS, Frame, Pcm

BIN = 0.005
"""Seconds: how finely what she plays is laid out in time, since a microphone's frames begin anywhere."""

SPREAD = 0.6
"""Seconds after a sound in which its echo is looked for: a Bluetooth loudspeaker's delay and a room's decay."""

LEARNED_SECONDS = 1.0
"""Seconds of her voice after which the prediction is trusted."""

FORGET = 0.995
"""How much of what was learned stays with each frame of her voice: it fades within four seconds of it."""

SLOWEST_DECAY = 10**-0.2
"""Of the power, each frame: a room is taken to need 0.6 s for 60 dB. What comes late is weak beside what she says next,
so it is measured badly; without this the prediction falls faster than the room."""

ROUNDS = 15
"""Rounds of coordinate descent; the spread changes little from one reply to the next, so it need not start anew."""

_BINS = round(FRAME_SECONDS / BIN)
_TAPS = round(SPREAD / FRAME_SECONDS)
_KEPT = 2.0 / BIN


class EchoTail:
    """The prediction for one microphone. Powers are mean squares of int16 samples."""

    def __init__(self) -> None:
        self._powers: dict[int, float] = {}
        self._places: deque[int] = deque()
        self._matrix = np.zeros((_TAPS, _TAPS))
        self._vector = np.zeros(_TAPS)
        self._spread = np.zeros(_TAPS)
        self._lasting = np.zeros(_TAPS)  # the spread, with a decay that is none too fast
        self._frames = 0

    @property
    def learned(self) -> bool:
        """Whether enough of her voice was heard to predict from."""
        return self._frames * FRAME_SECONDS >= LEARNED_SECONDS

    def played(self, pcm: Pcm, rate: int, time: float) -> None:
        """Lays out ``pcm``, whose first sample sounds at ``time``."""
        size = max(1, round(rate * BIN))
        for begin in range(0, len(pcm), size):
            place = round((time + begin / rate) / BIN)
            if place not in self._powers:
                self._places.append(place)
            self._powers[place] = power(pcm[begin : begin + size])
        while self._places and self._places[0] < self._places[-1] - _KEPT:
            self._powers.pop(self._places.popleft(), None)

    def hear(self, frame: Frame) -> None:
        """Learns from a frame in which nobody but her is known to speak."""
        before = self._before(frame.time)
        if not before.any():
            return
        scale = 1.0 / (before.max() + 1e4)  # loud and soft passages count alike
        self._matrix = FORGET * self._matrix + np.outer(before, before) * scale**2
        self._vector = FORGET * self._vector + before * (power(frame.pcm) * scale**2)
        self._frames += 1

    def solve(self) -> None:
        """Finds the spread that explains best what was heard; without negative parts, by coordinate descent."""
        diagonal = np.diag(self._matrix) + 1e-3 * self._matrix.trace() / _TAPS + 1e-12
        for _ in range(ROUNDS):
            for tap in range(_TAPS):
                miss = self._vector[tap] - self._matrix[tap] @ self._spread
                self._spread[tap] = max(0.0, self._spread[tap] + miss / diagonal[tap])
        self._lasting = self._spread.copy()
        for tap in range(1, _TAPS):
            self._lasting[tap] = max(self._lasting[tap], SLOWEST_DECAY * self._lasting[tap - 1])

    def expected(self, frame: Frame) -> float:
        """The power that her echo has in this frame."""
        return float(self._lasting @ self._before(frame.time))

    def _before(self, time: float) -> NDArray[np.float64]:
        """The power of what she played in the frame from ``time`` on, and in each one before it."""
        last = round(time / BIN) + _BINS - 1
        powers = [self._powers.get(last - i, 0.0) for i in range(_TAPS * _BINS)]
        mean: NDArray[np.float64] = np.asarray(powers).reshape(_TAPS, _BINS).mean(axis=1)
        return mean


def power(pcm: Pcm) -> float:
    """The mean square of int16 samples."""
    samples = pcm.astype(np.float64)
    return float(samples @ samples) / max(1, len(samples))
