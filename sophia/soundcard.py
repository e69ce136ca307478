"""The loudspeaker: a sound card's output stream that pulls from the playout in its own thread.

The stream is opened once and plays silence when nothing is due: opening costs up to seconds on some systems. The time
of a block is when the card says it will be heard, told in ``loop.time()``.
"""

from __future__ import annotations

import asyncio
import threading
import time
from types import ModuleType
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sophia.aside import aside
from sophia.audio import FRAME_SECONDS, Pcm
from sophia.playout import Playout
from sophia.portaudio import STREAMS, first_that_opens, formats, sounddevice
from sophia.sinks import SinkError, SinkStalled

CLOSE_SECONDS = 0.8
"""How long a card may take to close before it is left to itself."""

DRIFT = 0.05
"""How much of the difference between the card's clock and ours each block takes over; smooths callback jitter."""

JUMP_SECONDS = 0.05
"""A larger difference than this is believed at once: samples were lost, or the card was changed."""


class NoSpeaker(SinkError):
    """There is no sound card to play on."""


class SoundCardSettings(BaseModel):
    """How to play on the sound card."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str | int | None = Field(None, description="output device, by number or part of its name; null: default")
    latency: float = Field(0.04, ge=0.005, le=1.0, description="seconds that the card buffers ahead")
    stall_seconds: float = Field(2.5, ge=0.1, le=30.0, description="seconds without a callback that mean: stalled")
    open_seconds: float = Field(10.0, ge=1.0, le=60.0, description="seconds that opening the card may take")
    return_seconds: float = Field(
        300.0, ge=0, le=86_400, description="seconds that a lost sound card is waited for; then she goes on unheard"
    )


class SoundCard:
    """A :class:`sophia.sinks.Sink` that plays mono sound on all channels of a card, at its rate if it refuses ours.

    ``opened`` is set once it takes samples.
    ``underflows`` counts the blocks that the card reports as late. ``sounddevice`` is imported when it is run;
    ``module`` stands in for it in tests.
    """

    def __init__(self, settings: SoundCardSettings, *, module: Any = None) -> None:
        self.latency = settings.latency
        self.underflows = 0
        self._settings = settings
        self._sounddevice = module
        self._stream: Any = None
        self.opened = asyncio.Event()
        self._ended = asyncio.Event()
        self._deaf = False
        self._lock = threading.Lock()  # over _stream and _deaf: opening may end after closing
        self._blocks = 0

    async def run(self, playout: Playout) -> None:
        loop = asyncio.get_running_loop()
        offset = loop.time() - time.monotonic()  # the thread's clock is the loop's, but for an offset
        try:
            await self._opened(playout, loop, offset)
            self.opened.set()
            while not self._ended.is_set():
                before = self._blocks
                try:
                    async with asyncio.timeout(self._settings.stall_seconds):
                        await self._ended.wait()
                except TimeoutError:
                    if self._blocks == before:
                        raise SinkStalled(
                            f"the sound card took no samples for {self._settings.stall_seconds:g} s; "
                            "choose another output device or restart the sound server"
                        ) from None
            raise SinkError("the sound card stopped; was it unplugged? Choose another output device")
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        stream = self._let_go()
        if stream is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await aside(lambda: self._shut(stream))
            except TimeoutError:
                return  # its thread is a daemon; the process can end without it

    async def _opened(self, playout: Playout, loop: asyncio.AbstractEventLoop, offset: float) -> None:
        try:
            async with asyncio.timeout(self._settings.open_seconds):
                await aside(lambda: self._open(playout, loop, offset))
        except TimeoutError as error:
            raise SinkStalled(
                f"the sound card did not open within {self._settings.open_seconds:g} s; is another program holding it?"
            ) from error

    def _shut(self, stream: Any) -> None:
        stream.close(ignore_errors=True)
        STREAMS.leave(self)

    def _let_go(self) -> Any:
        """From now on nothing is pulled; returns the stream, once, to whoever shall close it."""
        with self._lock:
            self._deaf = True
            stream, self._stream = self._stream, None
            return stream

    def _open(self, playout: Playout, loop: asyncio.AbstractEventLoop, offset: float) -> None:
        """Opens and starts the stream; runs aside, because it may block for seconds."""
        sd = self._sounddevice if self._sounddevice is not None else _sounddevice()

        def opened(rate: int, channels: int) -> Any:
            puller = _Puller(playout, rate)
            due = 0.0

            def callback(out: NDArray[np.int16], frames: int, info: Any, status: Any) -> None:
                nonlocal due
                if self._deaf:
                    out.fill(0)
                    return
                self._blocks += 1
                if status.output_underflow:
                    self.underflows += 1
                ahead = info.outputBufferDacTime - info.currentTime
                if not 0.0 < ahead <= 1.0:  # some drivers do not tell
                    ahead = self.latency
                said = time.monotonic() + offset + ahead
                due = said if abs(said - due) > JUMP_SECONDS else due + DRIFT * (said - due)
                out[:] = puller.pull(frames, due)[:, None]
                due += frames / rate

            def finished() -> None:
                if not self._deaf:
                    loop.call_soon_threadsafe(self._ended.set)

            stream = sd.OutputStream(
                samplerate=rate,
                blocksize=round(rate * FRAME_SECONDS),
                device=self._settings.device,
                channels=channels,
                dtype="int16",
                latency=self._settings.latency,
                callback=callback,
                finished_callback=finished,
            )
            try:
                stream.start()
            except BaseException:
                stream.close(ignore_errors=True)
                raise
            return stream

        STREAMS.enter(sd, self)
        try:
            stream = first_that_opens(sd, formats(sd, "output", self._settings.device, playout.rate), opened)
        except Exception as error:
            STREAMS.leave(self)
            if not isinstance(error, sd.PortAudioError | ValueError):  # ValueError: no device of that name
                raise
            why = str(error).splitlines()[0]
            raise NoSpeaker(f"no sound card to play on: {why}; plug one in, or write to a file instead") from error
        told = float(stream.latency)
        self.latency = told if 0.0 < told <= 1.0 else self._settings.latency  # some drivers do not tell
        with self._lock:
            unwanted = self._deaf
            if not unwanted:
                self._stream = stream
        if unwanted:  # nobody waits for it any more
            self._shut(stream)


class _Puller:
    """Pulls blocks at the card's rate from a playout of another rate, and knows how far ahead of the card it is."""

    def __init__(self, playout: Playout, rate: int) -> None:
        self._playout = playout
        self._rate = rate
        self._resampler: Any = None
        if rate != playout.rate:  # LQ holds back less than 1 ms, better ones 20 to 40; its spurs are 105 dB down
            self._resampler = soxr.ResampleStream(playout.rate, rate, 1, dtype="int16", quality="LQ")
        self._block = round(playout.rate * FRAME_SECONDS)
        self._ready: Pcm = np.zeros(0, np.int16)
        self._pulled = self._given = 0

    def pull(self, samples: int, due: float) -> Pcm:
        """The next ``samples`` samples at the card's rate, which it plays at ``due``."""
        if self._resampler is None:
            return self._playout.pull(samples, due)
        while len(self._ready) < samples:
            ahead = self._pulled / self._playout.rate - self._given / self._rate
            block = self._playout.pull(self._block, due + ahead)
            self._pulled += len(block)
            self._ready = np.concatenate((self._ready, self._resampler.resample_chunk(block)))
        block, self._ready = self._ready[:samples], self._ready[samples:]
        self._given += samples
        return block


def _sounddevice() -> ModuleType:
    try:
        return sounddevice()
    except OSError as error:
        raise NoSpeaker("no PortAudio library; install it (Debian, Ubuntu: apt-get install libportaudio2)") from error
