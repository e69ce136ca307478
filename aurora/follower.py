"""Takes a reply's sound to the face and its frames to the timeline, without ever making the voice wait.

Whatever happens to the face service, hearing goes on: a face that fails, or falls too far behind, is given up for this
reply, and the outcome says why.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import grpc

from aurora.bridge import FaceError
from aurora.face import Face, Pcm
from aurora.timeline import FaceTimeline

BACKLOG_SECONDS = 30.0
"""Sound that may wait for the face. Policy when full: fail, that is, this reply goes on without a face."""


class FaceBehind(Exception):
    """The face fell so far behind the voice that it was given up for this reply."""


@dataclass(slots=True)
class FaceOutcome:
    """What became of the face in one reply. Times are ``loop.time()``."""

    frames: int = 0
    first_sound: float | None = None
    first_frame: float | None = None
    failure: FaceError | FaceBehind | grpc.aio.AioRpcError | None = None

    @property
    def latency(self) -> float | None:
        """Seconds from the first sound to the first frame, if both came."""
        if self.first_sound is None or self.first_frame is None:
            return None
        return self.first_frame - self.first_sound


class FaceFollower:
    """One reply's way through the face. Run :meth:`run` as a task; cancelling it cancels the RPC.

    ``generation`` is the reply's number and ``offset`` where its sound begins on the timeline, in seconds.
    """

    def __init__(self, face: Face, timeline: FaceTimeline, generation: int, rate: int, offset: float = 0.0) -> None:
        self.outcome = FaceOutcome()
        self._face = face
        self._timeline = timeline
        self._generation = generation
        self._rate = rate
        self._offset = offset
        self._pieces: deque[Pcm] = deque()
        self._waiting = 0
        self._ended = False
        self._news = asyncio.Event()

    def hear(self, pcm: Pcm) -> None:
        """Hands over sound in playing order; never waits."""
        if self.outcome.failure is not None or self._ended:
            return
        if self.outcome.first_sound is None:
            self.outcome.first_sound = asyncio.get_running_loop().time()
        self._pieces.append(pcm)
        self._waiting += len(pcm)
        if self._waiting > BACKLOG_SECONDS * self._rate:
            self._pieces.clear()
            self.outcome.failure = FaceBehind(f"the face is more than {BACKLOG_SECONDS:g} s behind the voice")
        self._news.set()

    def end(self) -> None:
        """The reply has no more sound."""
        self._ended = True
        self._news.set()

    async def run(self) -> FaceOutcome:
        """Files frames until the reply's sound has ended; a face that fails ends it early, without raising."""
        clock = asyncio.get_running_loop().time
        try:
            async with aclosing(self._face.animate(self._sound(), self._rate)) as frames:
                async for frame in frames:
                    if self.outcome.first_frame is None:
                        self.outcome.first_frame = clock()
                    if not self._timeline.add(self._generation, self._offset, frame):
                        break  # cleared: nobody will ever see these
                    self.outcome.frames += 1
        except (FaceError, FaceBehind, grpc.aio.AioRpcError) as failure:
            self.outcome.failure = failure
        finally:
            self._ended = True
            self._pieces.clear()
        return self.outcome

    async def _sound(self) -> AsyncIterator[Pcm]:
        while True:
            self._news.clear()
            if isinstance(self.outcome.failure, FaceBehind):
                raise self.outcome.failure
            while self._pieces:
                pcm = self._pieces.popleft()
                self._waiting -= len(pcm)
                yield pcm
            if self._ended:
                return
            await self._news.wait()
