"""A microphone as an audio source, by PortAudio.

PortAudio calls from a thread of its own; from there each 20 ms takes one copy to the event loop. Time stamps are the
card's, told in ``loop.time()`` and smoothed, so that they follow the card's clock and not the jitter of its calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sophia.aside import aside
from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame
from sophia.downmix import Downmix
from sophia.framing import Framer
from sophia.portaudio import STREAMS, first_that_opens, formats, sounddevice

_WAITING = 50  # frames: one second
_CLOSE_SECONDS = 0.8
_DRIFT = 0.05  # how much of the difference between the card's clock and ours each block takes over
_JUMP_SECONDS = 0.06  # a larger difference is believed at once: sound was lost


class MicrophoneError(Exception):
    """There is no sound from a microphone; the message says why and what to do, in one line."""


class NoMicrophone(MicrophoneError):
    """There is none to open."""


class MicrophoneLost(MicrophoneError):
    """It was there, and is no more."""


class MicrophoneSettings(BaseModel):
    """Which microphone, and how patient to be with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str | int | None = Field(None, description="input device, by number or part of its name; null: default")
    latency: float = Field(0.04, description="seconds that the card may gather", ge=0.005, le=1.0)
    stall_seconds: float = Field(3.0, description="seconds without sound that mean: lost", ge=0.1, le=30)
    open_seconds: float = Field(10.0, description="seconds that opening the card may take", ge=0.1, le=60)
    return_seconds: float = Field(
        300.0, description="seconds that a lost microphone is waited for before the conversation ends", ge=0, le=86_400
    )


class FrameClock:
    """Time stamps for consecutive blocks: the card's, without their jitter.

    ``stamp`` takes when the card says that a block began, and how long it is, in seconds; it returns when the block
    began. A difference from the count of samples is taken over little by little, one beyond 60 ms at once.
    """

    def __init__(self) -> None:
        self._due: float | None = None

    def stamp(self, said: float, seconds: float) -> float:
        """The begin of the next block."""
        begin = said if self._due is None or abs(said - self._due) > _JUMP_SECONDS else self._due
        begin += _DRIFT * (said - begin)
        self._due = begin + seconds
        return begin


class Microphone:
    """An :class:`sophia.audio.AudioSource`; it opens when its frames are first asked for.

    A card is opened as it offers: its channels are mixed, and another rate than 16 kHz is resampled.
    ``overflows`` counts frames that nobody
    took within a second (the oldest is dropped) and blocks that the card reports as lost. ``frames()`` raises
    :class:`NoMicrophone` where none can be opened and :class:`MicrophoneLost` when it falls silent.

    ``sounddevice`` is imported when it opens; ``module`` stands in for it in tests.
    """

    def __init__(self, settings: MicrophoneSettings, *, module: Any = None) -> None:
        self.overflows = 0
        self._settings = settings
        self._sounddevice = module
        self._stream: Any = None
        self._lock = threading.Lock()
        self._waiting: deque[Frame] = deque()
        self._news = asyncio.Event()
        self._ended = False  # the card says so
        self._closed = False

    async def frames(self) -> AsyncIterator[Frame]:
        """20 ms frames as the card delivers them."""
        loop = asyncio.get_running_loop()
        offset = loop.time() - time.monotonic()  # the thread's clock is the loop's, but for an offset
        try:
            await self._opened(loop, offset)
            while not self._closed:
                if self._waiting:
                    yield self._waiting.popleft()
                    continue
                if self._ended:
                    raise MicrophoneLost("the microphone stopped; was it unplugged? Choose another input device")
                self._news.clear()
                try:
                    async with asyncio.timeout(self._settings.stall_seconds):
                        await self._news.wait()
                except TimeoutError:
                    raise MicrophoneLost(
                        f"no sound from the microphone for {self._settings.stall_seconds:g} s; "
                        "choose another input device or restart the sound server"
                    ) from None
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Closes the card, within a second; ends ``frames()``."""
        self._closed = True
        self._news.set()
        if self._stream is not None:
            with contextlib.suppress(TimeoutError):  # its thread is a daemon; the process can end without it
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await aside(self._shut)

    def _shut(self) -> None:
        """Closes the card once, whoever comes first: the loop's side or the thread that opened it too late."""
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)
            if self._closed:
                STREAMS.leave(self)

    async def _opened(self, loop: asyncio.AbstractEventLoop, offset: float) -> None:
        try:
            async with asyncio.timeout(self._settings.open_seconds):
                await aside(lambda: self._open(loop, offset))
        except TimeoutError:
            raise NoMicrophone(
                f"the microphone did not open within {self._settings.open_seconds:g} s; is another program holding it?"
            ) from None

    def _open(self, loop: asyncio.AbstractEventLoop, offset: float) -> None:
        """Opens and starts the card; runs aside, because it may block for seconds."""
        sd = self._sounddevice if self._sounddevice is not None else _sounddevice()

        def opened(rate: int, channels: int) -> None:
            framer = Framer(rate)
            mixer = Downmix(channels)
            clock = FrameClock()

            def callback(block: Any, samples: int, info: Any, status: Any) -> None:
                if self._closed:
                    return
                ago = info.currentTime - info.inputBufferAdcTime
                if not 0.0 < ago <= 1.0:  # some drivers do not tell
                    ago = samples / rate
                begin = clock.stamp(time.monotonic() + offset - ago, samples / rate)
                frames = framer.cut(mixer.mix(np.frombuffer(block, np.int16).reshape(-1, channels)), begin)
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(self._arrived, frames, bool(status.input_overflow))

            def finished() -> None:
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._finished)

            stream = self._stream = sd.RawInputStream(
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
                self._shut()
                raise

        STREAMS.enter(sd, self)
        try:
            first_that_opens(sd, formats(sd, "input", self._settings.device, EAR_RATE), opened)
        except (sd.PortAudioError, ValueError) as error:  # ValueError: no device of that name
            why = str(error).splitlines()[0]
            raise NoMicrophone(f"no microphone: {why}; plug one in, choose a device, or play soundbites") from error
        finally:
            if self._stream is None:
                STREAMS.leave(self)
        if self._closed:  # nobody waits for it any more
            self._shut()

    def _arrived(self, frames: list[Frame], lost: bool) -> None:
        self.overflows += lost
        self._waiting.extend(frames)
        while len(self._waiting) > _WAITING:
            self._waiting.popleft()
            self.overflows += 1
        self._news.set()

    def _finished(self) -> None:
        self._ended = True
        self._news.set()


def _sounddevice() -> Any:
    try:
        return sounddevice()
    except OSError as error:
        raise NoMicrophone(
            "no PortAudio library; install it (Debian, Ubuntu: apt-get install libportaudio2), or play soundbites"
        ) from error
