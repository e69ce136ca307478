"""The voice never waits for the face, and a reply's outcome says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import numpy as np
import pytest

from aurora.bridge import FaceError
from aurora.face import ARKIT, FaceFrame, Pcm
from aurora.follower import BACKLOG_SECONDS, FaceBehind, FaceFollower
from aurora.timeline import FaceTimeline
from pipelines.virtual_time import run

RATE = 16_000
PIECE = np.zeros(RATE // 10, np.int16)


class SimulatedFace:
    """A frame for each piece of sound, ``delay`` seconds after it; fails after ``good`` frames."""

    def __init__(self, delay: float = 0.01, good: int = 10**9) -> None:
        self.delay, self.good, self.heard, self.closed = delay, good, 0, False

    async def animate(self, sound: AsyncIterator[Pcm], rate: int) -> AsyncGenerator[FaceFrame, None]:
        try:
            async for _ in sound:
                await asyncio.sleep(self.delay)
                if self.heard >= self.good:
                    raise FaceError("the face service refused the clip: no")
                yield FaceFrame(self.heard * 0.1, np.zeros(len(ARKIT), np.float32))
                self.heard += 1
        finally:
            self.closed = True


def test_frames_of_a_reply_reach_the_timeline() -> None:
    async def main() -> None:
        face, timeline = SimulatedFace(), FaceTimeline(lead=0.0)
        follower = FaceFollower(face, timeline, generation=4, rate=RATE, offset=1.0)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(follower.run())
            for _ in range(5):
                follower.hear(PIECE)
                await asyncio.sleep(0.1)
            follower.end()
        outcome = task.result()
        assert (outcome.frames, outcome.failure) == (5, None)
        assert outcome.latency == pytest.approx(0.01)
        assert timeline.at(4, 1.4) is not None
        assert timeline.at(4, 0.9) is None
        assert face.closed

    run(main())


def test_a_reply_without_sound_has_no_latency() -> None:
    async def main() -> None:
        follower = FaceFollower(SimulatedFace(), FaceTimeline(), 1, RATE)
        follower.end()
        outcome = await follower.run()
        assert (outcome.frames, outcome.latency) == (0, None)

    run(main())


def test_a_face_that_fails_is_told_and_the_voice_goes_on() -> None:
    async def main() -> None:
        follower = FaceFollower(SimulatedFace(good=2), FaceTimeline(), 1, RATE)
        task = asyncio.create_task(follower.run())
        for _ in range(1000):  # far more than the backlog would hold
            follower.hear(PIECE)
            await asyncio.sleep(0.1)
        outcome = await task
        assert outcome.frames == 2
        assert isinstance(outcome.failure, FaceError)

    run(main())


def test_a_face_that_falls_behind_is_given_up() -> None:
    async def main() -> None:
        face = SimulatedFace(delay=3.0)
        follower = FaceFollower(face, FaceTimeline(), 1, RATE)
        task = asyncio.create_task(follower.run())
        for _ in range(int(BACKLOG_SECONDS * 10) + 20):
            follower.hear(PIECE)
            await asyncio.sleep(0)
        outcome = await task
        assert isinstance(outcome.failure, FaceBehind)
        assert face.closed

    run(main())


def test_a_cleared_generation_ends_the_rpc() -> None:
    async def main() -> None:
        face, timeline = SimulatedFace(), FaceTimeline()
        follower = FaceFollower(face, timeline, 1, RATE)
        task = asyncio.create_task(follower.run())
        follower.hear(PIECE)
        await asyncio.sleep(0.05)
        timeline.clear(1)
        follower.hear(PIECE)
        outcome = await task
        assert outcome.frames == 1
        assert face.closed

    run(main())


def test_cancelling_closes_the_face() -> None:
    async def main() -> None:
        face = SimulatedFace()
        task = asyncio.create_task(FaceFollower(face, FaceTimeline(), 1, RATE).run())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert face.closed

    run(main())
