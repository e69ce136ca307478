"""When each frame of the face is due: looked up by how much of the reply's sound has been played, never by arrival.

Frames come in bursts and ahead of their time; here they wait, by generation, until the playout clock reaches them. No
clock, no await, no I/O.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from aurora.face import FaceFrame, Weights

LEAD = 0.015
"""Seconds by which the lips run ahead of the sound, because a pose stays on show until the next look and is half a
picture old on average. Early lips are forgiven more easily than late ones: ITU-R BT.1359 puts what people detect at
sound that is 45 ms early or 125 ms late."""

BRIDGED = 0.1
"""Longest gap between two frames, in seconds, across which poses are interpolated."""

HOLD = 1 / 30
"""Seconds for which the last frame before a longer gap, or at the end, stays."""

CAPACITY = 9_000
"""Frames kept per generation: five minutes at 30 a second. When full, the earliest are dropped."""

GENERATIONS = 4
"""Generations kept at once: the playing one, a speculative one and what is on its way out. The oldest goes first."""


class _Track:
    """One generation's frames in the order of their times."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.poses: list[Weights] = []

    def add(self, time: float, weights: Weights) -> None:
        at = bisect_left(self.times, time)
        if at < len(self.times) and self.times[at] == time:
            self.poses[at] = weights
            return
        self.times.insert(at, time)
        self.poses.insert(at, weights)
        if len(self.times) > CAPACITY:
            del self.times[0], self.poses[0]

    def at(self, time: float) -> Weights | None:
        after = bisect_right(self.times, time)
        if after == 0:
            return None
        before = after - 1
        since = time - self.times[before]
        if after < len(self.times) and (gap := self.times[after] - self.times[before]) <= BRIDGED:
            share = np.float32(since / gap)
            mixed: Weights = self.poses[before] * (1 - share) + self.poses[after] * share
            return mixed
        return self.poses[before] if since <= HOLD else None


class FaceTimeline:
    """Frames of the reply now playing and of those that may follow.

    Generations are numbers that only grow. What is cleared stays cleared: frames of that generation, or an older
    one, that arrive late are refused.
    """

    def __init__(self, lead: float = LEAD) -> None:
        self._lead = lead
        self._tracks: dict[int, _Track] = {}
        self._cleared = -1

    def add(self, generation: int, offset: float, frame: FaceFrame) -> bool:
        """Files a frame at ``offset + frame.time`` seconds of the generation's sound; false if it is stale."""
        if generation <= self._cleared or not math.isfinite(offset):
            return False
        if generation not in self._tracks:
            if len(self._tracks) >= GENERATIONS:
                oldest = min(self._tracks)
                if generation < oldest:
                    return False
                self.clear(oldest)
            self._tracks[generation] = _Track()
        self._tracks[generation].add(offset + frame.time, frame.weights)
        return True

    def at(self, generation: int, position: float) -> Weights | None:
        """The pose while the sound at ``position`` seconds is heard; ``None`` where the face has nothing to show."""
        track = self._tracks.get(generation)
        return None if track is None else track.at(position + self._lead)

    def reach(self, generation: int) -> float:
        """Up to which second of the sound frames have come; 0 if none has."""
        track = self._tracks.get(generation)
        return track.times[-1] + HOLD if track and track.times else 0.0

    def clear(self, generation: int) -> None:
        """Forgets this generation and all before it, for good."""
        self._cleared = max(self._cleared, generation)
        for stale in [g for g in self._tracks if g <= generation]:
            del self._tracks[stale]


@dataclass(frozen=True, slots=True)
class Look:
    """At ``time`` (``loop.time()``) the pose for ``position`` (seconds of the sound) went on show."""

    time: float
    position: float


@dataclass(frozen=True, slots=True)
class Skew:
    """How far the lips were ahead of the sound, in seconds; negative where they were late."""

    mean: float
    p50: float
    p95: float
    """95th percentile of the distance, early or late."""
    worst: float

    @property
    def good(self) -> bool:
        """Within ±15 ms on average, 33 ms nearly always, 80 ms ever: well inside EBU R37's -40 … +60 ms."""
        return abs(self.mean) <= 0.015 and self.p95 <= 0.033 and self.worst <= 0.080


def lip_skew(looks: Sequence[Look], heard: Callable[[float], float], step: float = 0.001) -> Skew:
    """Compares, every ``step`` seconds, the pose on show with what ``heard`` says is audible at that time.

    ``heard`` maps ``loop.time()`` to seconds of the sound. Each pose counts until the next look; the last one for
    ``step``. Raises ``ValueError`` without looks.
    """
    if not looks:
        raise ValueError("no looks to compare")
    skews: list[float] = []
    for look, until in zip(looks, [*(later.time for later in looks[1:]), looks[-1].time + step], strict=True):
        instants = np.arange(look.time, until, step)
        skews.extend(look.position - heard(float(instant)) for instant in instants)
    early = np.array(skews)
    distance = np.abs(early)
    return Skew(
        mean=float(early.mean()),
        p50=float(np.median(early)),
        p95=float(np.percentile(distance, 95)),
        worst=float(distance.max()),
    )
