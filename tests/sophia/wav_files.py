"""WAV files as writers make them, the odd ones among them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
INT, FLOAT = 1, 3


def chunk(name: bytes, body: bytes, order: str = "<", *, size: int | None = None, pad: bool = True) -> bytes:
    told = len(body) if size is None else size
    return name + struct.pack(f"{order}I", told) + body + b"\0" * (len(body) % 2 if pad else 0)


def riff(*chunks: bytes, container: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    order = ">" if container == b"RIFX" else "<"
    return container + struct.pack(f"{order}I", len(body) if container in (b"RIFF", b"RIFX") else 0xFFFFFFFF) + body


@dataclass(frozen=True)
class Stored:
    """How samples are stored: ``bits`` count in ``width`` bytes, ``low`` ones or, as is standard, high ones."""

    kind: int = INT
    bits: int = 16
    width: int = 2
    low: bool = False
    extensible: bool = False
    order: str = "<"

    def fmt(self, channels: int, rate: int) -> bytes:
        block = channels * self.width
        kind = 0xFFFE if self.extensible else self.kind
        told = 8 * self.width if self.extensible else self.bits
        body = struct.pack(f"{self.order}HHIIHH", kind, channels, rate, rate * block, block, told)
        if self.extensible:
            body += struct.pack(f"{self.order}HHIH", 22, self.bits, 0, self.kind) + GUID_TAIL
        return chunk(b"fmt ", body, self.order)

    def encode(self, x: np.ndarray) -> bytes:
        """``x``, in -1 … 1, in this format."""
        if self.kind == FLOAT:
            return x.astype(f"{self.order}f{self.width}").tobytes()
        whole = np.rint(x * (2 ** (self.bits - 1) - 1)).astype(np.int64)
        if self.width == 1:
            return (whole + 128).astype(np.uint8).tobytes()
        if not self.low:
            whole = whole << (8 * self.width - self.bits)
        raw = whole.astype("<i8").view(np.uint8).reshape(-1, 8)[:, : self.width]
        return raw[:, :: 1 if self.order == "<" else -1].tobytes()
