"""Devices that come back: a microphone or a loudspeaker that was lost is opened again, and the conversation goes on.

A Bluetooth headset loses its connection for a second, a USB card is moved to another port, a sound server is started
again. Meanwhile the ears hear silence, so that a turn that was being said ends. Her voice goes on unheard: the clock of
the playout runs, and nothing of it counts as heard. Both tell once that the device is gone, and once that it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import numpy as np

from sophia.audio import EAR_RATE, FRAME_SECONDS, AudioSource, Frame, Pcm
from sophia.microphone import MicrophoneError, MicrophoneLost
from sophia.playout import Playout
from sophia.sinks import NullSink, Sink, SinkError

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two attempts: the first pause, which doubles up to the longest."""

STEADY_SECONDS = 5.0
"""A device that lasted so long is tried again from the first pause on when it is lost once more."""

SILENCE: Pcm = np.zeros(round(EAR_RATE * FRAME_SECONDS), np.int16)
SILENCE.flags.writeable = False


class _Patience:
    """How long to wait before each attempt, and when to give up."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pause = FIRST_PAUSE
        self._since = 0.0

    def lost(self, at: float, lasted: float) -> None:
        """The device is gone, after ``lasted`` seconds."""
        self._since = at
        if lasted >= STEADY_SECONDS:
            self._pause = FIRST_PAUSE

    def pause(self, at: float) -> float | None:
        """Seconds until the next attempt; None if the device was away for too long."""
        if at - self._since >= self._seconds:
            return None
        pause = min(self._pause, self._seconds - (at - self._since))
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return pause


class ReturningMicrophone:
    """An :class:`sophia.audio.AudioSource` over microphones that ``make`` gives, one after the other.

    ``lost`` is told why the microphone is gone, ``back`` that it has returned; in between ``frames()`` gives silence in
    real time. It raises what the first microphone raises if that gives no sound at all, and
    :class:`~sophia.microphone.MicrophoneLost` once one was away for ``seconds``.
    """

    def __init__(
        self,
        make: Callable[[], AudioSource],
        seconds: float,
        lost: Callable[[MicrophoneError], None],
        back: Callable[[], None],
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._lost = lost
        self._back = back
        self._now = make()
        self._overflows = 0
        self._closed = False

    @property
    def overflows(self) -> int:
        """Frames that were lost because nobody took them in time, of all microphones so far."""
        return self._overflows + self._now.overflows

    async def frames(self) -> AsyncIterator[Frame]:
        """20 ms frames of 16 kHz as the microphone delivers them, or of silence while it is away."""
        loop = asyncio.get_running_loop()
        patience = _Patience(self._seconds)
        began: float | None = None
        frames = self._now.frames()
        while not self._closed:
            try:
                async for frame in frames:
                    began = loop.time() if began is None else began
                    yield frame
                return
            except MicrophoneError as error:
                if began is None:
                    raise
                gone = error
            patience.lost(loop.time(), loop.time() - began)
            self._lost(gone)
            returned = asyncio.create_task(self._returned(patience, gone))
            try:
                due = loop.time()
                while not (returned.done() or self._closed):
                    due += FRAME_SECONDS
                    await asyncio.wait([returned], timeout=max(0.0, due - loop.time()))
                    if not (returned.done() or self._closed):
                        yield Frame(SILENCE, due - FRAME_SECONDS)
            finally:
                returned.cancel()
                await asyncio.wait([returned])
            if self._closed:
                return
            first, frames = returned.result()
            began = loop.time()
            self._back()
            yield first

    async def aclose(self) -> None:
        """Closes the microphone, within a second; ends ``frames()``."""
        self._closed = True
        await self._now.aclose()

    async def _returned(self, patience: _Patience, gone: MicrophoneError) -> tuple[Frame, AsyncIterator[Frame]]:
        """Opens microphones until one gives sound: its first frame, and the rest of them."""
        loop = asyncio.get_running_loop()
        while (pause := patience.pause(loop.time())) is not None:
            await asyncio.sleep(pause)
            self._overflows += self._now.overflows
            self._now = self._make()
            frames = self._now.frames()
            try:
                return await anext(frames), frames
            except MicrophoneError as error:
                gone = error
            except StopAsyncIteration:  # it was closed meanwhile
                break
        raise MicrophoneLost(f"the microphone did not come back within {self._seconds:g} s: {gone}") from gone


class Device(Sink, Protocol):
    """A sink that can be lost. ``opened`` is set once it takes samples."""

    opened: asyncio.Event
    underflows: int


class ReturningSink:
    """A :class:`sophia.sinks.Sink` over loudspeakers that ``make`` gives, one after the other.

    ``lost`` is told why the loudspeaker is gone, or did not open, ``back`` that it plays again, and ``given_up`` that
    it was away for ``seconds``. Meanwhile, and from then on, the playout is pulled in real time, unheard.
    """

    def __init__(
        self,
        make: Callable[[], Device],
        seconds: float,
        lost: Callable[[SinkError], None],
        back: Callable[[], None],
        given_up: Callable[[SinkError], None],
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._lost = lost
        self._back = back
        self._given_up = given_up
        self._now: Device | None = None
        self._underflows = 0
        self._unheard: asyncio.Task[None] | None = None

    @property
    def latency(self) -> float:
        return self._now.latency if self._now else 0.0

    @property
    def underflows(self) -> int:
        """Blocks that came too late, of all loudspeakers so far."""
        return self._underflows + (self._now.underflows if self._now else 0)

    async def run(self, playout: Playout) -> None:
        loop = asyncio.get_running_loop()
        patience = _Patience(self._seconds)
        try:
            while True:
                error, opened = await self._play(playout)
                if opened is not None or self._unheard is None:
                    patience.lost(loop.time(), loop.time() - opened if opened is not None else 0.0)
                    self._lost(error)
                    self._unheard = asyncio.create_task(NullSink(heard=False).run(playout))
                if (pause := patience.pause(loop.time())) is None:
                    self._given_up(error)
                    await self._unheard
                    return
                await asyncio.sleep(pause)
        finally:
            await _ended(self._unheard)

    async def aclose(self) -> None:
        if self._now:
            await self._now.aclose()

    async def _play(self, playout: Playout) -> tuple[SinkError, float | None]:
        """Plays on a new loudspeaker until it dies: why it did, and since when it had played, if ever."""
        loop = asyncio.get_running_loop()
        self._underflows = self.underflows
        card = self._now = self._make()
        playing = asyncio.create_task(card.run(playout))
        opening = asyncio.create_task(card.opened.wait())
        since: float | None = None
        try:
            await asyncio.wait([playing, opening], return_when=asyncio.FIRST_COMPLETED)
            if card.opened.is_set():
                since = loop.time()
                if self._unheard:
                    await _ended(self._unheard)
                    self._unheard = None
                    self._back()
            await playing
        except SinkError as error:
            return error, since
        finally:
            await _ended(playing)
            await _ended(opening)
            await card.aclose()
        raise AssertionError("a sink plays until it dies or is cancelled")


async def _ended(task: asyncio.Task[None] | asyncio.Task[bool] | None) -> None:
    """Cancels the task and waits for its end."""
    if task:
        task.cancel()
        await asyncio.wait([task])
