"""Reads the tensors of a ggml file as written for Silero VAD. Only that: other networks' headers differ."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x67676D6C
_KIND = b"silero-16k"
_DTYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 1: np.dtype("<f2")}
_MAX_BYTES = 64 << 20


class GgmlError(Exception):
    """The weights cannot be used; the message says why in one line."""


def read_ggml(path: Path) -> dict[str, NDArray[np.float32]]:
    """All tensors by name, each flat and as float32 whatever it was stored as.

    Layout, all integers little-endian int32: the magic, the kind as a counted string, a version of three numbers,
    window and context, the number of encoder layers and three numbers for each, LSTM sizes (2) and head sizes (2);
    then tensors until the file ends: dimensions, length of the name, type (0 float32, 1 float16), the sizes, name,
    data. Raises :class:`GgmlError` for any other file.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise GgmlError(f"{path} is too large for Silero weights")
        data = path.read_bytes()
    except OSError as error:
        raise GgmlError(f"Silero weights cannot be read: {error}") from error
    try:
        return _parse(data)
    except (struct.error, ValueError, KeyError, OverflowError) as error:
        raise GgmlError(f"{path} is not a whole ggml file of Silero VAD 16 kHz: {error}") from error


def _parse(data: bytes) -> dict[str, NDArray[np.float32]]:
    at = 0

    def ints(count: int) -> tuple[int, ...]:
        nonlocal at
        values = struct.unpack_from(f"<{count}i", data, at)
        at += 4 * count
        return values

    magic, length = ints(2)
    if magic != _MAGIC or data[at : at + max(length, 0)] != _KIND:
        raise ValueError("wrong magic or kind")
    at += length
    (*_, layers) = ints(6)
    if not 0 <= layers <= 64:
        raise ValueError(f"{layers} encoder layers")
    ints(3 * layers + 4)
    tensors: dict[str, NDArray[np.float32]] = {}
    while at < len(data):
        dimensions, length, kind = ints(3)
        if not (0 <= dimensions <= 4 and 0 < length <= 256):
            raise ValueError("a tensor's header makes no sense")
        count = 1
        for size in ints(dimensions):
            count *= size
        name = data[at : at + length].decode("ascii")
        at += length
        dtype = _DTYPES[kind]
        if count <= 0:
            raise ValueError(f"{name} has {count} elements")
        tensors[name] = np.frombuffer(data, dtype, count, at).astype(np.float32)
        at += count * dtype.itemsize
    return tensors
