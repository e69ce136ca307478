"""What was pasted to reach a server by becomes the address of its protocol, a key, and whom to trust."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PATH = "/v1/realtime"
LEASES = "/v1/leases"
SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class BadAddress(ValueError):
    """The address, the key or the certificate cannot be used; the message says why and what to do, in a line."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: ``url`` of its WebSocket, and the ``key`` that it asks for, if any.

    Of a ``pool`` it is the lease endpoint, which is asked before each connection where to.
    """

    url: str
    key: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    pool: bool = False


def find_server(text: str, key_file: Path | None = None, ca: Path | None = None, *, pool: bool = False) -> Address:
    """Reads an address: of the page as the server prints it (``https://spark:8765/#key=…``), or of its WebSocket.

    With ``pool`` it is that of a lease endpoint.

    The key is that of ``key_file``, else of the address. ``ca`` holds the authority that
    signed the server's certificate, PEM. Raises :class:`BadAddress`.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise BadAddress(f"{text.partition('#')[0]} is no address; the server prints one, such as http://spark:8765/.")
    scheme = SCHEMES[parts.scheme]
    key: str | None = next(iter(parse_qs(parts.fragment).get("key", [])), None)
    try:
        if key_file:
            key = key_file.read_text("utf-8", "replace").strip()
        tls = ssl.create_default_context(cafile=ca) if scheme == "wss" or pool else None
    except OSError as error:  # an SSLError is one, and names no file
        raise BadAddress(f"{error.filename or ca} cannot be read: {error.strerror}") from None
    path = parts.path if parts.path.strip("/") else LEASES if pool else PATH
    scheme = scheme.replace("ws", "http") if pool else scheme
    return Address(f"{scheme}://{parts.netloc.rpartition('@')[2]}{path}", key, tls, pool)
