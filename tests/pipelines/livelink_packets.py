"""Live Link Face's datagrams as a receiver reads them: written from the published layout, not from our sender.

One byte of version, two texts (a length of 32 bits, then ASCII), a frame number of 32 bits, its part as a float, the
rate as two numbers of 32 bits, one byte that counts the curves, and a float for each. High bytes come first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass
class Packet:
    version: int
    device: str
    subject: str
    frame: int
    part: float
    rate: tuple[int, int]
    values: list[float]


def decode(raw: bytes) -> Packet:
    """The datagram; every byte of it is used."""
    place = 0

    def take(form: str):
        nonlocal place
        found = struct.unpack_from(form, raw, place)
        place += struct.calcsize(form)
        return found

    (version,) = take(">B")
    texts = []
    for _ in range(2):
        (length,) = take(">i")
        assert 0 <= length <= 256
        texts.append(raw[place : place + length].decode("ascii"))
        place += length
    frame, part, numerator, denominator = take(">ifii")
    (count,) = take(">B")
    values = list(take(f">{count}f"))
    assert place == len(raw)
    return Packet(version, texts[0], texts[1], frame, part, (numerator, denominator), values)
