"""RIFF, the container of WAV files: from a file's bytes to samples of every channel. No I/O.

Recordings come from writers that were killed, that wrote to a pipe, or that read the standard in their own way. What
they meant is found where it can be, and a note says what was guessed. Files are input from outside: sizes are bounded,
and every lie in a header ends in :class:`Unusable`.

The layouts are those of Microsoft's "Multiple Channel Audio Data and WAVE Files", EBU Tech 3306 (RF64) and ITU-R
BS.2088 (BW64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_INT, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_NAMES = {2: "Microsoft ADPCM", 0x11: "IMA ADPCM", 0x31: "GSM", 0x50: "MPEG audio", 0x55: "MP3", 0xFF: "AAC"}
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # what follows the format in a sub-format's GUID
_IN_DS64 = 0xFFFFFFFF  # the size stands in the chunk ds64
_PLACEHOLDERS = 0x7FFF0000
"""Sizes from here on are no sizes: writers to a pipe leave 0, 0x7FFFFFFF, 0x80000000 or 0xFFFFFFFF and what is near."""
_USUAL = (b"data", b"fmt ", b"fact", b"LIST", b"bext", b"JUNK", b"id3 ")
_MOST_CHUNKS = 10_000
_MOST_CHANNELS = 64
_RATES = range(2_000, 384_001)
_INTEGER_PEAK = 128
"""Floats that reach beyond this and lie mostly outside of ±1 are integers' values: 128 is -48 dB of 16 bits."""

Order = Literal["<", ">"]
"""Of bytes: little endian, big endian."""

CONVERT = "convert it, for example: ffmpeg -i IN -ac 1 -ar 16000 OUT.wav"


class Unusable(Exception):
    """Nothing can be played: ``what`` is wrong, and a ``hint`` what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


@dataclass(frozen=True, slots=True)
class Format:
    """How samples are stored: ``bits`` of them count in a place of ``width`` bytes; ``order`` is that of the bytes."""

    kind: int
    channels: int
    rate: int
    bits: int
    width: int
    order: Order


@dataclass(slots=True)
class Recording:
    """What a file holds, not yet decoded; ``notes`` say what was guessed or is missing."""

    format: Format
    pieces: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """Samples of each channel."""
        return sum(map(len, self.pieces)) // (self.format.channels * self.format.width)

    def samples(self) -> NDArray[np.float32]:
        """All samples in -1 … 1, shape ``(frames, channels)``; may add to the notes."""
        form = self.format
        raw = b"".join(self.pieces)
        flat = self._floats(raw) if form.kind == _FLOAT else self._integers(raw)
        return flat.reshape(-1, form.channels)

    def _integers(self, raw: bytes) -> NDArray[np.float32]:
        form = self.format
        if form.kind in (_ALAW, _MULAW):
            table = _alaw() if form.kind == _ALAW else _mulaw()
            return table[np.frombuffer(raw, np.uint8)]
        if form.width == 1:  # 8 bits are unsigned
            return (np.frombuffer(raw, np.uint8).astype(np.float32) - np.float32(128)) * np.float32(1 / 128)
        bits = 8 * form.width
        if form.width == 3:
            padded = np.zeros((len(raw) // 3, 4), np.uint8)
            padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)[:, :: 1 if form.order == "<" else -1]
            values = padded.reshape(-1).view("<i4") >> 8
        else:
            values = np.frombuffer(raw, f"{form.order}i{form.width}")
        if (spare := bits - form.bits) and _low_aligned(values, form.bits, spare):
            values = values.astype(np.int32) << (32 - form.bits)
            bits = 32
            self.notes.append(f"took its samples as {form.bits} low bits of {8 * form.width}")
        return values.astype(np.float32) * np.float32(2.0 ** (1 - bits))

    def _floats(self, raw: bytes) -> NDArray[np.float32]:
        stored = np.frombuffer(raw, f"{self.format.order}f{self.format.width}")
        with np.errstate(over="ignore"):  # a double too large for a float becomes infinite, then 1
            values = np.nan_to_num(stored.astype(np.float32), posinf=np.inf, neginf=-np.inf)
        sizes = np.abs(values[np.isfinite(values) & (values != 0)])
        if sizes.size and 2 * np.count_nonzero(sizes > 1) > sizes.size and (peak := float(sizes.max())) <= 2**31:
            whole = peak >= _INTEGER_PEAK or bool((sizes == np.rint(sizes)).all())
            full = next(scale for scale in (2.0**15, 2.0**23, 2.0**31) if peak <= scale) if whole else peak
            values = values / np.float32(full)
            self.notes.append(f"its values reach {peak:.6g} where 1 is the loudest; divided them by {full:.6g}")
        return np.clip(values, np.float32(-1), np.float32(1))


def parse(raw: bytes) -> Recording:
    """Finds format and sound in the bytes of a file. Raises :class:`Unusable`."""
    if not raw:
        raise Unusable("is empty", "record it again")
    start = _after_id3(raw)
    container = raw[start : start + 4]
    if container not in (b"RIFF", b"RIFX", b"RF64", b"BW64") or raw[start + 8 : start + 12] != b"WAVE":
        raise Unusable("is not a WAV file", CONVERT)
    order: Order = ">" if container == b"RIFX" else "<"
    notes: list[str] = []
    form: Format | None = None
    pieces: list[bytes] = []
    for name, at, size in _chunks(raw, start + 12, order, notes):
        if name == b"fmt ":
            said = _format(raw[at : at + min(size or 0, 40)], order)
            if pieces and said != form:
                raise Unusable("changes its format in the middle", CONVERT)
            form = said
        elif name == b"data":
            if form is None:
                raise Unusable("has its sound before its format", CONVERT)
            there = len(raw) - at
            if size is None:
                notes.append("its header does not tell its length; used all that is there")
            elif size > there:
                notes.append(f"cut short: {there} of {size} bytes of sound are there")
            frame = form.channels * form.width
            whole = (there if size is None else min(size, there)) // frame * frame
            pieces.append(raw[at : at + whole])
    if form is None or not pieces:
        raise Unusable("has no sound in it" if form else "has no format in it", "it may be cut short; record it again")
    pieces = [piece for piece in pieces if piece]
    if len(pieces) > 1:
        notes.append(f"its sound lies in {len(pieces)} pieces; joined them")
    return Recording(form, pieces, notes)


def _after_id3(raw: bytes) -> int:
    """Where a file begins that has an ID3v2 tag in front, as some taggers write it."""
    if raw[:3] != b"ID3" or len(raw) < 10 or any(byte & 0x80 for byte in raw[6:10]):
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(raw[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if raw[5] & 0x10 else 0)  # a footer repeats the header


def _chunks(raw: bytes, at: int, order: Order, notes: list[str]) -> Iterator[tuple[bytes, int, int | None]]:
    """Each chunk's name, where its content begins, and its size; ``None`` is all that is there, and the last chunk."""
    in_ds64 = 0
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(raw):
            return
        name, size = raw[at : at + 4], _size(raw, at, order)
        at += 8
        if name == b"ds64" and size >= 16:
            in_ds64 = int.from_bytes(raw[at + 8 : at + 16], "little")
        if name == b"data":
            if size == _IN_DS64 and in_ds64:
                size = in_ds64
            empty = size == 0 and (at == len(raw) or _looks_like_chunk(raw, at, order))
            if size >= _PLACEHOLDERS or (size == 0 and not empty):
                yield name, at, None
                return
        yield name, at, size
        at += size
        if size % 2:  # chunks are padded to even sizes
            bare = _looks_like_chunk(raw, at, order) and (
                raw[at : at + 4] in _USUAL or not _looks_like_chunk(raw, at + 1, order)
            )
            if bare:
                notes.append(f"a byte of padding is missing behind its {name.decode('latin-1').strip()!r}")
            at += 0 if bare else 1
    raise Unusable(f"has more than {_MOST_CHUNKS} chunks", CONVERT)


