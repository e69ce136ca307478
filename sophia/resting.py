"""A source that can be told to rest: it goes on in real time, and what it gives meanwhile is silence."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np

from sophia.audio import AudioSource, Frame


class RestingSource:
    """An :class:`sophia.audio.AudioSource` over another one; while ``resting`` nobody hears what that hears."""

    def __init__(self, source: AudioSource) -> None:
        self.resting = False
        self._source = source

    @property
    def overflows(self) -> int:
        return self._source.overflows

    async def frames(self) -> AsyncIterator[Frame]:
        async for frame in self._source.frames():
            yield Frame(np.zeros_like(frame.pcm), frame.time, frame.rate) if self.resting else frame

    async def aclose(self) -> None:
        await self._source.aclose()
