"""WAV files: any sensible one in as mono int16, ours out so that it can be played even after a crash.

Its own small RIFF reader, because the standard library's knows neither float nor WAVE_FORMAT_EXTENSIBLE. Files are
input from outside: sizes are bounded and every lie in a header ends in :class:`WavError`, never in a traceback.
Reading and writing block on the disk.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import soxr
from numpy.typing import NDArray

from sophia.audio import EAR_RATE, Pcm

_INT, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # what follows the format in a sub-format's GUID
_UNKNOWN = (0, 0xFFFFFFFF)  # data sizes left by writers that were killed or wrote to a pipe
_MAX_BYTES = 256 << 20
_MAX_CHANNELS = 64
_RATES = range(2_000, 384_001)


class WavError(Exception):
    """A WAV file cannot be used: ``path``, ``what`` is wrong and a ``hint`` what to do, in one line."""

    def __init__(self, path: Path, what: str, hint: str) -> None:
        super().__init__(f"{path} {what}; {hint}")
        self.path, self.what, self.hint = path, what, hint


@dataclass(frozen=True, slots=True)
class Sound:
    """A whole recording: mono ``pcm`` at ``rate`` Hz; ``note`` tells in one line what had to be overlooked."""

    pcm: Pcm
    rate: int
    note: str = ""

    @property
    def seconds(self) -> float:
        return len(self.pcm) / self.rate


@dataclass(frozen=True, slots=True)
class _Format:
    kind: int
    channels: int
    rate: int
    width: int  # bytes of one sample of one channel


class _Unusable(Exception):
    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


_CONVERT = "convert it, for example: ffmpeg -i IN -ac 1 -ar 16000 OUT.wav"


def read_wav(path: Path, rate: int = EAR_RATE, max_seconds: float = 600.0) -> Sound:
    """Reads a WAV file of any integer (8 to 32 bit), float, µ-law or A-law format, any rate and channel count.

    Channels are averaged and the rate is converted to ``rate`` Hz. A file cut short gives what is there, and says so
    in ``note``. Raises :class:`WavError` where nothing can be played or it is longer than ``max_seconds``.
    """
    try:
        return _decode(_load(path), rate, max_seconds)
    except _Unusable as error:
        raise WavError(path, error.what, error.hint) from None
    except OSError as error:
        raise WavError(path, f"cannot be read ({error.strerror or error})", "check the path and its rights") from error


def _load(path: Path) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise _Unusable("is not a file", "name a WAV file")
    if status.st_size > _MAX_BYTES:
        raise _Unusable(f"has {status.st_size >> 20} MiB, more than {_MAX_BYTES >> 20}", "cut it to what is needed")
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)


def _decode(raw: bytes, rate: int, max_seconds: float) -> Sound:
    if not raw:
        raise _Unusable("is empty", "record it again")
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise _Unusable("is not a WAV file", _CONVERT)
    form, data, note = _chunks(raw)
    frame_bytes = form.channels * form.width
    frames = len(data) // frame_bytes
    if frames == 0:
        raise _Unusable("holds no sound", "record it again")
    if frames > max_seconds * form.rate:
        raise _Unusable(f"is {frames / form.rate:.0f} s long", f"cut it to {max_seconds:.0f} s or less")
    samples = _samples(data[: frames * frame_bytes], form).reshape(frames, form.channels).mean(axis=1, dtype=np.float32)
    if form.rate != rate:
        samples = soxr.resample(samples, form.rate, rate)
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    return Sound(pcm, rate, note)


def _chunks(raw: bytes) -> tuple[_Format, bytes, str]:
    """Walks the RIFF chunks to the format and the data; says in a note where the data ended early."""
    at, form = 12, None
    while at + 8 <= len(raw):
        name, size = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt ":
            form = _format(raw[at : at + min(size, 40)])
        elif name == b"data":
            if form is None:
                raise _Unusable("has its sound before its format", _CONVERT)
            there = len(raw) - at
            whole = int.from_bytes(raw[4:8], "little") + 8 == len(raw)
            if size in _UNKNOWN and there and not (size == 0 and whole):
                return form, raw[at:], "its header does not tell its length; used all that is there"
            if size > there:
                return form, raw[at:], f"cut short: {there} of {size} bytes of sound are there"
            return form, raw[at : at + size], ""
        at += size + size % 2  # chunks are padded to even sizes
    raise _Unusable("has no sound in it" if form else "has no format in it", "it may be cut short; record it again")


def _format(chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise _Unusable("has a format that is cut short", _CONVERT)
    kind, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE:
        if len(chunk) < 40 or chunk[26:40] != _GUID_TAIL:
            raise _Unusable("has an unknown extensible format", _CONVERT)
        kind = int.from_bytes(chunk[24:26], "little")
    if not 1 <= channels <= _MAX_CHANNELS or rate not in _RATES:
        raise _Unusable(f"claims {channels} channels at {rate} Hz", _CONVERT)
    width = (bits + 7) // 8
    allowed = {_INT: (1, 2, 3, 4), _FLOAT: (4, 8), _ALAW: (1,), _MULAW: (1,)}.get(kind, ())
    if width not in allowed:
        raise _Unusable(f"has format {kind} with {bits} bits", _CONVERT)
    if block != channels * width:
        raise _Unusable(f"claims {block} bytes for {channels} samples of {bits} bits", _CONVERT)
    return _Format(kind, channels, rate, width)


def _samples(data: bytes, form: _Format) -> NDArray[np.float32]:
    """All channels' samples in the file's order, in -1 … 1."""
    if form.kind == _FLOAT:
        floats = np.frombuffer(data, f"<f{form.width}")
        with np.errstate(over="ignore"):  # a double too large for a float becomes infinite, then 1
            single = np.nan_to_num(floats.astype(np.float32), posinf=1.0, neginf=-1.0)
        return np.clip(single, np.float32(-1), np.float32(1))
    if form.kind in (_ALAW, _MULAW):
        table = _alaw() if form.kind == _ALAW else _mulaw()
        return table[np.frombuffer(data, np.uint8)]
    if form.width == 1:  # 8 bits are unsigned
        return (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) * np.float32(1 / 128)
    if form.width == 3:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return padded.reshape(-1).view(np.int32).astype(np.float32) * np.float32(2**-31)
    scale = np.float32(2.0 ** (1 - 8 * form.width))
    return np.frombuffer(data, f"<i{form.width}").astype(np.float32) * scale


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


class WavWriter:
    """Writes mono int16 sound as it comes.

    The header is brought up to date every ``patch_seconds`` of sound, after that sound has reached the system, so
    the file is whole at any moment the process may die. A full disk surfaces as ``OSError`` from ``write`` or
    ``close``. Not for several tasks at once.
    """

    def __init__(self, path: Path, rate: int, patch_seconds: float = 1.0) -> None:
        self.path, self.rate = path, rate
        self.samples = 0
        """Samples written so far."""
        self._patch_every = round(patch_seconds * rate)
        self._patched = 0
        self._file: BinaryIO = path.open("wb")
        try:
            self._file.write(_header(rate, 0))
            self._file.flush()
        except OSError:
            self._close_file()
            raise

    def write(self, pcm: Pcm) -> None:
        """Appends ``pcm``, shape ``(samples,)``, int16."""
        if len(_header(self.rate, 0)) + 2 * (self.samples + len(pcm)) > 0xFFFFFFFF:
            raise OSError(errno.EFBIG, "a WAV file holds at most 4 GiB", str(self.path))
        self._file.write(pcm.astype("<i2", copy=False).tobytes())
        self.samples += len(pcm)
        if self.samples - self._patched >= self._patch_every:
            self._patch()

    def _patch(self) -> None:
        self._file.flush()  # the sound first: the header never promises what is not there
        self._file.seek(0)
        self._file.write(_header(self.rate, self.samples))
        self._file.flush()
        self._file.seek(0, os.SEEK_END)
        self._patched = self.samples

    def close(self) -> None:
        """Completes the file; more calls do nothing."""
        if self._file.closed:
            return
        try:
            self._patch()
        finally:
            self._close_file()

    def _close_file(self) -> None:
        try:
            self._file.close()
        except OSError:
            # The buffer could not be flushed; that was raised already. The descriptor is closed all the same.
            assert self._file.closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _header(rate: int, samples: int) -> bytes:
    size = 2 * samples
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", size
    )
