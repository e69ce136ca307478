"""Frames of the face on their way out: a few in one event, and none of them waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aurora.face import FaceFrame

WAIT_SECONDS = 0.01
"""Longest wait of a frame for others: a service sends them in bursts, well ahead of their sound."""

BATCH_FRAMES = 30
"""Frames in one batch."""


class FrameBatch:
    """Gathers the frames of one generation at a time; ``send`` is handed each batch."""

    def __init__(self, send: Callable[[int, Sequence[FaceFrame]], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._generation = -1
        self._frames: list[FaceFrame] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, generation: int, frame: FaceFrame) -> None:
        """The next frame."""
        if generation != self._generation:
            self.flush()
            self._generation = generation
        self._frames.append(frame)
        if len(self._frames) >= BATCH_FRAMES:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(WAIT_SECONDS, self.flush)

    def flush(self) -> None:
        """Sends what was gathered."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._frames:
            frames, self._frames = self._frames, []
            self._send(self._generation, frames)

    def close(self) -> None:
        """Nothing is sent any more."""
        self._frames.clear()
        self.flush()
