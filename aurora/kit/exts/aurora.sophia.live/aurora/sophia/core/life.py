"""Eyes, lids and the head, which Audio2Face does not move: blinks, glances, nods, and looking at something. Pure.

Angles are degrees as she sees it: ``yaw`` above zero to her left, ``pitch`` above zero upwards.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

BLINK_GAP = (2.0, 6.0)
BLINK_SECONDS = 0.17
CLOSING = 0.35
"""Share of a blink in which the lid falls; it rises more slowly."""

GLANCE_GAP = (0.7, 2.8)
GLANCE_DEGREES = {"listening": (4.0, 2.0), "hearing": (1.2, 0.8), "speaking": (3.0, 1.5), "thinking": (15.0, 7.0)}
"""How far she glances, by what she is about. Who hears looks at you; who thinks looks away, and mostly up."""
UPWARDS = 0.85
"""Share of the glances in thought that go up."""
NOTICE_SECONDS = 0.12
"""After a change of what she is about, the eyes move within this time."""

BROWS = {"hearing": (0.16, 0.2, 0.0), "speaking": (0.05, 0.06, 0.0), "thinking": (0.22, 0.1, 0.17)}
"""Brows raised at the outside, at the inside, and drawn together; elsewhere they rest."""
BROW_SECONDS = 0.2
"""Half of the way is behind the brows after so long."""

NOD_SECONDS = 0.5
NOD_DOWN = 0.4
SECOND_NOD = (0.8, 0.6)
"""When a double nod's second begins, as a share of the first, and how deep it is."""

EYE_LIMIT = (28.0, 22.0)
"""How far eyes turn in their sockets, sideways and up or down; what is further is the head's."""

HEAD_LIMIT = (35.0, 20.0)
HEAD_SHARE = 0.4
"""The head goes this much of the way, and the eyes the rest, as people do for things that are not near the middle."""

TURN_SECONDS = 0.25
"""Half of the way to a new target is behind the head after so long."""


class Gaze(NamedTuple):
    """Where she looks: turns of the eyes in the head and of the head on the neck, degrees; lids 0 open to 1 shut."""

    eye_yaw: float
    eye_pitch: float
    head_yaw: float
    head_pitch: float
    lid: float
    brows: Mapping[str, float] = MappingProxyType({})


def direction(eyes: Sequence[float], target: Sequence[float]) -> tuple[float, float]:
    """Yaw and pitch from ``eyes`` to ``target``, both (x, y, z) in a space where she faces +z and +y is up."""
    x, y, z = (float(there) - float(here) for here, there in zip(eyes, target, strict=False))
    return math.degrees(math.atan2(x, z)), math.degrees(math.atan2(y, math.hypot(x, z)))


