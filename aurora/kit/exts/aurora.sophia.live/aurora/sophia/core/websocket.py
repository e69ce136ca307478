"""A WebSocket client for text messages (RFC 6455), on Python's own socket and ssl: Kit brings no such library.

:class:`Frames` and :func:`handshake` are the protocol without I/O; :class:`WebSocket` is the thin shell around them.
It belongs to one thread. Messages, headers and waits are bounded: the peer is not trusted.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import secrets
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3: what the server's answer to a key is made with."""

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

MOST_BYTES = 1 << 20
"""Longest message that is taken, in bytes; a longer one ends the connection with code 1009."""

MOST_HEADER_BYTES = 16384
CONNECT_SECONDS = 5.0
SEND_SECONDS = 2.0


class ConnectionLost(Exception):
    """The connection cannot be made or goes no further; the message is one line that says why.

    ``code`` is the peer's close code, or the HTTP status of a refused upgrade, 0 if there was none.
    """

    def __init__(self, why: str, code: int = 0) -> None:
        super().__init__(why)
        self.code = code


class Message(NamedTuple):
    """A whole message or control frame: its opcode and its payload."""

    kind: int
    payload: bytes


def frame(kind: int, payload: bytes, mask: bytes | None = None) -> bytes:
    """One unfragmented frame as a client sends it: masked, with ``mask`` or with random bytes."""
    mask = mask if mask is not None else secrets.token_bytes(4)
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | kind, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | kind, 0x80 | 127, size)
    if size:
        repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        payload = (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big")
    return head + mask + payload


class Frames:
    """Bytes of a server, cut anywhere, become messages. Raises :class:`ConnectionLost` for what RFC 6455 forbids."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._kind = 0
        self._message = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that ``data`` completes."""
        self._bytes += data
        while (found := self._frame()) is not None:
            if (message := self._assemble(*found)) is not None:
                yield message

    def _frame(self) -> tuple[int, bool, bytes] | None:
        got = self._bytes
        if len(got) < 2:
            return None
        kind, last, size, at = got[0] & 0x0F, bool(got[0] & 0x80), got[1] & 0x7F, 2
        if got[0] & 0x70:
            raise ConnectionLost("the server uses an extension that was not agreed on", 1002)
        if got[1] & 0x80:
            raise ConnectionLost("the server masks its frames", 1002)
        if kind >= CLOSE and (size > 125 or not last):
            raise ConnectionLost("the server sends a control frame that is too long", 1002)
        if size > 125:
            wide = 2 if size == 126 else 8
            if len(got) < 2 + wide:
                return None
            size, at = int.from_bytes(got[2 : 2 + wide], "big"), 2 + wide
        if size + (len(self._message) if kind < CLOSE else 0) > MOST_BYTES:
            raise ConnectionLost(f"the server sends a message of more than {MOST_BYTES} bytes", 1009)
        if len(got) < at + size:
            return None
        payload = bytes(got[at : at + size])
        del got[: at + size]
        return kind, last, payload

    def _assemble(self, kind: int, last: bool, payload: bytes) -> Message | None:
        if kind >= CLOSE:
            if kind not in (CLOSE, PING, PONG):
                raise ConnectionLost("the server sends a frame of an unknown kind", 1002)
            return Message(kind, payload)
        if (kind == 0) != bool(self._kind) or kind not in (0, TEXT, BINARY):
            raise ConnectionLost("the server sends fragments out of order", 1002)
        self._kind = self._kind or kind
        self._message += payload  # not a list of pieces: endless empty ones cost nothing here
        if not last:
            return None
        message = Message(self._kind, bytes(self._message))
        self._kind, self._message = 0, bytearray()
        return message


class Address(NamedTuple):
    """Where a ``ws:`` or ``wss:`` URL leads."""

    secure: bool
    host: str
    port: int
    path: str


def address(url: str) -> Address:
    """The parts of ``url``; raises :class:`ConnectionLost` where it is none of ours."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConnectionLost(f"{url!r} is no address; ws://127.0.0.1:8765/v1/realtime?watch=1 is one") from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ConnectionLost(f"{url!r} is no address; ws://127.0.0.1:8765/v1/realtime?watch=1 is one")
    secure = parts.scheme == "wss"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(secure, parts.hostname, port or (443 if secure else 80), path)


def handshake(to: Address, key: str, headers: dict[str, str]) -> bytes:
    """The request that asks for the upgrade; ``key`` is 16 random bytes in base64."""
    host = f"[{to.host}]" if ":" in to.host else to.host
    lines = [
        f"GET {to.path} HTTP/1.1",
        f"Host: {host}:{to.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise ConnectionLost("the address or the key holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def check_answer(head: bytes, key: str) -> None:
    """Raises :class:`ConnectionLost` if ``head``, the answer's lines, is not the upgrade that ``key`` asked for."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.1") or not re.fullmatch("[0-9]{3}", parts[1]):
        raise ConnectionLost("what answers there is no web server")
    status = int(parts[1])
    if status != 101:
        what = {401: "the key is wrong or missing", 403: "the server refuses this address", 404: "no Sophia is there"}
        raise ConnectionLost(what.get(status, f"the server answers {_plain(' '.join(parts[1:]))}"), status)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    wanted = base64.b64encode(hashlib.sha1((key + GUID).encode("ascii")).digest()).decode("ascii")
    if fields.get("sec-websocket-accept") != wanted:
        raise ConnectionLost("what answers there speaks no WebSocket")


class WebSocket:
    """An open connection, for one thread: an SSL socket does not bear two.

    ``token`` is sent as a bearer key, never in the address. ``ca`` is a file of certificates to trust besides the
    system's. Making one raises :class:`ConnectionLost`.
    """

    def __init__(self, url: str, token: str = "", ca: str = "") -> None:
        to = address(url)
        self._frames = Frames()
        self._waiting: deque[Message] = deque()
        try:
            self._socket = socket.create_connection((to.host, to.port), timeout=CONNECT_SECONDS)
        except OSError as error:
            raise ConnectionLost(f"nothing answers at {to.host}:{to.port} ({error.strerror or error})") from error
        except ValueError:  # UnicodeError for a name with a part that is empty or too long
            raise ConnectionLost(f"{to.host!r} can be no machine's name") from None
        try:
            if to.secure:
                context = ssl.create_default_context()
                if ca:
                    _trust(context, os.path.expanduser(ca))
                self._socket = context.wrap_socket(self._socket, server_hostname=to.host)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            key = base64.b64encode(secrets.token_bytes(16)).decode("ascii")
            self._socket.sendall(handshake(to, key, {"Authorization": f"Bearer {token}"} if token else {}))
            head, rest = self._head()
            check_answer(head, key)
            self._waiting.extend(self._frames.feed(rest))
        except ssl.SSLCertVerificationError as error:
            self._socket.close()
            why = f"the certificate of {to.host} is not trusted ({error.verify_message}); name its authority as ca_file"
            raise ConnectionLost(why) from error
        except OSError as error:
            self._socket.close()
            raise ConnectionLost(f"{to.host}:{to.port} hangs up ({error.strerror or error})") from error
        except ConnectionLost:
            self._socket.close()
            raise

    def _head(self) -> tuple[bytes, bytes]:
        got, deadline = b"", time.monotonic() + CONNECT_SECONDS
        while b"\r\n\r\n" not in got:
            data = self._socket.recv(4096)
            if not data or len(got) > MOST_HEADER_BYTES or time.monotonic() > deadline:
                raise ConnectionLost("what answers there is no web server")
            got += data
        head, _, rest = got.partition(b"\r\n\r\n")
        return head, rest

    def receive(self, seconds: float) -> str | None:
        """The next text message; ``None`` if none came within ``seconds``, an empty one for a ping.

        Whatever else the server sends, and however slowly, it does not hold the caller for longer. Raises
        :class:`ConnectionLost`.
        """
        until = time.monotonic() + seconds
        while True:
            while self._waiting:
                kind, payload = self._waiting.popleft()
                if kind == TEXT:
                    return payload.decode("utf-8", "replace")
                if kind == PING:
                    self._write(frame(PONG, payload))
                    return ""
                if kind == CLOSE:
                    code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else 1005
                    why = _plain(payload[2:].decode("utf-8", "replace"))
                    raise ConnectionLost(why or "the server ended it", code)
            if (left := until - time.monotonic()) <= 0:
                return None
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                raise ConnectionLost(f"the connection broke ({error.strerror or error})", 1006) from error
            if not data:
                raise ConnectionLost("the server is gone", 1006)
            self._waiting.extend(self._frames.feed(data))

    def send(self, text: str) -> None:
        """Sends a text message. Raises :class:`ConnectionLost`."""
        self._write(frame(TEXT, text.encode("utf-8")))

    def _write(self, data: bytes) -> None:
        try:
            self._socket.settimeout(SEND_SECONDS)
            self._socket.sendall(data)
        except OSError as error:
            raise ConnectionLost(f"the connection broke ({error.strerror or error})", 1006) from error

    def close(self) -> None:
        """Says goodbye and closes, without waiting for an answer."""
        with contextlib.suppress(ConnectionLost):
            self._write(frame(CLOSE, struct.pack("!H", 1000)))
        self._socket.close()


def _plain(text: str) -> str:
    """What a server says, as a part of one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:120]


def _trust(context: ssl.SSLContext, ca: str) -> None:
    try:
        context.load_verify_locations(ca)
    except OSError as error:  # of which ssl.SSLError is one: the file holds no certificate
        raise ConnectionLost(f"{ca} cannot be read as certificates ({error.strerror or error})") from error
