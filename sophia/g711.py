"""Telephone sound: ITU-T G.711, one byte a sample, in both of its laws. Pure.

A byte holds a sign, one of eight segments and one of sixteen steps in it: a coarse logarithm. Both ways are look-ups in
tables that are computed once from the standard's definition, so a second of sound costs microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sophia.audio import Pcm

RATE: Final = 8_000
"""Hz: the standard knows no other rate."""

_BIAS: Final = 33  # of 14 bits: what makes each of the μ-law's segments twice as long as the one before
_CLIP: Final = 8_159
_LINEAR: NDArray[np.int32] = np.arange(-32_768, 32_768, dtype=np.int32)
_CODES: NDArray[np.int32] = np.arange(256, dtype=np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """One of the two laws: ``silence`` is the byte of the sample 0."""

    coded: NDArray[np.uint8]
    """The byte of each int16 sample, from -32768 on."""
    linear: Pcm
    """The sample of each byte."""

    @property
    def silence(self) -> int:
        return int(self.coded[32_768])

    def encode(self, pcm: Pcm) -> bytes:
        """The bytes of int16 samples."""
        return self.coded[pcm.astype(np.int32) + 32_768].tobytes()

    def decode(self, data: bytes) -> Pcm:
        """The int16 samples of bytes."""
        return self.linear[np.frombuffer(data, np.uint8)]


def _segments(magnitude: NDArray[np.int32], first: int) -> NDArray[np.int32]:
    """The segment of each magnitude, where the first one ends with ``first`` and each is as long as all before it."""
    ends = [((first + 1) << segment) - 1 for segment in range(8)]
    return np.searchsorted(ends, magnitude).astype(np.int32)


def _mu_law() -> Law:
    linear = _LINEAR >> 2  # the law has 14 bits
    magnitude = np.minimum(np.abs(linear), _CLIP) + _BIAS
    segment = _segments(magnitude, 0x3F)
    code = np.minimum(segment << 4 | magnitude >> (segment + 1) & 0x0F, 0x7F)
    coded = (code ^ np.where(linear < 0, 0x7F, 0xFF)).astype(np.uint8)
    inverse = ~_CODES
    loud = (((inverse & 0x0F) << 3) + 4 * _BIAS << (inverse >> 4 & 7)) - 4 * _BIAS
    return Law(coded, np.where(inverse & 0x80, -loud, loud).astype(np.int16))


def _a_law() -> Law:
    linear = _LINEAR >> 3  # the law has 13 bits
    magnitude = np.where(linear < 0, -linear - 1, linear)
    segment = _segments(magnitude, 0x1F)
    code = segment << 4 | magnitude >> np.maximum(segment, 1) & 0x0F
    coded = (code ^ np.where(linear < 0, 0x55, 0xD5)).astype(np.uint8)
    even = _CODES ^ 0x55
    number = even >> 4 & 7
    loud = ((even & 0x0F) << 4) + np.where(number, 0x108, 8) << np.maximum(number - 1, 0)
    return Law(coded, np.where(even & 0x80, loud, -loud).astype(np.int16))


MU_LAW: Final = _mu_law()
"""North America and Japan, and telephony by WebSocket: silence is 0xFF."""

A_LAW: Final = _a_law()
"""Everywhere else: silence is 0xD5."""
