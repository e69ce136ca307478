"""Bytes for a server's port, none of them quite what the protocols allow. The same seed gives the same bytes."""

from __future__ import annotations

import json
import zlib

from attacker import masked

PATHS = (
    "/v1/realtime",
    "/v1/realtime?watch=1",
    "/",
    "/page.json",
    "/metrics",
    "/v1/models",
    "/v1/realtime/client_secrets",
)
EVENTS = (
    {"type": "session.update", "session": {"type": "realtime", "sophia": {"resume": "resume_AAAA"}}},
    {"type": "input_audio_buffer.append", "audio": "AAAA" * 400},
    {"type": "response.create", "response": {"conversation": "none", "output_modalities": ["text"]}},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
)
BOMB = zlib.compress(bytes(30 << 20), 9)[2:-4]
"""30 kB that are 30 MiB once unpacked."""

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""A request in the body of another: who answers it was led astray."""


def upgrade(path="/v1/realtime", more=b""):
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".encode()
    return head + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + more + b"\r\n"


def smuggling(chance):
    """A request whose end two readers might see in two places, and one behind it. Two answers are too many."""
    size = len(HIDDEN)
    framing = chance.choice(
        (
            f"Content-Length: {size}\r\nTransfer-Encoding: chunked",
            f"Transfer-Encoding: chunked\r\nContent-Length: {size}",
            f"Content-Length: 0\r\nContent-Length: {size}",
            f"Content-Length: {size}\r\nTransfer-Encoding: identity, chunked, identity",
            f"Content-Length: {size}\r\nTransfer-Encoding : chunked",
            f"Content-Length: +{size}",
            f"Content-Length: {size}, {size + 1}",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, chunked",
            f"Content-Length: {size}\r\n Transfer-Encoding: chunked",
        )
    )
    method, path = chance.choice(("GET", "POST", "PUT")), chance.choice(PATHS)
    line_end = chance.choice(("\r\n", "\r\n", "\n"))
    head = line_end.join((f"{method} {path} HTTP/1.1", "Host: localhost", *framing.split("\r\n"), "", ""))
    return head.encode() + chance.choice((b"0\r\n\r\n", b"1\r\nx\r\n0\r\n\r\n", b"")) + HIDDEN


def request(chance):
    """A request that is spoiled somewhere: cut, stretched, or with a byte changed."""
    whole = bytearray(
        upgrade(chance.choice(PATHS), chance.choice((b"", b"Origin: http://evil.example\r\n", b"X: \xff\r\n")))
    )
    how = chance.choice(("cut", "change", "stretch", "repeat", "method", "old", "two"))
    at = chance.randrange(len(whole))
    if how == "cut":
        del whole[at:]
    elif how == "change":
        whole[at] = chance.randrange(256)
    elif how == "stretch":
        whole[at:at] = chance.choice((b"a", b"\x00", b"\r\n", b" ")) * chance.choice((1, 9000, 70_000))
    elif how == "repeat":
        whole[-2:-2] = chance.choice((b"Host: evil.example\r\n", b"Sec-WebSocket-Key: BBBB\r\n", b"X-A: b\r\n" * 2000))
    elif how == "method":
        whole[:3] = chance.choice((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"get", b"CONNECT", b"\x16\x03\x01", b"GET\t"))
    elif how == "old":
        whole = whole.replace(b"HTTP/1.1", chance.choice((b"HTTP/1.0", b"HTTP/0.9", b"HTTP/9.9", b"", b"HTTP/1.1.1")))
    else:
        whole *= 2
    return bytes(whole)


def frame(chance):
    """A frame with any opcode, any flags, any length, and a mask or none."""
    payload = chance.choice(
        (
            chance.randbytes(chance.randrange(200)),
            json.dumps(chance.choice(EVENTS)).encode(),
            b"\xed\xa0\x80" * chance.randrange(50),
            chance.randrange(1 << 16).to_bytes(2, "big"),
            BOMB,
        )
    )
    first = chance.choice((0, 0x80)) | chance.choice((0, 0, 0, 0x40, 0x20, 0x70)) | chance.randrange(16)
    said = chance.choice((len(payload), len(payload), 0, 5, 126, 1 << 15, 1 << 20, (1 << 63) - 1, (1 << 64) - 1))
    form = chance.choice((7, 16, 64))
    if form == 7 or (form == 16 and said >= 1 << 16):
        size, said = b"", min(said, 125)
    else:  # perhaps longer than it need be
        size, said = said.to_bytes(form // 8, "big"), 126 if form == 16 else 127
    mask = chance.choice((b"", bytes(4), b"\x01\x02\x03\x04"))
    return bytes([first, (0x80 if mask else 0) | said]) + size + mask + payload


def frames(chance):
    """What follows on an open WebSocket: proper messages, spoiled ones, and parts of control frames."""
    found = []
    for _ in range(chance.randrange(1, 8)):
        proper = masked(1, json.dumps(chance.choice(EVENTS)).encode())
        spoiled = bytearray(proper)
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
        control = masked(chance.choice((8, 9, 10)), chance.randbytes(chance.choice((0, 1, 2, 50, 126))))
        parted = bytes([control[0] & 0x7F]) + control[1:]
        found.append(chance.choice((proper, bytes(spoiled), control, parted, frame(chance), frame(chance))))
    whole = b"".join(found)
    return whole if chance.random() < 0.8 else whole[: chance.randrange(len(whole))]
