"""Shows the face on the playout's clock: asks the performer for a pose sixty times a second while she speaks.

It always asks for the position in the sound that is heard at that moment. So no pause or underrun can pull lips and
voice apart. What the face service sent may still be late, off or not there. That is measured.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from aurora.errors import FaceError
from aurora.face import Weights
from aurora.performer import CALM, Performer
from aurora.sync import LipSync, Sync
from aurora.timeline import FaceTimeline
from sophia.playout import Playout

POSES_PER_SECOND = 60

LOOKS_PER_SECOND = 11
"""Looks while nobody watches; out of step with blocks of sound and with frames, so that they fall everywhere in both.
Each stands for one picture of a screen at :data:`POSES_PER_SECOND`, so time codes that are off move the skew as much as
if somebody watched. A late event loop does not move it, for no picture was late. A hole in the frames shorter than the
time between two looks is overlooked, or counts as that time."""

MISSING_LIMIT = 0.2
"""Largest share of speech without a frame that is still a good reply: the first word, say, of a face that starts late.
Above it is a fault."""

FACELESS_SECONDS = 1.0
"""Shortest reply, in seconds heard, that a face without frames is blamed for."""

Show = Callable[[float, Weights], None]
Turn = Callable[[float, tuple[float, float]], None]


class FaceShow:
    """The performance of one conversation.

    ``show`` gets each pose while she speaks, with the ``loop.time()`` it is for. If it is ``None``, nobody watches: no
    pose is made, and only what the frames' time codes say is looked at. ``rest`` gets the poses between replies, if
    somebody wants those, too. ``turn`` gets the head's pitch and yaw before each.
    """

    def __init__(
        self,
        playout: Playout,
        timeline: FaceTimeline,
        performer: Performer,
        show: Show | None,
        rest: Show | None = None,
        *,
        turn: Turn | None = None,
    ) -> None:
        self.timeline = timeline
        self._playout = playout
        self._performer = performer
        self._show = show
        self._rest = rest
        self._turn = turn
        self._generation: int | None = None
        self._sync = LipSync()
        self._faceless: dict[int, float] = {}

    async def run(self) -> None:
        """Performs until cancelled; sleeps at rest, where nobody wants to see that."""
        loop = asyncio.get_running_loop()
        pause = 1 / (POSES_PER_SECOND if self._show or self._rest else LOOKS_PER_SECOND)
        speaks_until, due = -math.inf, 0.0
        while True:
            if self._rest is None and loop.time() > speaks_until:
                await self._playout.wanted()
            now = loop.time()
            if not self._playout.idle:
                speaks_until = now + CALM
            if now <= speaks_until:
                self._look(now)
            elif self._rest:
                self._rest(now, self._pose(now))
            due += pause  # timers are coarse: what one is late the next one makes up for
            if due <= now:
                due = now + pause
            await asyncio.sleep(due - now)

    def faceless(self, generation: int, since: float) -> None:
        """From ``since`` seconds on ``generation`` is sound that no face was asked for: it does not count."""
        self._faceless[generation] = since

    def sync(self, generation: int) -> Sync | None:
        """Lips against sound in what was heard of ``generation``; ``None`` if nothing was, or it is long over.

        Ask when it has ended and before the next one sounds.
        """
        return self._sync.summary() if generation == self._generation else None

    def _look(self, now: float) -> None:
        at = self._playout.at(now)
        generation = None if at is None or self._playout.active != at.generation else at.generation
        position = at.sample / self._playout.rate if at else 0.0
        if generation is not None and at and at.playing:
            self._measure(now, generation, position)
        if self._show:
            self._show(now, self._pose(now, generation, position))

    def _pose(self, now: float, generation: int | None = None, position: float = 0.0) -> Weights:
        pose = self._performer.pose(now, generation, position)
        if self._turn:
            self._turn(now, self._performer.head)
        return pose

    def _measure(self, now: float, generation: int, position: float) -> None:
        playout = self._playout
        if generation != self._generation:
            self._generation = generation
            self._sync = LipSync() if self._show else LipSync(1 / POSES_PER_SECOND)
            self._faceless = {later: since for later, since in self._faceless.items() if later >= generation}
        if position >= self._faceless.get(generation, math.inf):
            return
        sound = playout.heard(generation) / playout.rate + playout.buffered(generation)
        self._sync.look(position, self.timeline.shown(generation, position, sound), playout.loud_at(now))


def complaint(framed: bool, missing: float | None, seconds: float) -> FaceError | None:
    """What is wrong with a face that should have moved with ``seconds`` of speech: it was ``framed`` at all or not.

    ``missing`` is the share of the speech without a frame. None if nothing is wrong.
    """
    if not framed:
        return FaceError("the face service sent no frame while she spoke; is it overloaded?")
    if missing is not None and missing > MISSING_LIMIT and seconds >= FACELESS_SECONDS:
        return FaceError(f"the face had no frame for {missing:.0%} of what she said; is its service overloaded?")
    return None
