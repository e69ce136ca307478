"""How far the lips are from the sound, and how much of the speech the face missed: summed up look by look.

There is no clock here but the sound. A position is how many seconds of the reply have been heard. A look weighs as much
as what was heard while its pose stood. No I/O.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from aurora.timeline import Shown

FROZEN = 0.5
"""Seconds of audible speech; a mouth that stays exactly the same for longer counts as none, from its first moment."""

STEP = 0.001
"""Seconds: the grain in which skews are counted."""

FAR = 5.0
"""Seconds; a skew beyond counts as this much."""


@dataclass(frozen=True, slots=True)
class Sync:
    """Lips against sound, over the audible speech of one reply.

    ``skew`` is what was shown minus what was heard, in seconds: above zero the lips lead. Each pose is compared with
    the sound in the middle of the time for which it stood. Of all distances, early or late, it is the 95th percentile,
    with the sign that is more frequent there; ``None`` if no pose was shown. ``missing`` is the share of the speech,
    0..1, without a frame: there was no pose, or the mouth was :data:`FROZEN`.
    """

    skew: float | None
    missing: float


class LipSync:
    """Sums up one reply in constant memory.

    A pose stands until the next look, and at most for ``picture`` seconds: set it where looks are rarer than the
    pictures that somebody would see.
    """

    def __init__(self, picture: float = math.inf) -> None:
        self._picture = picture
        self._last: tuple[float, Shown | None] | None = None
        self._audible = self._missing = 0.0
        self._skews: defaultdict[int, float] = defaultdict(float)  # seconds of speech by skew, in steps
        self._mouth: int | None = None
        self._still = 0.0
        self._pending: defaultdict[int, float] = defaultdict(float)  # of a mouth that may turn out to be frozen

    def look(self, position: float, shown: Shown | None, audible: bool) -> None:
        """At ``position`` the pose ``shown`` goes on show; ``audible`` tells whether speech can be heard there.

        It counts with the next look, which tells how long it stood. Where the sound has gone back, it does not count.
        """
        if self._last is not None and (seconds := position - self._last[0]) > 0.0:
            self._count(*self._last, seconds)
        self._last = (position, shown) if audible else None

    def summary(self) -> Sync | None:
        """What all looks but the last one come to; ``None`` if none of them was at audible speech."""
        if not self._audible:
            return None
        skews = self._skews.copy()
        _add(skews, self._pending)
        return Sync(_nearly_worst(skews), min(1.0, self._missing / self._audible))

    def _count(self, position: float, shown: Shown | None, seconds: float) -> None:
        self._audible += seconds
        if shown is None:
            self._missing += seconds
            return
        if shown.mouth != self._mouth:
            _add(self._skews, self._pending)
            self._pending.clear()
            self._mouth, self._still = shown.mouth, 0.0
        skew = shown.code - position - min(seconds, self._picture) / 2
        self._pending[round(max(-FAR, min(FAR, skew)) / STEP)] += seconds
        self._still += seconds
        if self._still > FROZEN:
            self._missing += sum(self._pending.values())
            self._pending.clear()


def _add(skews: defaultdict[int, float], more: Mapping[int, float]) -> None:
    for steps, seconds in more.items():
        skews[steps] += seconds


def _nearly_worst(skews: Mapping[int, float]) -> float | None:
    """The 95th percentile of the distance, with the sign that is more frequent there."""
    total, within = sum(skews.values()), 0.0
    for distance in sorted({abs(steps) for steps in skews}):
        early, late = skews.get(distance, 0.0), skews.get(-distance, 0.0)
        within += early + late if distance else early
        if within >= 0.95 * total:
            return distance * STEP if early >= late else -distance * STEP
    return None
