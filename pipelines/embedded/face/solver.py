"""From sound to the mouth's controls: the trained network, run as the sound arrives.

Deterministic, chunk-size invariant, about 5 ms of CPU for a second of sound. It knows the sounds of speech, not the
words; it sees 60 ms back and 20 ms ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from pipelines.embedded.face.engine import FPS
from pipelines.embedded.face.features import HOP, RATE, WIDTH, Floats, LogMel
from pipelines.embedded.face.visemes import CONTROLS

BEHIND, AHEAD = 6, 2
"""Rows of 10 ms that the network sees before and after the one it judges."""

LEAD = 0.020
"""Seconds by which a frame looks ahead of its time code: what smoothing delays, measured on held-out speech."""

_SECONDS = HOP / RATE
_GATE_CLOSED, _GATE_WIDTH = -3.3, 0.7
"""The mouth rests at 33 dB below the running peak and moves freely from 26 dB on (log10 of power)."""
_GATE_HOLD = 4
"""Rows for which a loud moment keeps the gate open, so that stop consonants don't close it."""

_CLOSE = CONTROLS.index("close")
_RISE = np.full(len(CONTROLS), 0.018)
_FALL = np.full(len(CONTROLS), 0.045)
_RISE[_CLOSE] = _FALL[_CLOSE] = 0.012  # lips meet and part faster than a jaw moves
_FALL[0] = 0.030
_RISE_STEP, _FALL_STEP = 1.0 - np.exp(-_SECONDS / _RISE), 1.0 - np.exp(-_SECONDS / _FALL)
"""One-pole smoothing per row, from time constants in seconds."""


@dataclass(frozen=True)
class Network:
    """A perceptron with one hidden layer over a window of rows, and the scaling of its input."""

    mean: Floats
    spread: Floats
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def __call__(self, stacked: Floats) -> Floats:
        """Windows of rows, shape ``(n, (BEHIND + 1 + AHEAD) * WIDTH)``, to controls in 0..1, ``(n, 8)``."""
        hidden = np.tanh(((stacked - self.mean) / self.spread) @ self.w1 + self.b1)
        controls: Floats = 1.0 / (1.0 + np.exp(-(hidden @ self.w2 + self.b2)))
        return controls

    def as_stored(self) -> Network:
        """The network as a file keeps it, in half precision; frames differ by less than 0.01."""
        return Network(**{name: part.astype(np.float16).astype(np.float32) for name, part in self.__dict__.items()})

    def save(self, path: Path) -> None:
        np.savez(path, **{name: part.astype(np.float16) for name, part in self.__dict__.items()})

    @staticmethod
    def load(path: Path) -> Network:
        """Raises ``OSError`` if the file cannot be read and ``KeyError`` if it is not a network."""
        with np.load(path) as stored:
            return Network(
                **{name: stored[name].astype(np.float32) for name in ("mean", "spread", "w1", "b1", "w2", "b2")}
            )


WEIGHTS = Path(__file__).with_name("weights.npz")


@cache
def trained() -> Network:
    """The network that ships with the project, loaded once."""
    return Network.load(WEIGHTS)


def stack(rows: Floats, first: int, count: int) -> Floats:
    """Windows around ``count`` rows from ``first`` on; beyond the ends the nearest row stands in."""
    index = np.arange(first, first + count)[:, None] + np.arange(-BEHIND, AHEAD + 1)[None, :]
    stacked: Floats = rows[np.clip(index, 0, len(rows) - 1)].reshape(count, -1)
    return stacked


class LipSolver:
    """One clip's way from PCM to frames of controls; feed it pieces of any length."""

    def __init__(self, rate: int, network: Network | None = None) -> None:
        self._network = network or trained()
        self._resample = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="LQ") if rate != RATE else None
        self._mel = LogMel()
        self._rows: Floats = np.zeros((0, WIDTH), np.float32)
        self._first = 0  # number of the clip's row that self._rows begins with
        self._next_row = 0
        self._smooth = np.zeros(len(CONTROLS))
        self._shut = 0.0
        self._next_frame = 0

    def push(self, pcm: NDArray[np.int16]) -> Floats:
        """Takes int16 sound of the clip's rate; gives the frames that are now certain, shape ``(n, 8)``."""
        return self._hear(pcm.astype(np.float32) / 32768.0, last=False)

    def finish(self) -> Floats:
        """The frames that waited for sound still to come: as if silence followed. Call it once, at the end."""
        tail = self._hear(np.zeros(0, np.float32), last=True)
        ahead = int((LEAD + 0.1) * RATE)  # enough to complete a frame at the clip's last sample
        return np.concatenate([tail, self._solve(self._mel.push(np.zeros(ahead, np.float32)))])

    def _hear(self, sound: Floats, *, last: bool) -> Floats:
        if self._resample is not None:
            sound = self._resample.resample_chunk(sound, last=last)
        return self._solve(self._mel.push(sound))

    def _solve(self, rows: Floats) -> Floats:
        self._rows = np.concatenate([self._rows, rows])
        at = self._next_row - self._first
        count = len(self._rows) - AHEAD - at
        if count <= 0:
            return np.zeros((0, len(CONTROLS)), np.float32)
        controls = self._network(stack(self._rows, at, count)) * self._gate(at, count)
        self._next_row += count
        kept = max(0, at + count - BEHIND)
        self._rows, self._first = self._rows[kept:], self._first + kept
        return self._frames(controls)

    def _gate(self, at: int, count: int) -> Floats:
        levels = self._rows[:, -1]
        index = np.arange(at, at + count)[:, None] + np.arange(-_GATE_HOLD, AHEAD + 1)[None, :]
        loudest = levels[np.clip(index, 0, len(levels) - 1)].max(axis=1, keepdims=True)
        gate: Floats = np.clip((loudest - _GATE_CLOSED) / _GATE_WIDTH, 0.0, 1.0)
        return gate

    def _frames(self, controls: Floats) -> Floats:
        """Smooths rows and picks those that the frames' time codes fall on."""
        frames = []
        row = self._next_row - len(controls)
        for target in controls.astype(np.float64):
            step = np.where(target > self._smooth, _RISE_STEP, _FALL_STEP)
            self._smooth = self._smooth + (target - self._smooth) * step
            self._shut = max(self._shut, self._smooth[_CLOSE])
            row += 1
            while row * _SECONDS >= self._next_frame / FPS + LEAD:
                frame = self._smooth.astype(np.float32)
                frame[_CLOSE] = self._shut  # a plosive is shorter than a frame, and must not fall between two
                self._shut = 0.0
                frames.append(frame)
                self._next_frame += 1
        return np.array(frames, np.float32).reshape(-1, len(CONTROLS))
