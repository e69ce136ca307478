"""Plain audio data that the ears and the voice exchange. No I/O, no devices.

Sound is int16 mono PCM in numpy arrays of shape ``(samples,)``; its rate travels beside it in Hz.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

FRAME_SECONDS = 0.02
"""Length of a frame. 20 ms is what WebRTC, Riva clients and sound cards all agree on."""

EAR_RATE = 16_000
"""Rate of everything the ears hear, in Hz: what Riva's models, Silero and AEC3 take natively."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of sound from a source, nominally 20 ms long.

    ``pcm`` has shape ``(samples,)``; ``time`` is the ``loop.time()`` at which its first sample was spoken, in
    seconds; ``rate`` is in Hz.
    """

    pcm: Pcm
    time: float
    rate: int = EAR_RATE

    @property
    def seconds(self) -> float:
        return len(self.pcm) / self.rate

    @property
    def end(self) -> float:
        """The ``loop.time()`` just after the last sample."""
        return self.time + self.seconds


class AudioSource(Protocol):
    """Where the user's voice comes from: a microphone, a soundbite, later a page.

    ``frames()`` yields 20 ms frames of :data:`EAR_RATE` in real time until the source is exhausted or closed.
    ``overflows`` counts frames that were lost because nobody took them in time (policy: drop oldest).
    """

    @property
    def overflows(self) -> int: ...

    def frames(self) -> AsyncIterator[Frame]: ...

    async def aclose(self) -> None: ...


def dbfs(pcm: Pcm) -> float:
    """The root-mean-square level in dB relative to full scale; -120 for digital silence or nothing."""
    if len(pcm) == 0:
        return -120.0
    samples = pcm.astype(np.float32)
    power = float(np.dot(samples, samples)) / len(samples)
    return max(-120.0, 10.0 * float(np.log10(power / 32768.0**2 + 1e-12)))
