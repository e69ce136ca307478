"""The voice's sound on its way to the face service, cut into clips that the service will accept. No gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import numpy as np
import soxr

from aurora.backlog import Backlog
from aurora.face import Pcm

LOWEST_RATE, HIGHEST_RATE = 16_000, 144_000
"""Hz that the service takes; other rates are resampled to the nearer end, or to 48 kHz from above."""

MESSAGE_SECONDS = 1.0
"""Longest piece of sound in a message. The service allows 10 s and works best with 1 s."""

QUEUED_SECONDS = 4.0
"""Sound that waits to be sent. When full, the voice's iterator is not asked for more (policy: block)."""


class Feed:
    """The voice's sound, cut into clips where it stalls. Its iterator is never cancelled in mid-step."""

    def __init__(self, sound: AsyncIterator[Pcm], rate: int, stall: float) -> None:
        self.rate = rate if LOWEST_RATE <= rate <= HIGHEST_RATE else (LOWEST_RATE if rate < LOWEST_RATE else 48_000)
        self._resampler = soxr.ResampleStream(rate, self.rate, 1, dtype="int16") if self.rate != rate else None
        self._stall = stall
        self._taken = 0
        self._next: Pcm | None = None
        self._over = False
        self._failure: Exception | None = None
        self._queue = Backlog(self.rate, QUEUED_SECONDS)
        self._pump = asyncio.create_task(self._run(sound), name="audio2face feed")

    @property
    def seconds(self) -> float:
        """How much sound has been handed out so far: where the next clip begins."""
        return self._taken / self.rate

    async def has_more(self) -> bool:
        """Waits for sound as long as it takes; false when there is none left. Then raises what the sound raised."""
        if self._next is None and not self._over:
            self._take(await self._queue.get())
        if self._over and self._failure is not None:
            raise self._failure
        return self._next is not None

    async def clip(self, longest: float) -> AsyncGenerator[Pcm, None]:
        """Pieces up to the next stall, the end, or ``longest`` seconds."""
        ends = self._taken + int(longest * self.rate)
        while self._next is not None:
            pcm, self._next = self._next, None
            if (rest := pcm[ends - self._taken :]).size:
                pcm, self._next = pcm[: ends - self._taken], rest
            self._taken += len(pcm)
            yield pcm
            if self._taken >= ends:
                return
            if self._next is None and not self._over:
                try:
                    async with asyncio.timeout(self._stall):
                        self._take(await self._queue.get())
                except TimeoutError:
                    return

    async def aclose(self) -> None:
        await ended(self._pump)

    def _take(self, piece: Pcm | None) -> None:
        self._next, self._over = piece, piece is None

    async def _run(self, sound: AsyncIterator[Pcm]) -> None:
        try:
            async for pcm in sound:
                await self._put(self._resampler.resample_chunk(pcm) if self._resampler else pcm)
            if self._resampler:
                await self._put(self._resampler.resample_chunk(np.zeros(0, np.int16), last=True))
        except Exception as error:  # has_more hands it on
            self._failure = error
        self._queue.end()

    async def _put(self, pcm: Pcm) -> None:
        step = int(MESSAGE_SECONDS * self.rate)
        for start in range(0, len(pcm), step):
            await self._queue.put(pcm[start : start + step])


async def ended(task: asyncio.Task[None]) -> None:
    """Ends a helper task and raises what went wrong in it; a cancellation of the caller is not swallowed."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
