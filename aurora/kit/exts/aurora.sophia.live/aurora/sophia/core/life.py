"""Eyes and lids, which Audio2Face does not move: blinks, glances, and looking at something. Pure.

Angles are degrees as she sees it: ``yaw`` above zero to her left, ``pitch`` above zero upwards.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

BLINK_GAP = (2.0, 6.0)
BLINK_SECONDS = 0.17
CLOSING = 0.35
"""Share of a blink in which the lid falls; it rises more slowly."""

GLANCE_GAP = (0.7, 2.8)
GLANCE_DEGREES = (4.0, 2.0)

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

    def at(self, now: float, target: tuple[float, float] | None = None) -> Gaze:
        """The gaze at ``now``; ``target`` is a yaw and pitch to look at instead of glancing about."""
        if self._at is None:
            self._begin = now
        passed = 0.0 if self._at is None else min(1.0, max(0.0, now - self._at))
        self._at, time = now, now - self._begin
        if target is None:
            if time >= self._next_glance:
                sideways, upwards = GLANCE_DEGREES
                self._glance = (self._random.uniform(-sideways, sideways), self._random.uniform(-upwards, upwards))
                self._next_glance = time + self._random.uniform(*GLANCE_GAP)
            yaw, pitch = self._glance
            goal = (0.0, 0.0)
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
        eye_yaw, eye_pitch = clamp(yaw - self._head[0], EYE_LIMIT[0]), clamp(pitch - self._head[1], EYE_LIMIT[1])
        return Gaze(eye_yaw, eye_pitch, self._head[0], self._head[1], self._lid(time))

    def _lid(self, time: float) -> float:
        phase = (time - self._blink) / BLINK_SECONDS
        if phase < 0.0:
            return 0.0
        if phase > 1.0:
            self._blink = time + self._random.uniform(*BLINK_GAP)
            return 0.0
        travel = phase / CLOSING if phase < CLOSING else (1.0 - phase) / (1.0 - CLOSING)
        return 0.5 - 0.5 * math.cos(math.pi * travel)


def clamp(angle: float, limit: float) -> float:
    """``angle`` within ±``limit``."""
    return max(-limit, min(limit, angle))


def further(head: float, angle: float, eye: float) -> float:
    """The head's turn, made larger where the eyes alone would not reach ``angle``."""
    rest = angle - head
    return head + rest - clamp(rest, eye)
