"""The numbers in a GLB file: vertices, indices, morph targets, pictures. A stranger's file: all is bounded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.extents import WIDTHS, whole
from aurora.glb import Json, ModelRefused, inner, objects, read_gltf

MOST_NUMBERS = 100_000_000
"""In all accessors that are read, each time that one is; a head of 100,000 points and 52 shapes has a third of that."""

_TYPES: dict[int, tuple[str, float]] = {
    5120: ("<i1", 127.0), 5121: ("<u1", 255.0), 5122: ("<i2", 32767.0), 5123: ("<u2", 65535.0), 5125: ("<u4", 0.0),
    5126: ("<f4", 0.0),
}  # fmt: skip
"""By glTF's number: numpy's name, and what 1 is where a number is normalised."""

Numbers = NDArray[Any]


class Glb:
    """A GLB file that is open for reading. Raises :class:`~aurora.glb.ModelRefused` for one that is broken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.json: Json = read_gltf(path)
        self._data = _binary(path)
        self._views = objects(self.json, "bufferViews")
        self._accessors = objects(self.json, "accessors")
        self.nodes, self.meshes, self.skins = (objects(self.json, key) for key in ("nodes", "meshes", "skins"))
        self._left = MOST_NUMBERS

    def refused(self, reason: str) -> ModelRefused:
        """The error that says ``reason`` of this file."""
        return ModelRefused(self.path, reason)

    def numbers(self, index: object) -> Numbers:
        """An accessor's values, shape ``(count, width)``: normalised ones as float32, others as they are stored."""
        accessor = self._entry(self._accessors, index, "an accessor")
        kind, scale, width = self._form(accessor)
        count = whole(accessor.get("count"))
        if count is None:
            raise self.refused(f"an accessor has {str(accessor.get('count'))[:20]} values")
        self._left -= count * width
        if self._left < 0:
            raise self.refused(f"it has more than {MOST_NUMBERS // 1_000_000} million numbers")
        if "bufferView" in accessor:
            values = self._strided(accessor, kind, count, width)
        else:
            values = np.zeros((count, width), kind)
        if isinstance(accessor.get("sparse"), dict):
            values = self._sparse(accessor["sparse"], values, kind, width)
        if accessor.get("normalized") is True and scale:
            values = np.maximum(values.astype(np.float32) / np.float32(scale), np.float32(-1.0))
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise self.refused("a vertex is nowhere: its numbers are not finite")
        return values

    def bytes_of(self, view: object) -> bytes:
        """What is in a buffer view, such as a picture."""
        entry = self._entry(self._views, view, "a buffer view")
        start, length = self._range(entry)
        return bytes(self._data[start : start + length])

    def _form(self, accessor: Json) -> tuple[str, float, int]:
        kind, width = accessor.get("componentType"), accessor.get("type")
        if type(kind) is not int or kind not in _TYPES or not isinstance(width, str) or width not in WIDTHS:
            raise self.refused("an accessor has a type that glTF does not know")
        return *_TYPES[kind], WIDTHS[width]

    def _strided(self, accessor: Json, kind: str, count: int, width: int) -> Numbers:
        view = self._entry(self._views, accessor.get("bufferView"), "a buffer view")
        start, length = self._range(view)
        item = np.dtype(kind).itemsize * width
        stride = whole(view.get("byteStride", item))
        offset = whole(accessor.get("byteOffset", 0))
        if stride is None or offset is None or stride < item or offset + stride * max(0, count - 1) + item > length:
            raise self.refused("an accessor reaches beyond its buffer view")
        if not count:
            return np.zeros((0, width), kind)
        raw = np.frombuffer(self._data, np.uint8, stride * (count - 1) + item, start + offset)
        rows = np.lib.stride_tricks.as_strided(raw, (count, item), (stride, 1))
        return np.ascontiguousarray(rows).view(kind)

    def _sparse(self, sparse: Json, values: Numbers, kind: str, width: int) -> Numbers:
        count = whole(sparse.get("count"))
        where, what = inner(sparse, "indices"), inner(sparse, "values")
        known = where.get("componentType") in (5121, 5123, 5125)
        if count is None or count > len(values) or not known:
            raise self.refused("a sparse accessor is broken")
        places = self._strided(where, _TYPES[where["componentType"]][0], count, 1)[:, 0]
        if count and int(places.max()) >= len(values):
            raise self.refused("a sparse accessor changes a vertex that is not there")
        values = values.copy()
        values[places] = self._strided(what, kind, count, width)
        return values

    def _range(self, view: Json) -> tuple[int, int]:
        start, length = whole(view.get("byteOffset", 0)), whole(view.get("byteLength"))
        if view.get("buffer", 0) != 0 or start is None or length is None or start + length > len(self._data):
            raise self.refused("a buffer view reaches beyond the file")
        return start, length

    def _entry(self, entries: list[Json], index: object, what: str) -> Json:
        place = whole(index)
        if place is None or place >= len(entries):
            raise self.refused(f"it names {what} that is not there")
        return entries[place]


def _binary(path: Path) -> memoryview:
    """The second chunk of a file whose first one has been read."""
    with path.open("rb") as file:
        (length,) = struct.unpack_from("<I", file.read(20), 12)
        file.seek(20 + length)
        head = file.read(8)
        if len(head) < 8:
            return memoryview(b"")
        size, kind = struct.unpack("<I4s", head)
        data = file.read(size)
    if kind != b"BIN\0":
        raise ModelRefused(path, "its second chunk holds no vertices")
    if len(data) < size:
        raise ModelRefused(path, "the file is cut off")
    return memoryview(data)