def _size(raw: bytes, at: int, order: Order) -> int:
    return int(struct.unpack_from(f"{order}I", raw, at + 4)[0])


def _looks_like_chunk(raw: bytes, at: int, order: Order) -> bool:
    """Whether a chunk may begin at ``at``: a name in ASCII, and a size that fits or that sound may have."""
    name = raw[at : at + 4]
    if at + 8 > len(raw) or not all(0x20 <= byte < 0x7F for byte in name):
        return False
    return name == b"data" or at + 8 + _size(raw, at, order) <= len(raw)


def _format(chunk: bytes, order: Order) -> Format:
    if len(chunk) < 16:
        raise Unusable("has a format that is cut short", CONVERT)
    kind, channels, rate, _, block, bits = struct.unpack_from(f"{order}HHIIHH", chunk)
    valid = bits
    if kind == _EXTENSIBLE:
        if len(chunk) < 40 or chunk[26:40] != _GUID_TAIL:
            raise Unusable("has an unknown extensible format", CONVERT)
        valid, kind = (int(struct.unpack_from(f"{order}H", chunk, at)[0]) for at in (18, 24))
    if not 1 <= channels <= _MOST_CHANNELS or rate not in _RATES:
        raise Unusable(f"claims {channels} channels at {rate} Hz", CONVERT)
    width = (bits + 7) // 8
    if kind == _INT and bits > 0 and block % channels == 0 and block > channels * width:
        width = block // channels  # each sample has a wider place: 24 bits in 32
    if width not in {_INT: (1, 2, 3, 4), _FLOAT: (2, 4, 8), _ALAW: (1,), _MULAW: (1,)}.get(kind, ()):
        named = f" ({_NAMES[kind]})" if kind in _NAMES else ""
        raise Unusable(f"has format {kind}{named} with {bits} bits", CONVERT)
    if block not in (0, channels * width):
        raise Unusable(f"claims {block} bytes for {channels} samples of {bits} bits", CONVERT)
    return Format(kind, channels, rate, valid if 0 < valid < bits and kind == _INT else bits, width, order)


def _low_aligned(values: NDArray[np.signedinteger], bits: int, spare: int) -> bool:
    """Whether samples fill the low bits of their places, and not the high ones as the standard wants it.

    The high bits hold nothing but a sign then, or zeros, while the low ones are in use.
    """
    above = values >> bits
    return bool(np.any(values & ((1 << spare) - 1)) and np.all((above == 0) | (above == -1)))


def _mulaw() -> NDArray[np.float32]:
    """G.711 µ-law: each byte's value in -1 … 1."""
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code >> 4) & 7)
    return (np.where(code & 0x80, 0x84 - magnitude, magnitude - 0x84) / 32768).astype(np.float32)


def _alaw() -> NDArray[np.float32]:
    """G.711 A-law: each byte's value in -1 … 1."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = ((code >> 4) & 7).astype(np.int32)
    mantissa = (code & 0x0F).astype(np.int32) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) / 32768).astype(np.float32)
