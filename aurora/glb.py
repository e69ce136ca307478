"""The JSON of a GLB file, read as what it is: a stranger's file. No numpy, no vertex is looked at.

A GLB is twelve bytes of header and then chunks; the first holds the JSON that tells what is in the others. Only that
one is read.
"""

from __future__ import annotations

import json
import stat
import struct
from pathlib import Path
from typing import Any, NoReturn

LARGEST_FILE = 200_000_000
"""Bytes. A page loads the whole file."""
LARGEST_JSON = 8_000_000
"""Bytes. A full body with 52 shapes on five meshes takes 0.3 MB."""

_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")

Json = dict[str, Any]


class ModelRefused(Exception):
    """A file that the page could not show. The message is one line: the file, and what is wrong with it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


def read_gltf(path: Path) -> Json:
    """The glTF description in a GLB file. Raises :class:`ModelRefused`."""
    try:
        about = path.stat()
        size = about.st_size
        if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(about.st_mode):  # a folder says so itself
            raise ModelRefused(path, "no file, but a device or a pipe")
        if size > LARGEST_FILE:
            raise ModelRefused(path, f"{size / 1e6:.0f} MB; at most {LARGEST_FILE / 1e6:.0f} MB are sent to a page")
        with path.open("rb") as file:
            raw = file.read(_HEADER.size + _CHUNK.size)
            length = _json_length(path, raw, size)
            text = file.read(length)
    except OSError as error:
        raise ModelRefused(path, (error.strerror or "cannot be read").lower()) from None
    if len(text) < length:
        raise ModelRefused(path, "the file is cut off")
    return _described(path, text)


def _json_length(path: Path, raw: bytes, size: int) -> int:
    """Bytes of JSON that follow the header ``raw`` in a file of ``size`` bytes."""
    if raw[:4] != b"glTF":
        hint = "; export it as glTF binary (.glb)" if path.suffix.lower() != ".glb" else ""
        raise ModelRefused(path, f"not a GLB file{hint}")
    if len(raw) < _HEADER.size + _CHUNK.size:
        raise ModelRefused(path, "the file is cut off")
    _, version, declared = _HEADER.unpack_from(raw)
    if version != 2:
        raise ModelRefused(path, f"GLB version {version}; version 2 is needed")
    if declared > size:
        raise ModelRefused(path, f"the file is cut off: {size} of {declared} bytes")
    length, kind = _CHUNK.unpack_from(raw, _HEADER.size)
    if kind != b"JSON":
        raise ModelRefused(path, "its first chunk is not JSON")
    if length > LARGEST_JSON:
        raise ModelRefused(path, f"its JSON has {length} bytes; at most {LARGEST_JSON} are read")
    if length > declared - _HEADER.size - _CHUNK.size:
        raise ModelRefused(path, "its JSON is longer than the file")
    assert isinstance(length, int)
    return length


def _described(path: Path, text: bytes) -> Json:
    try:
        gltf = json.loads(text.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ModelRefused(path, "its JSON is broken") from None
    if not isinstance(gltf, dict):
        raise ModelRefused(path, "its JSON is no object")
    return gltf


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def objects(holder: Any, key: str) -> list[Json]:
    """``holder[key]`` as a list of objects; whatever is not one is an empty object, so that places stay right."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return [item if isinstance(item, dict) else {} for item in found] if isinstance(found, list) else []


def texts(holder: Any, key: str) -> list[str]:
    """``holder[key]`` as a list of strings; whatever is not one is an empty string."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return [item if isinstance(item, str) else "" for item in found] if isinstance(found, list) else []


def inner(holder: Any, *keys: str) -> Json:
    """The object below ``keys``; an empty one where there is none."""
    for key in keys:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) else {}
