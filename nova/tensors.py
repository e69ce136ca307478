"""The few tensor types that text generation needs, in the two encodings of the KServe v2 protocol.

Pure: a :class:`Tensor` is plain values; it becomes raw bytes for gRPC or a JSON object for REST. No numpy, because a
prompt is one string and a round trip through an object array would only cost time.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Datatype = Literal["BYTES", "BOOL", "INT32", "UINT64", "FP32"]
Value = str | bool | int | float

_PACK = {"BOOL": "<?", "INT32": "<i", "UINT64": "<Q", "FP32": "<f"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor; ``values`` in row-major order fill ``shape``."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    values: tuple[Value, ...]

    def raw(self) -> bytes:
        """The bytes of ``raw_input_contents``: little endian; each of BYTES is preceded by its length in 32 bits."""
        if self.datatype == "BYTES":
            return b"".join(struct.pack("<I", len(b)) + b for b in (str(v).encode() for v in self.values))
        return b"".join(struct.pack(_PACK[self.datatype], v) for v in self.values)

    def json(self) -> dict[str, Any]:
        """The tensor as an entry of a REST request's ``inputs``."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape), "data": list(self.values)}


def parse_bytes(raw: bytes) -> list[bytes]:
    """The elements of a BYTES tensor from its raw content; raises ``ValueError`` if a length lies."""
    items: list[bytes] = []
    at = 0
    while at < len(raw):
        if at + 4 > len(raw):
            raise ValueError("a BYTES tensor ends in the middle of a length")
        (length,) = struct.unpack_from("<I", raw, at)
        at += 4
        if at + length > len(raw):
            raise ValueError("a BYTES tensor is shorter than it says")
        items.append(raw[at : at + length])
        at += length
    return items


def raw_bytes(items: Sequence[bytes]) -> bytes:
    """The raw content of a BYTES tensor, the inverse of :func:`parse_bytes`."""
    return b"".join(struct.pack("<I", len(item)) + item for item in items)
