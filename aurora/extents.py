"""Does what a GLB's JSON says of its numbers fit the file, and the memory of whoever loads them? No vertex is read.

A loader makes room for what an accessor claims, before it looks. So a few bytes of JSON could ask for gigabytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aurora.glb import Json, ModelRefused, inner, objects

MOST_NUMBERS: Final = 250_000_000
"""Of all accessors together; a file of the largest size that holds bytes alone has fewer."""

BYTES: Final = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
"""Of a number, by glTF's ``componentType``."""
WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
"""Numbers of an element, by glTF's ``type``."""


def whole(value: object) -> int | None:
    """A number that counts or names something; ``None`` for anything else."""
    if type(value) is float and value.is_integer():
        value = int(value)  # some exporters write 289.0
    return value if type(value) is int and 0 <= value < 1 << 40 else None


def check_extents(path: Path, gltf: Json, size: int) -> None:
    """Raises :class:`~aurora.glb.ModelRefused` where views or accessors leave the file, which has ``size`` bytes."""
    buffers = objects(gltf, "buffers")
    if len(buffers) > 1:
        raise ModelRefused(path, "it keeps its vertices in another file; export it as one GLB")
    held = whole(buffers[0].get("byteLength")) if buffers else 0
    if held is None or held > size:
        raise ModelRefused(path, "its vertices lie beyond the end of the file")
    lengths: list[int] = []
    for view in objects(gltf, "bufferViews"):
        start, length = whole(view.get("byteOffset", 0)), whole(view.get("byteLength"))
        if view.get("buffer") != 0 or start is None or length is None or start + length > held:
            raise ModelRefused(path, "a part of it lies beyond the end of the file")
        lengths.append(length)
    numbers = 0
    for accessor in objects(gltf, "accessors"):
        numbers += _numbers(path, gltf, lengths, accessor)
        if numbers > MOST_NUMBERS:
            raise ModelRefused(path, f"it claims more than {MOST_NUMBERS // 1_000_000} million numbers")


def _numbers(path: Path, gltf: Json, lengths: list[int], accessor: Json) -> int:
    """How many numbers an accessor stands for, once it is known that they are there."""
    count, kind, shape = whole(accessor.get("count")), accessor.get("componentType"), accessor.get("type")
    width = WIDTHS.get(shape) if isinstance(shape, str) else None
    item = BYTES.get(kind) if type(kind) is int else None
    if count is None or width is None or item is None:
        raise ModelRefused(path, "its numbers are of a kind that glTF does not know")
    sparse = accessor.get("sparse")
    if isinstance(sparse, dict):
        some, places = whole(sparse.get("count")), BYTES.get(_kind(sparse, "indices"))
        inside = some is not None and places is not None and some <= count
        inside = inside and _fits(gltf, lengths, inner(sparse, "indices"), some or 0, places or 0)
        inside = inside and _fits(gltf, lengths, inner(sparse, "values"), some or 0, item * width)
        if not inside:
            raise ModelRefused(path, "its numbers lie beyond the end of what holds them")
    if "bufferView" in accessor and not _fits(gltf, lengths, accessor, count, item * width):
        raise ModelRefused(path, "its numbers lie beyond the end of what holds them")
    return count * width


def _kind(sparse: Json, part: str) -> int:
    kind = inner(sparse, part).get("componentType")
    return kind if type(kind) is int else 0


def _fits(gltf: Json, lengths: list[int], holder: Json, count: int, item: int) -> bool:
    """Whether ``count`` items of ``item`` bytes lie within the view that ``holder`` names."""
    place, offset = whole(holder.get("bufferView")), whole(holder.get("byteOffset", 0))
    if place is None or place >= len(lengths) or offset is None:
        return False
    stride = whole(gltf["bufferViews"][place].get("byteStride", item))
    if stride is None or (stride < item and count > 1):
        return False
    return offset + stride * max(0, count - 1) + (item if count else 0) <= lengths[place]
