"""WAV files: any sensible one in as mono int16, ours out so that it can be played even after a crash.

The reader is our own (:mod:`sophia.riff`). The standard library's knows neither float nor WAVE_FORMAT_EXTENSIBLE.
libsndfile 1.2 refuses BW64, chunks without padding and a second data chunk, and its licence is copyleft. Files are
input from outside: sizes are bounded and every lie in a header ends in :class:`WavError`, never in a traceback. Reading
and writing block on the disk.
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
from sophia.riff import Unusable, parse

_MAX_BYTES = 256 << 20
_CANCELLED = 0.25
"""Channels cancel each other if their average has less than this share of the power of unrelated channels: -6 dB."""
_ALONE = 0.99
"""A channel with more than this share of all power is the only one with sound."""


class WavError(Exception):
    """A WAV file cannot be used: ``path``, ``what`` is wrong and a ``hint`` what to do, in one line."""

    kind = "settings"  # the file was named by whoever started the program

    def __init__(self, path: Path, what: str, hint: str) -> None:
        super().__init__(f"{path} {what}; {hint}")
        self.path, self.what, self.hint = path, what, hint


@dataclass(frozen=True, slots=True)
class Sound:
    """A whole recording: mono ``pcm`` at ``rate`` Hz, made of ``channels`` at ``recorded_rate`` Hz.

    ``note`` tells in one line what is missing in it or was guessed; it may be empty.
    """

    pcm: Pcm
    rate: int
    note: str = ""
    channels: int = 1
    recorded_rate: int = EAR_RATE

    @property
    def seconds(self) -> float:
        return len(self.pcm) / self.rate


def read_wav(path: Path, rate: int = EAR_RATE, max_seconds: float = 600.0) -> Sound:
    """Reads a WAV file of any integer (8 to 32 bit), float, µ-law or A-law format, any rate and channel count.

    Channels are averaged and the rate is converted to ``rate`` Hz. Where channels cancel each other, or one alone has
    sound, the loudest is used. A file cut short gives what is there. ``note`` says what is missing or was guessed.
    Raises :class:`WavError` where nothing can be played or it is longer than ``max_seconds``.
    """
    try:
        return _decode(_load(path), rate, max_seconds)
    except Unusable as error:
        raise WavError(path, error.what, error.hint) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        why = error.strerror if isinstance(error, OSError) else None
        raise WavError(path, f"cannot be read ({why or error})", "check the path and its rights") from error


def _load(path: Path) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise Unusable("is not a file", "name a WAV file")
    if status.st_size > _MAX_BYTES:
        raise Unusable(f"has {status.st_size >> 20} MiB, more than {_MAX_BYTES >> 20}", "cut it to what is needed")
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)


def _decode(raw: bytes, rate: int, max_seconds: float) -> Sound:
    recording = parse(raw)
    form = recording.format
    if recording.frames == 0:
        raise Unusable("holds no sound", "record it again")
    if recording.frames > max_seconds * form.rate:
        raise Unusable(f"is {recording.frames / form.rate:.0f} s long", f"cut it to {max_seconds:.0f} s or less")
    samples = _mixed(recording.samples(), recording.notes)
    if form.rate != rate:
        samples = soxr.resample(samples, form.rate, rate)
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    return Sound(pcm, rate, "; ".join(recording.notes), form.channels, form.rate)


def _mixed(samples: NDArray[np.float32], notes: list[str]) -> NDArray[np.float32]:
    """One channel of all: their average, or the loudest where the average would lose it.

    A microphone that is wired the wrong way round cancels the other one; a silent channel halves what the other heard.
    """
    mean: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    channels = samples.shape[1]
    if channels == 1:
        return mean
    powers = samples.var(axis=0, dtype=np.float64)  # a constant offset is no sound
    loudest, together = int(powers.argmax()), float(powers.sum())
    cancelled = float(mean.var(dtype=np.float64)) < _CANCELLED * together / channels**2
    if cancelled:
        notes.append(f"its {channels} channels cancel each other; used the loudest, number {loudest + 1}")
    if cancelled or powers[loudest] > _ALONE * together:
        mean = np.ascontiguousarray(samples[:, loudest])
    return mean


def wav_bytes(pcm: Pcm, rate: int) -> bytes:
    """The whole WAV file of ``pcm``, shape ``(samples,)``, int16, at ``rate`` Hz."""
    return _header(rate, len(pcm)) + pcm.astype("<i2", copy=False).tobytes()


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class WavWriter:
    """Writes mono int16 sound as it comes.

    The header is brought up to date every ``patch_seconds`` of sound, after that sound has reached the system, so
    the file is whole at any moment the process may die. ``file``, an open one, is written into in place of ``path`` and
    closed at the end. It is taken for a stream, as is a pipe: their header says that the length is unknown. A new file
    is its owner's alone: it holds a voice. A full disk surfaces as ``OSError`` from ``write`` or ``close``. Not for
    several tasks at once.
    """

    def __init__(self, path: Path, rate: int, patch_seconds: float = 1.0, *, file: BinaryIO | None = None) -> None:
        self.path, self.rate = path, rate
        self.samples = 0
        """Samples written so far."""
        self._patch_every = round(patch_seconds * rate)
        self._patched = 0
        self._file: BinaryIO = file or os.fdopen(os.open(path, _NEW, 0o600), "wb")
        self._streams = file is not None or not self._file.seekable()
        try:
            self._file.write(_header(rate, None if self._streams else 0))
            self._file.flush()
        except OSError:
            self._close_file()
            raise

    def write(self, pcm: Pcm) -> None:
        """Appends ``pcm``, shape ``(samples,)``, int16."""
        if not self._streams and len(_header(self.rate, 0)) + 2 * (self.samples + len(pcm)) > 0xFFFFFFFF:
            raise OSError(errno.EFBIG, "a WAV file holds at most 4 GiB", str(self.path))
        self._file.write(pcm.astype("<i2", copy=False).tobytes())
        self.samples += len(pcm)
        if self.samples - self._patched >= self._patch_every:
            self._patch()

    def _patch(self) -> None:
        self._file.flush()  # the sound first: the header never promises what is not there
        if not self._streams:
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


def _header(rate: int, samples: int | None) -> bytes:
    """The header of a file with so many samples; ``None``: nobody knows yet, which is written as the largest size."""
    size = 0xFFFFFFFF - 36 if samples is None else 2 * samples
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", size
    )
