"""Where the voice goes when there is no loudspeaker: nowhere in real time, or into a file. And what to do if one dies.

A sink pulls blocks from a :class:`sophia.playout.Playout` at their time. The sound card is in
:mod:`sophia.soundcard`; here is the protocol, the sinks without a device, and the fall-back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import numpy as np

from sophia.audio import FRAME_SECONDS, Pcm
from sophia.playout import Playout

CATCH_UP_SECONDS = 1.0
"""A sink that is later than this does not catch up; it takes a new start. The process was stopped, or the loop hung."""

PAUSE_SECONDS = 0.5
"""The silence that a file keeps of the time between two replies."""


class SinkError(Exception):
    """A sink cannot go on; the message is one line that says what to do."""


class SinkStalled(SinkError):
    """A sink takes no more samples, though it is asked to play."""


class Sink(Protocol):
    """Something that plays.

    ``run`` pulls from the playout until it is cancelled, or raises :class:`SinkError`; it is run once. ``latency`` is
    how many seconds pass between a pull and the time of its first sample, about. ``aclose`` ends within a second.
    """

    @property
    def latency(self) -> float: ...

    async def run(self, playout: Playout) -> None: ...

    async def aclose(self) -> None: ...


class NullSink:
    """Plays to nobody, in real time: blocks of 20 ms on absolute deadlines.

    It sleeps while the playout is idle, and what comes then is heard at once, not at a tick. Without ``heard`` it
    stands in for a device that was lost: the clock goes on, and nothing counts as heard.
    """

    latency = 0.0

    def __init__(self, *, heard: bool = True) -> None:
        self._heard = heard

    async def run(self, playout: Playout) -> None:
        loop = asyncio.get_running_loop()
        samples = round(playout.rate * FRAME_SECONDS)
        seconds = samples / playout.rate
        while True:
            await playout.wanted()
            due = loop.time()
            self._begin(playout)
            while not playout.idle:
                self._take(playout.pull(samples, due, heard=self._heard))
                due += seconds
                late = loop.time() - due
                if late > CATCH_UP_SECONDS:
                    due += late
                await asyncio.sleep(max(0.0, -late))

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _begin(self, playout: Playout) -> None:
        """Called when sound starts after idleness."""

    def _take(self, block: Pcm) -> None:
        """Called with each block."""


class SoundWriter(Protocol):
    """What a file has to offer; ``sophia.wav.WavWriter`` does. Either may raise ``OSError``."""

    def write(self, pcm: Pcm) -> None: ...

    def close(self) -> None: ...


class WavSink(NullSink):
    """Plays into a file, in real time. Of the silence between replies half a second is kept.

    ``name`` is for messages. A disk that is full raises :class:`SinkError`; the file is closed with what it holds.
    """

    def __init__(self, writer: SoundWriter, name: str) -> None:
        super().__init__()
        self._writer = writer
        self.name = name
        self._blocks = 0

    async def run(self, playout: Playout) -> None:
        try:
            await super().run(playout)
        except OSError as error:
            self._close()
            why = error.strerror or str(error)
            raise SinkError(f"cannot write {self.name}: {why}; what was written before is kept") from error

    async def aclose(self) -> None:
        self._close()

    def _begin(self, playout: Playout) -> None:
        if self._blocks:
            self._writer.write(np.zeros(round(playout.rate * PAUSE_SECONDS), np.int16))

    def _take(self, block: Pcm) -> None:
        self._blocks += 1
        self._writer.write(block)

    def _close(self) -> None:
        try:
            self._writer.close()
        except OSError:  # the disk is still full; there is nothing more to save
            return


class FallbackSink:
    """Plays on ``first`` and, when that dies, to nobody, so that the conversation's clock goes on.

    ``report`` is told why, once.
    """

    def __init__(self, first: Sink, report: Callable[[SinkError], None]) -> None:
        self._first = first
        self._now: Sink = first
        self._report = report

    @property
    def latency(self) -> float:
        return self._now.latency

    @property
    def underflows(self) -> int:
        """Blocks that came to the first sink's device too late, if it counts them."""
        return getattr(self._first, "underflows", 0)

    async def run(self, playout: Playout) -> None:
        try:
            await self._first.run(playout)
        except SinkError as error:
            self._report(error)
        await self._first.aclose()
        self._now = NullSink()
        await self._now.run(playout)

    async def aclose(self) -> None:
        await self._now.aclose()
