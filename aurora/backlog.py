"""Sound that waits for the face: a queue that is bounded in seconds, however small or large its pieces are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aurora.face import Pcm


class Backlog(AsyncIterator[Pcm]):
    """Holds at most ``seconds`` of int16 mono at ``rate`` Hz, or one piece that is longer.

    Iterating hands the pieces out in order, until :meth:`end`. For one reader at a time, which may be cancelled.
    """

    def __init__(self, rate: int, seconds: float) -> None:
        self._most = round(seconds * rate)
        self._samples = 0
        self._pieces: asyncio.Queue[Pcm | None] = asyncio.Queue()  # bounded by its samples
        self._room = asyncio.Event()

    def offer(self, pcm: Pcm) -> bool:
        """Takes sound; false, and it is not taken, if there is no room for it."""
        if self._samples and self._samples + len(pcm) > self._most:
            return False
        if len(pcm):
            self._samples += len(pcm)
            self._pieces.put_nowait(pcm)
        return True

    async def put(self, pcm: Pcm) -> None:
        """Takes sound, once there is room for it."""
        while not self.offer(pcm):
            self._room.clear()
            await self._room.wait()

    def end(self) -> None:
        """Says that no more sound comes."""
        self._pieces.put_nowait(None)

    async def get(self) -> Pcm | None:
        """The next piece, as soon as there is one; None at the end."""
        if (pcm := await self._pieces.get()) is None:
            self.end()  # for whoever asks again
            return None
        self._samples -= len(pcm)
        self._room.set()
        return pcm

    async def __anext__(self) -> Pcm:
        if (pcm := await self.get()) is None:
            raise StopAsyncIteration
        return pcm
