"""The messages between the service and its recognition workers: a kind byte, a length, the bytes. Pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pipelines.embedded.speech.ears.hypothesis import Heard, HeardWord

HEADER = struct.Struct("<cI")
LONGEST = 8 << 20
"""No message is longer: a bound against a broken peer."""

SETTINGS, AUDIO, END_UTTERANCE, CLOSE = b"S", b"A", b"E", b"C"
"""To a worker: how to listen (JSON, first and once), sound, end the utterance now, no more sound."""

RESULT, FAILED, DONE = b"R", b"X", b"D"
"""From a worker: a result (JSON), why it cannot go on (text), the end."""


class BrokenPeer(Exception):
    """A message that cannot be right."""


def pack(kind: bytes, payload: bytes = b"") -> bytes:
    """A message as bytes."""
    return HEADER.pack(kind, len(payload)) + payload


def length(header: bytes) -> tuple[bytes, int]:
    """Kind and payload length from a header; raises :class:`BrokenPeer` on an absurd one."""
    kind, size = HEADER.unpack(header)
    if size > LONGEST:
        raise BrokenPeer(f"a message of {size} bytes")
    return kind, size


class Unpacker:
    """Finds messages in a byte stream cut anywhere."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            kind, size = length(bytes(self._buffer[: HEADER.size]))
            end = HEADER.size + size
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield kind, payload


def pack_result(heard: Heard) -> bytes:
    """A result as a message."""
    return pack(RESULT, json.dumps(asdict(heard)).encode())


def read_result(payload: bytes) -> Heard:
    """The result in a :data:`RESULT` message."""
    fields: dict[str, Any] = json.loads(payload)
    fields["words"] = tuple(HeardWord(**word) for word in fields["words"])
    fields["others"] = tuple(fields["others"])
    return Heard(**fields)
