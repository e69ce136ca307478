"""Opus, both ways: her voice as packets of 20 ms at their time, and the user's as samples. Needs the extra ``webrtc``.

Encoding takes less than 0.1 ms a packet at this effort, decoding half of it. A thread would cost as much to wake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np

from sophia.audio import FRAME_SECONDS, Pcm
from sophia.resampling import Resampler

CLOCK: Final = 48_000
"""Hz: RTP counts Opus so, whatever is encoded (RFC 7587)."""

TICKS: Final = round(CLOCK * FRAME_SECONDS)

RATES: Final = (8_000, 12_000, 16_000, 24_000, 48_000)
"""What libopus takes."""

BIT_RATE: Final = 32_000
"""Bits a second: enough for one voice at its full width."""

EFFORT: Final = "5"
"""libopus's complexity, of 10. Above 6 it analyses each frame for music, which triples its time."""

TAIL: Final = 5
"""Silent packets behind the last block, so that a browser's jitter buffer ends in silence and invents nothing."""

Give = Callable[[int, bytes], None]
"""Takes a packet: its place in samples of 48 kHz, and its payload."""


class OpusDecoder:
    """Payloads of one sender as int16 mono of 48 kHz."""

    def __init__(self) -> None:
        self._codec: Any = av.CodecContext.create("libopus", "r")
        self._codec.layout, self._codec.format, self._codec.sample_rate = "mono", "s16", CLOCK

    def decode(self, payload: bytes) -> Pcm:
        """The samples of one packet; none where it is no Opus."""
        if not payload:  # FFmpeg would take it for the end, and be deaf from then on
            return np.zeros(0, np.int16)
        try:
            parts = [frame.to_ndarray().reshape(-1) for frame in self._codec.decode(av.Packet(payload))]
        except (av.FFmpegError, ValueError):
            parts = []
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)


class OpusVoice:
    """Blocks of her voice of ``rate`` Hz, as they are pulled, become packets that ``give`` is handed at once.

    A block that is pulled late is sent late, and dated as if it were not. While she is silent there is no packet; the
    first one after that is dated by the clock.
    """

    def __init__(self, rate: int, give: Give) -> None:
        self._loop = asyncio.get_running_loop()
        self._give = give
        self._silence: Pcm = np.zeros(round(rate * FRAME_SECONDS), np.int16)
        self._out_rate = next((fits for fits in RATES if fits >= min(rate, 24_000)), RATES[-1])
        self._resampler = Resampler(rate, self._out_rate) if self._out_rate != rate else None
        self._codec: Any = av.CodecContext.create("libopus", "w")
        self._codec.bit_rate, self._codec.format, self._codec.layout = BIT_RATE, "s16", "mono"
        self._codec.sample_rate, self._codec.time_base = self._out_rate, Fraction(1, self._out_rate)
        self._codec.options = {"compression_level": EFFORT}
        self._samples = round(self._out_rate * FRAME_SECONDS)  # of a packet
        self._rest: Pcm = np.zeros(0, np.int16)
        self._began = self._loop.time()
        self._next = 0
        self._tail = 0  # packets behind the last block
        self._resting = True
        self._timer: asyncio.TimerHandle | None = None

    def greet(self) -> None:
        """Sends silence once: the client's track is live, and its decoder warm, before she speaks."""
        self._quiet()

    def take(self, pcm: Pcm) -> None:
        """The next block."""
        if self._resting:
            self.close()
            self._resting = False
            if self._tail:  # what is left over is silent
                self._rest = self._rest[:0]
            self._next = max(self._next, round((self._loop.time() - self._began) * CLOCK))
        self._add(pcm if self._resampler is None else self._resampler.resample(pcm))

    def rest(self) -> None:
        """After the block that was taken last there is none for now: she pauses, or has ended."""
        if not self._resting:
            self._resting, self._tail = True, 0
            self._timer = self._loop.call_later(FRAME_SECONDS, self._quiet)

    def close(self) -> None:
        """Nothing is sent any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _quiet(self) -> None:
        self._add(self._silence if self._resampler is None else self._resampler.resample(self._silence))
        self._tail += 1
        going_on = self._tail < TAIL
        self._timer = self._loop.call_later(FRAME_SECONDS, self._quiet) if going_on else None

    def _add(self, pcm: Pcm) -> None:
        self._rest = np.concatenate((self._rest, pcm)) if len(self._rest) else pcm
        while len(self._rest) >= self._samples:
            block, self._rest = self._rest[: self._samples], self._rest[self._samples :]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block)[None], format="s16", layout="mono")
            frame.sample_rate = self._out_rate
            for packet in self._codec.encode(frame):
                self._give(self._next, bytes(packet))
                self._next += TICKS
