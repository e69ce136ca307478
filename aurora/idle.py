"""The face at rest: it blinks, looks about and breathes. Seeded, so that it can be repeated.

Audio2Face moves no eyes: gaze is always ours, and blinks go on while she speaks.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np

from aurora.face import ARKIT, Weights

BLINK_GAP = (2.0, 6.0)
"""Seconds between blinks."""
BLINK_SECONDS = (0.15, 0.20)
DOUBLE_BLINK = 0.15
"""Share of blinks that are followed by a second one at once."""
CLOSING = 0.35
"""Share of a blink in which the lid falls; it rises more slowly."""

GAZE_GAP = (0.7, 2.8)
"""Seconds for which the eyes rest on something."""
SACCADE_SECONDS = 0.045
GAZE_REACH = (0.16, 0.08)
"""How far the eyes wander, as weights sideways and up or down."""
ATTENTION = 0.6
"""Share of glances that return to the person in front."""

BREATH_HZ = 0.24
BREATH = 0.035
"""How much the brows rise with each breath."""
LONGEST_JUMP = 60.0
"""After a longer pause between looks nothing is caught up with: the face starts afresh."""

_BLINK_LEFT, _BLINK_RIGHT = ARKIT.index("eyeBlinkLeft"), ARKIT.index("eyeBlinkRight")
_BROW_INNER = ARKIT.index("browInnerUp")
_BROW_LEFT, _BROW_RIGHT = ARKIT.index("browOuterUpLeft"), ARKIT.index("browOuterUpRight")
_OUT_LEFT, _IN_LEFT = ARKIT.index("eyeLookOutLeft"), ARKIT.index("eyeLookInLeft")
_OUT_RIGHT, _IN_RIGHT = ARKIT.index("eyeLookOutRight"), ARKIT.index("eyeLookInRight")
_UP_LEFT, _DOWN_LEFT = ARKIT.index("eyeLookUpLeft"), ARKIT.index("eyeLookDownLeft")
_UP_RIGHT, _DOWN_RIGHT = ARKIT.index("eyeLookUpRight"), ARKIT.index("eyeLookDownRight")


@dataclass(slots=True)
class _Blink:
    start: float
    seconds: float

    def lid(self, time: float) -> float:
        """How far the lid is down, 0..1."""
        phase = (time - self.start) / self.seconds
        if not 0.0 <= phase <= 1.0:
            return 0.0
        travel = phase / CLOSING if phase < CLOSING else (1.0 - phase) / (1.0 - CLOSING)
        return 0.5 - 0.5 * math.cos(math.pi * travel)


class IdleFace:
    """The face at rest as a function of time; ask with times that don't go back."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._start(0.0)

    def _start(self, time: float) -> None:
        self._now = time
        self._blink = _Blink(time + self._random.uniform(*BLINK_GAP), self._random.uniform(*BLINK_SECONDS))
        self._again = False
        self._from = self._to = (0.0, 0.0)
        self._moved = time
        self._moves = time + self._random.uniform(*GAZE_GAP)

    def at(self, time: float) -> Weights:
        """Weights of shape ``(52,)``: lids, gaze and brows at ``time`` seconds; the mouth is left alone."""
        if not 0.0 <= time - self._now <= LONGEST_JUMP:
            self._start(time)
        self._now = time
        self._blinks(time)
        self._looks(time)
        weights = np.zeros(len(ARKIT), np.float32)
        weights[_BLINK_LEFT] = weights[_BLINK_RIGHT] = self._blink.lid(time)
        self._gaze(weights, time)
        breath = BREATH * (0.5 - 0.5 * math.cos(2 * math.pi * BREATH_HZ * time))
        weights[_BROW_INNER] = breath
        weights[_BROW_LEFT] = weights[_BROW_RIGHT] = 0.4 * breath
        return weights

    def _blinks(self, time: float) -> None:
        while time > (ended := self._blink.start + self._blink.seconds):
            double = not self._again and self._random.random() < DOUBLE_BLINK
            gap = 0.05 if double else self._random.uniform(*BLINK_GAP)
            self._again = double
            self._blink = _Blink(ended + gap, self._random.uniform(*BLINK_SECONDS))

    def _looks(self, time: float) -> None:
        while time >= self._moves:
            self._from, self._moved = self._to, self._moves
            if self._random.random() < ATTENTION:
                self._to = (self._random.uniform(-0.02, 0.02), self._random.uniform(-0.02, 0.02))
            else:
                sideways, upwards = GAZE_REACH
                self._to = (self._random.uniform(-sideways, sideways), self._random.uniform(-upwards, upwards))
            self._moves += self._random.uniform(*GAZE_GAP)

    def _gaze(self, weights: Weights, time: float) -> None:
        share = min(1.0, (time - self._moved) / SACCADE_SECONDS)
        across, up = (a + (b - a) * share for a, b in zip(self._from, self._to, strict=True))
        if across > 0.0:  # to her left
            weights[_OUT_LEFT] = weights[_IN_RIGHT] = across
        else:
            weights[_IN_LEFT] = weights[_OUT_RIGHT] = -across
        if up > 0.0:
            weights[_UP_LEFT] = weights[_UP_RIGHT] = up
        else:
            weights[_DOWN_LEFT] = weights[_DOWN_RIGHT] = -up
