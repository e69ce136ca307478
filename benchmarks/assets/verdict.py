"""How well the mouth follows speech: the measures and the gates that a trained network has to pass.

The reference is the viseme curve of the true phone times. So on synthetic speech this partly tests whether the network
learnt what it was taught. It does not tell whether people like the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.assets.corpus import Clip
from pipelines.embedded.face.engine import FPS
from pipelines.embedded.face.features import RATE
from pipelines.embedded.face.solver import LipSolver, Network
from pipelines.embedded.face.visemes import BILABIALS, OPEN_VOWELS, curves, plain

Curve = NDArray[np.float32]

SHUT = 0.07
"""A lip gap (jaw × (1 - close)) below this is seen as closed."""
OPEN = 0.12
"""An open vowel whose gap never exceeds this looks wrong."""
LATEST = 0.02
"""Seconds that the face may lag or lead: half of what people notice at best (45 ms, ITU-R BT.1359)."""
REST_AFTER = 0.15
"""Seconds after the last sound from which on the mouth has to be at rest."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The least correlation of the jaw and the least share of closed bilabials; the other gates are everybody's."""

    jaw: float
    closed: float


HER_GATE = Gate(jaw=0.9, closed=0.8)
"""For the voice that the embedded stack speaks with."""
GATE = Gate(jaw=0.85, closed=0.75)
"""For voices that the network never heard."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Measures over a set of clips. ``lag`` is in seconds, positive where the face is late."""

    jaw: float
    """Correlation of the jaw with its reference, at the best lag."""
    lag: float
    closed: int
    bilabials: int
    choked: int
    vowels: int
    rest: float
    """Mean of the largest control in silence."""
    jitter: float
    """Mean of the jaw's second difference from frame to frame."""

    def shortcomings(self, gate: Gate = GATE) -> list[str]:
        """The gates that are missed, in words; empty if all are passed."""
        closed = f"{self.closed} of {self.bilabials} bilabials closed < {gate.closed:.0%}"
        gates = (
            (self.jaw >= gate.jaw, f"jaw correlation {self.jaw:.3f} < {gate.jaw}"),
            (self.closed >= gate.closed * self.bilabials, closed),
            (self.choked <= 0.02 * self.vowels, f"{self.choked} of {self.vowels} open vowels closed > 2 %"),
            (self.rest < 0.02, f"mouth in silence {self.rest:.4f} ≥ 0.02"),
            (abs(self.lag) <= LATEST, f"lag {1000 * self.lag:.0f} ms beyond {1000 * LATEST:.0f} ms"),
            (self.jitter < 0.07, f"jitter {self.jitter:.3f} ≥ 0.07"),
        )
        return [words for passed, words in gates if not passed]

    def __str__(self) -> str:
        return (
            f"jaw r={self.jaw:.3f}, lag {1000 * self.lag:+.0f} ms, bilabials closed {self.closed}/{self.bilabials}, "
            f"vowels closed {self.choked}/{self.vowels}, silence {self.rest:.4f}, jitter {self.jitter:.3f}"
        )


def solve(sound: NDArray[np.float32], network: Network | None = None) -> Curve:
    """The frames of a whole clip at :data:`RATE`, shape ``(n, 8)``."""
    solver = LipSolver(RATE, network)
    pcm = np.clip(sound * 32768.0, -32768, 32767).astype(np.int16)
    return np.concatenate([solver.push(pcm), solver.finish()])


def lip_gap(frames: Curve) -> Curve:
    """How far the lips are apart, 0..1."""
    gap: Curve = frames[:, 0] * (1.0 - frames[:, 1])
    return gap


def lag(jaw: Curve, clip: Clip) -> tuple[float, float]:
    """Best correlation of the jaw with its reference within ±80 ms, and the lag in seconds at which it is."""
    hop = 0.001
    reference = curves(clip.phones, clip.seconds + 0.2, hop=0.01)[:, 0]
    times = np.arange(len(jaw)) / FPS
    best = (-1.0, 0.0)
    for shift in np.arange(-0.08, 0.0801, 5 * hop):
        at = np.interp(times - shift, (np.arange(len(reference)) + 0.5) * 0.01, reference)
        best = max(best, (float(np.corrcoef(jaw, at)[0, 1]), float(shift)))
    return best


def judge(clips: Sequence[Clip], network: Network | None = None) -> Verdict:
    """Judges the network, or the one that ships with the project, on clips with known phones."""
    correlations, lags, rests, jitters = [], [], [], []
    closed = bilabials = choked = vowels = 0
    for clip in clips:
        frames = solve(clip.sound, network)
        times = np.arange(len(frames)) / FPS
        correlation, late = lag(frames[:, 0], clip)
        correlations.append(correlation)
        lags.append(late)
        jitters.append(float(np.abs(np.diff(frames[:, 0], 2)).mean()))
        gap = lip_gap(frames)
        for start, end, name in clip.phones:
            phone = plain(name)
            if phone in BILABIALS:
                bilabials += 1
                closed += int(gap[(times >= start - 0.5 / FPS) & (times <= end + 0.7 / FPS)].min(initial=1.0) < SHUT)
            inside = gap[(times >= start + 0.02) & (times <= end - 0.02)]
            if phone in OPEN_VOWELS and end - start > 0.07 and len(inside):
                vowels += 1
                choked += int(inside.max() < OPEN)
            if not name and end - start > 0.3:
                resting = frames[(times >= start + REST_AFTER) & (times < end)]
                if len(resting):
                    rests.append(float(resting.max(axis=1).mean()))
    return Verdict(
        jaw=float(np.mean(correlations)),
        lag=float(np.mean(lags)),
        closed=closed,
        bilabials=bilabials,
        choked=choked,
        vowels=vowels,
        rest=float(np.mean(rests)),
        jitter=float(np.mean(jitters)),
    )