class Life:
    """Seeded; ask with times that rise, in seconds."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._blink = self._random.uniform(*BLINK_GAP)
        self._glance = (0.0, 0.0)
        self._next_glance = 0.0
        self._head = (0.0, 0.0)
        self._at: float | None = None
        self._begin = 0.0
        self._about = "listening"
        self._brows = (0.0, 0.0, 0.0)
        self._nods: list[tuple[float, float]] = []  # when, and degrees

    def attend(self, about: str) -> None:
        """What she is about from now on: listening, hearing, thinking or speaking; anything else is listening."""
        about = about if about in GLANCE_DEGREES else "listening"
        if about != self._about and self._at is not None:
            self._next_glance = min(self._next_glance, self._at - self._begin + NOTICE_SECONDS)
        self._about = about

    def nod(self, now: float, depth: float, twice: bool = False) -> None:
        """She nods at ``now``, ``depth`` radians deep; not while she nods already."""
        if all(now >= begins + NOD_SECONDS for begins, _ in self._nods):
            down, (later, less) = math.degrees(depth), SECOND_NOD
            self._nods = [(now, down), (now + later * NOD_SECONDS, less * down)][: 2 if twice else 1]

    def at(self, now: float, target: tuple[float, float] | None = None) -> Gaze:
        """The gaze at ``now``; ``target`` is a yaw and pitch to look at instead of glancing about."""
        if self._at is None:
            self._begin = now
        passed = 0.0 if self._at is None else min(1.0, max(0.0, now - self._at))
        self._at, time = now, now - self._begin
        if target is None:
            if time >= self._next_glance:
                self._glance = self._aside()
                self._next_glance = time + self._random.uniform(*GLANCE_GAP)
            yaw, pitch = self._glance
            goal = (HEAD_SHARE * yaw, HEAD_SHARE * pitch) if self._about == "thinking" else (0.0, 0.0)
        else:
            yaw = clamp(target[0], EYE_LIMIT[0] + HEAD_LIMIT[0])
            pitch = clamp(target[1], EYE_LIMIT[1] + HEAD_LIMIT[1])
            goal = (clamp(HEAD_SHARE * yaw, HEAD_LIMIT[0]), clamp(HEAD_SHARE * pitch, HEAD_LIMIT[1]))
            goal = (further(goal[0], yaw, EYE_LIMIT[0]), further(goal[1], pitch, EYE_LIMIT[1]))
        way = 1.0 - 0.5 ** (passed / TURN_SECONDS)
        self._head = (
            self._head[0] + way * (goal[0] - self._head[0]),
            self._head[1] + way * (goal[1] - self._head[1]),
        )
        head_pitch = self._head[1] - self._dip(now)
        eye_yaw, eye_pitch = clamp(yaw - self._head[0], EYE_LIMIT[0]), clamp(pitch - head_pitch, EYE_LIMIT[1])
        return Gaze(eye_yaw, eye_pitch, self._head[0], head_pitch, self._lid(time), self._brow(passed))

    def _aside(self) -> tuple[float, float]:
        sideways, upwards = GLANCE_DEGREES[self._about]
        if self._about != "thinking":
            return self._random.uniform(-sideways, sideways), self._random.uniform(-upwards, upwards)
        across = self._random.choice((-1.0, 1.0)) * self._random.uniform(0.5 * sideways, sideways)
        up = self._random.uniform(0.5 * upwards, upwards)
        return across, up if self._random.random() < UPWARDS else -0.5 * up

    def _dip(self, now: float) -> float:
        self._nods = [nod for nod in self._nods if now < nod[0] + NOD_SECONDS]
        dip = 0.0
        for begins, depth in self._nods:
            share = (now - begins) / NOD_SECONDS
            if share > 0.0:
                dip += depth * eased(share / NOD_DOWN if share < NOD_DOWN else (1.0 - share) / (1.0 - NOD_DOWN))
        return dip

    def _brow(self, passed: float) -> dict[str, float]:
        way, goal = 1.0 - 0.5 ** (passed / BROW_SECONDS), BROWS.get(self._about, (0.0, 0.0, 0.0))
        outer, inner, frown = (now + way * (to - now) for now, to in zip(self._brows, goal, strict=False))
        self._brows = (outer, inner, frown)
        return {
            "browouterupleft": outer,
            "browouterupright": outer,
            "browinnerup": inner,
            "browdownleft": 0.3 * frown,
            "browdownright": frown,
        }

    def _lid(self, time: float) -> float:
        phase = (time - self._blink) / BLINK_SECONDS
        if phase < 0.0:
            return 0.0
        if phase > 1.0:
            self._blink = time + self._random.uniform(*BLINK_GAP)
            return 0.0
        travel = phase / CLOSING if phase < CLOSING else (1.0 - phase) / (1.0 - CLOSING)
        return eased(travel)


def eased(share: float) -> float:
    """0 at 0, 1 at 1, without a corner at either."""
    return 0.5 - 0.5 * math.cos(math.pi * share)


def clamp(angle: float, limit: float) -> float:
    """``angle`` within ±``limit``."""
    return max(-limit, min(limit, angle))


def further(head: float, angle: float, eye: float) -> float:
    """The head's turn, made larger where the eyes alone would not reach ``angle``."""
    rest = angle - head
    return head + rest - clamp(rest, eye)
