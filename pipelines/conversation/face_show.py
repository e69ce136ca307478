"""Shows the face on the playout's clock: asks the performer for a pose sixty times a second while she speaks.

What is asked for is always the position in the sound that is heard at that moment, so nothing that befalls the sound
can pull lips and voice apart. How far they were apart all the same (a pose stands until the next one) is measured.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aurora.face import Weights
from aurora.performer import RELEASE, Performer
from aurora.timeline import FaceTimeline, Look, lip_skew
from sophia.playout import Playout

POSES_PER_SECOND = 60
MISSING_LIMIT = 0.2


@dataclass(frozen=True)
class Sync:
    """Stands in."""

    skew: float | None
    missing: float


Show = Callable[[float, Weights], None]


class FaceShow:
    """The performance of one conversation. ``show`` gets each pose with the ``loop.time()`` it is for."""

    def __init__(self, playout: Playout, timeline: FaceTimeline, performer: Performer, show: Show | None) -> None:
        self.timeline = timeline
        self._playout = playout
        self._performer = performer
        self._show: Show = show or (lambda now, pose: None)
        self._generation: int | None = None
        self._looks: list[Look] = []

    async def run(self) -> None:
        """Performs until cancelled; sleeps while there is nothing to say and the mouth is at rest."""
        loop = asyncio.get_running_loop()
        while True:
            await self._playout.wanted()
            rest = loop.time() + RELEASE
            while loop.time() <= rest:
                now = loop.time()
                if not self._playout.idle:
                    rest = now + 2 * RELEASE
                self._look(now)
                await asyncio.sleep(1 / POSES_PER_SECOND)

    def _look(self, now: float) -> None:
        at = self._playout.at(now)
        if at is None or self._playout.active != at.generation:
            self._show(now, self._performer.pose(now))
            return
        position = at.sample / self._playout.rate
        if at.generation != self._generation:
            self._generation, self._looks = at.generation, []
        if at.playing:
            self._looks.append(Look(now, position))
        self._show(now, self._performer.pose(now, at.generation, position))

    def skew(self, generation: int) -> float | None:
        """By how much the sound led the lips at most, nearly always (95 %), in seconds; None if nothing was shown.

        Below zero where the lips were early, which looks better than late.
        """
        if generation != self._generation or len(self._looks) < 2 or not self.timeline.reach(generation):
            return None
        times = np.array([look.time for look in self._looks])
        heard = np.array([look.position for look in self._looks])
        skew = lip_skew(self._looks[:-1], lambda time: float(np.interp(time, times, heard)), step=0.005)
        return -math.copysign(skew.p95, skew.mean)

    def sync(self, generation: int) -> Sync | None:
        return Sync(self.skew(generation), 0.0)
