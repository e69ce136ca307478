"""The face at rest: it blinks, looks about and breathes. It looks at who speaks, away to think, and nods.

Audio2Face moves no eyes: gaze is always ours, and blinks go on while she speaks. Seeded, so that it can be repeated.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from aurora.face import ARKIT, Weights
from aurora.spring import Spring, eased

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
NOTICE = 0.12
"""After a change of what she attends to, the eyes move within this time."""


class Habit(NamedTuple):
    """How she looks about: the share of glances at the person, how far others go, how often those go up.

    ``reach`` is in weights, sideways and up or down. ``brows``: raised outside, inside; drawn together.
    """

    person: float
    reach: tuple[float, float]
    up: float
    brows: tuple[float, float, float]


HABITS: Final = {
    "idle": Habit(0.6, (0.16, 0.08), 0.5, (0.0, 0.0, 0.0)),
    "hearing": Habit(0.94, (0.12, 0.06), 0.5, (0.16, 0.2, 0.0)),
    "thinking": Habit(0.0, (0.5, 0.28), 0.9, (0.22, 0.1, 0.17)),
    "speaking": Habit(0.8, (0.16, 0.08), 0.6, (0.05, 0.06, 0.0)),
}
"""By what she attends to. Who listens looks at you; who thinks looks away, and mostly up."""

BROW_QUICKNESS = 4.0
"""Brows come and go in about a second."""
HEAD_QUICKNESS = 6.0
HEAD_SHARE = 0.42
"""How much of a glance the head goes along with."""
EYE_REACH = (0.52, 0.42)
"""Radians of a gaze weight of 1, sideways and up or down: so the eyes stay on their target when the head moves."""
NOD_SECONDS = 0.5
NOD_DOWN = 0.4
"""Share of a nod in which the head goes down."""
SECOND_NOD = (0.8, 0.6)
"""When a double nod's second begins, as a share of the first, and how deep it is."""

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
_FROWN_LEFT, _FROWN_RIGHT = ARKIT.index("browDownLeft"), ARKIT.index("browDownRight")


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
        self._habit = HABITS["idle"]
        self._start(0.0)

    def _start(self, time: float) -> None:
        self._now = time
        self._blink = _Blink(time + self._random.uniform(*BLINK_GAP), self._random.uniform(*BLINK_SECONDS))
        self._again = False
        self._fresh = False
        self._from = self._to = (0.0, 0.0)
        self._moved = time
        self._moves = time + self._random.uniform(*GAZE_GAP)
        self._brows = [Spring(BROW_QUICKNESS) for _ in range(3)]
        self._head = (Spring(HEAD_QUICKNESS), Spring(HEAD_QUICKNESS))
        self._nods: list[tuple[float, float]] = []  # when, and how deep
        self._pitch = 0.0

    def attend(self, to: str, time: float) -> None:
        """From ``time`` on she attends to this: one of :data:`HABITS`; anything else is rest."""
        habit = HABITS.get(to, HABITS["idle"])
        if habit is not self._habit:
            self._habit, self._fresh = habit, True
            self._moves = min(self._moves, time + NOTICE)

    def nod(self, time: float, depth: float, *, twice: bool = False) -> None:
        """She nods at ``time``, ``depth`` radians deep; not while she nods already."""
        if all(time >= begins + NOD_SECONDS for begins, _ in self._nods):
            later, less = SECOND_NOD
            self._nods = [(time, depth), (time + later * NOD_SECONDS, less * depth)][: 2 if twice else 1]

    def at(self, time: float) -> Weights:
        """Weights of shape ``(52,)``: lids, gaze and brows at ``time`` seconds; the mouth is left alone."""
        if not 0.0 <= time - self._now <= LONGEST_JUMP:
            self._start(time)
        passed, self._now = time - self._now, time
        self._blinks(time)
        self._looks(time)
        weights = np.zeros(len(ARKIT), np.float32)
        weights[_BLINK_LEFT] = weights[_BLINK_RIGHT] = self._blink.lid(time)
        self._gaze(weights, time, passed)
        breath = BREATH * (0.5 - 0.5 * math.cos(2 * math.pi * BREATH_HZ * time))
        outer, inner, frown = (brow.step(to, passed) for brow, to in zip(self._brows, self._habit.brows, strict=True))
        weights[_BROW_INNER] = inner + breath
        weights[_BROW_LEFT] = weights[_BROW_RIGHT] = outer + 0.4 * breath
        weights[_FROWN_LEFT], weights[_FROWN_RIGHT] = 0.3 * frown, frown  # who thinks draws one brow more
        return weights

    @property
    def head(self) -> tuple[float, float]:
        """Pitch (down) and yaw (to her left) of the head at the time that was asked for last, in radians."""
        return self._pitch, self._head[0].at

    def _blinks(self, time: float) -> None:
        while time > (ended := self._blink.start + self._blink.seconds):
            double = not self._again and self._random.random() < DOUBLE_BLINK
            gap = 0.05 if double else self._random.uniform(*BLINK_GAP)
            self._again = double
            self._blink = _Blink(ended + gap, self._random.uniform(*BLINK_SECONDS))

    def _looks(self, time: float) -> None:
        while time >= self._moves:
            self._from, self._moved = self._to, self._moves
            habit = self._habit
            if self._random.random() < habit.person or (self._fresh and habit.person > 0.0):
                self._to = (self._random.uniform(-0.02, 0.02), self._random.uniform(-0.02, 0.02))
            else:
                self._to = self._aside(habit)
            self._fresh = False
            self._moves += self._random.uniform(*GAZE_GAP)

    def _aside(self, habit: Habit) -> tuple[float, float]:
        sideways, upwards = habit.reach
        if habit.person > 0.0:
            return self._random.uniform(-sideways, sideways), self._random.uniform(-upwards, upwards)
        across = self._random.choice((-1.0, 1.0)) * self._random.uniform(0.5 * sideways, sideways)
        up = self._random.uniform(0.5 * upwards, upwards)
        return across, up if self._random.random() < habit.up else -0.5 * up

    def _gaze(self, weights: Weights, time: float, passed: float) -> None:
        share = min(1.0, (time - self._moved) / SACCADE_SECONDS)
        look = [a + (b - a) * share for a, b in zip(self._from, self._to, strict=True)]
        yaw, lift = (
            spring.step(HEAD_SHARE * to * reach, passed)
            for spring, to, reach in zip(self._head, self._to, EYE_REACH, strict=True)
        )
        self._pitch = self._dip(time) - lift
        across, up = look[0] - yaw / EYE_REACH[0], look[1] + self._pitch / EYE_REACH[1]
        if across > 0.0:  # to her left
            weights[_OUT_LEFT] = weights[_IN_RIGHT] = across
        else:
            weights[_IN_LEFT] = weights[_OUT_RIGHT] = -across
        if up > 0.0:
            weights[_UP_LEFT] = weights[_UP_RIGHT] = up
        else:
            weights[_DOWN_LEFT] = weights[_DOWN_RIGHT] = -up

    def _dip(self, time: float) -> float:
        self._nods = [nod for nod in self._nods if time < nod[0] + NOD_SECONDS]
        dip = 0.0
        for begins, depth in self._nods:
            share = (time - begins) / NOD_SECONDS
            if share > 0.0:
                dip += depth * eased(share / NOD_DOWN if share < NOD_DOWN else (1.0 - share) / (1.0 - NOD_DOWN))
        return dip
