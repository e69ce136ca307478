"""Whatever sound a Riva client sends, as 16 kHz int16 mono. A converter for one stream; no I/O.

Clients of Riva may stream the raw bytes of a WAV file with its header in front, and leave rate and encoding unset. The
header is found and followed. Files of other kinds are known by their first bytes and refused: taken for samples they
would be noise.
"""

from __future__ import annotations

import struct

import numpy as np
import soxr
from numpy.typing import NDArray

from pipelines.embedded.speech.ears.containers import SNIFFED, container

RATE = 16_000
LOWEST_RATE, HIGHEST_RATE = 8_000, 96_000

_PCM, _ALAW, _MULAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE  # formats in a WAV header
_LONGEST_HEADER = 64 * 1024
_UNTIL_THE_END = (0, 0xFFFF_FFFF)  # what a WAV file's writer puts for the size of sound that it cannot know yet

TAKEN = "send 16-bit PCM, mu-law or A-law, raw or in a WAV file"


class BadSound(ValueError):
    """Sound that cannot be understood; the message says what would be."""


def _law_tables() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """ITU-T G.711's decoding tables for mu-law and A-law."""
    code = np.arange(256)
    flipped = ~code & 0xFF
    magnitude = (((flipped & 0x0F) << 3) + 0x84 << ((flipped >> 4) & 7)) - 0x84
    mulaw = np.where(flipped & 0x80, -magnitude, magnitude)
    toggled = code ^ 0x55
    exponent, mantissa = (toggled >> 4) & 7, ((toggled & 0x0F) << 4) + 8
    magnitude = np.where(exponent > 0, (mantissa + 0x100) << np.maximum(exponent - 1, 0), mantissa)
    alaw = np.where(toggled & 0x80, magnitude, -magnitude)
    return mulaw.astype(np.int16), alaw.astype(np.int16)


_MULAW_TABLE, _ALAW_TABLE = _law_tables()


class SoundIn:
    """Converts a stream of bytes cut anywhere.

    ``encoding`` is ``"pcm"`` (int16 little endian), ``"mulaw"``, ``"alaw"`` or ``None`` for "see the header";
    ``rate`` in Hz may be 0 for the same. Several channels are averaged. What stands behind a WAV file's sound, such as
    its tags, is left out.
    """

    def __init__(self, encoding: str | None, rate: int, channels: int = 1) -> None:
        if not 1 <= channels <= 8:
            raise BadSound(f"audio_channel_count must be 1 to 8, not {channels}")
        self._encoding, self._rate, self._channels = encoding, rate, channels
        self._head = bytearray()
        self._started = False
        self._rest = b""
        self._left: int | None = None  # bytes of sound that a WAV header promises still
        self._resampler: soxr.ResampleStream | None = None

    def feed(self, data: bytes) -> bytes:
        """The next bytes as 16 kHz int16 mono little endian; raises :class:`BadSound`."""
        if not self._started:
            self._head += data
            body = self._after_header()
            if body is None:
                return b""
            data = body
        return self._convert(data, last=False)

    def finish(self) -> bytes:
        """What the converter still holds."""
        if not self._started:
            if self._head[:4] == b"RIFF":
                raise BadSound("the WAV header never ends")
            if self._head:
                self._rest = self._raw(bytes(self._head))
        return self._convert(b"", last=True)

    def _after_header(self) -> bytes | None:
        """The sound after the header, or ``None`` while more bytes are needed to tell."""
        head = bytes(self._head)
        if len(head) < SNIFFED:
            return None
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return self._raw(head)
        at, described = 12, False
        while at + 8 <= len(head):
            kind, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
            if kind == b"data":
                if not described:
                    raise BadSound("the WAV header does not say what the sound is")
                self._left = None if size in _UNTIL_THE_END else size
                self._start()
                return head[at + 8 :]
            if kind == b"fmt " and at + 8 + min(size, 16) <= len(head):
                self._read_format(head[at + 8 : at + 8 + size])
                described = True
            at += 8 + size + size % 2
        if at > _LONGEST_HEADER or len(head) > _LONGEST_HEADER:
            raise BadSound("no sound within the first 64 kB of the WAV file")
        return None

    def _read_format(self, chunk: bytes) -> None:
        if len(chunk) < 16:
            raise BadSound("the WAV header is truncated")
        kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
        if kind == _EXTENSIBLE and len(chunk) >= 26:
            (kind,) = struct.unpack_from("<H", chunk, 24)
        self._encoding = {_PCM: "pcm", _MULAW: "mulaw", _ALAW: "alaw"}.get(kind)
        if self._encoding is None or bits != (16 if kind == _PCM else 8) or not 1 <= channels <= 8:
            raise BadSound(f"a WAV file must hold 16-bit PCM, mu-law or A-law, not format {kind} with {bits} bits")
        self._rate, self._channels = rate, channels

    def _raw(self, body: bytes) -> bytes:
        """Sound without a header, which the configuration describes."""
        if (name := container(body)) is not None:
            raise BadSound(f"the sound is {name}, which is not supported; {TAKEN}")
        if self._encoding is None or not self._rate:
            missing = "encoding" if self._encoding is None else "sample_rate_hertz"
            raise BadSound(f"the sound has no WAV header, and {missing} is not set; {TAKEN}")
        self._start()
        return body

    def _start(self) -> None:
        if not LOWEST_RATE <= self._rate <= HIGHEST_RATE:
            raise BadSound(f"sample_rate_hertz must be {LOWEST_RATE} to {HIGHEST_RATE}, not {self._rate}")
        if self._rate != RATE:
            self._resampler = soxr.ResampleStream(self._rate, RATE, 1, dtype="int16", quality="MQ")
        self._started = True

    def _convert(self, data: bytes, *, last: bool) -> bytes:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        data = self._rest + data
        width = self._channels * (2 if self._encoding == "pcm" else 1)
        whole = len(data) // width * width
        self._rest = data[whole:]
        if self._encoding == "pcm":
            pcm = np.frombuffer(data, "<i2", whole // 2)
        else:
            table = _MULAW_TABLE if self._encoding == "mulaw" else _ALAW_TABLE
            pcm = table[np.frombuffer(data, np.uint8, whole)]
        if self._channels > 1:
            pcm = pcm.reshape(-1, self._channels).mean(axis=1).astype(np.int16)
        if self._resampler is not None:
            pcm = self._resampler.resample_chunk(np.ascontiguousarray(pcm), last=last)
        return bytes(pcm.astype("<i2").tobytes())
