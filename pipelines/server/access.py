"""Who may come in: by the name they call us, by the page they come from, by the key they show. Pure.

WebSockets know no same-origin policy, and a foreign page can point a name of its own at this machine (DNS rebinding).
So the name and the page are looked at in each request, on loopback as well.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from pipelines.server.secrets import Secrets
from pipelines.server.tokens import Tokens

KEY_PROTOCOL = "openai-insecure-api-key."
"""Prefix of the WebSocket subprotocol in which browsers hand over a key: they can send no other header."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is not let in: an HTTP ``status``, ``code`` and ``message`` as the protocol's errors have them.

    ``facts`` is what the page shows of it. 503 is worth to come again for.
    """

    status: int
    code: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)


MISDIRECTED = Refusal(421, "misdirected", "This server does not answer to that name (server.names).")
FOREIGN = Refusal(403, "origin_not_allowed", "Pages of that server may not connect (server.origins).")
KEYLESS = Refusal(401, "invalid_api_key", "This server asks for its key.")


class Access:
    """The rules of one server.

    ``names`` are what it may be called; an address in digits is no name that anybody could point here, so each is good.
    ``origins`` are pages of others that may connect. ``key`` is asked for, unless it is None.
    """

    def __init__(self, names: Iterable[str], origins: Iterable[str] = (), key: str | None = None) -> None:
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._origins = frozenset(_origin(origin) for origin in origins)
        self._key = None if key is None else key.encode()
        self.secrets = Secrets(key)
        """Mints and reads the keys of browsers."""
        self.tokens = Tokens(key)
        """Mints and reads what clients carry to another server."""

    @property
    def asks_for_a_key(self) -> bool:
        """Whether a key is needed."""
        return self._key is not None

    def page(self, headers: Mapping[str, str]) -> Refusal | None:
        """Whether a request for a file is refused. ``headers`` are looked up without regard to case by the caller."""
        return None if self._answers_to(headers.get("Host", "")) else MISDIRECTED

    def call(self, headers: Mapping[str, str], *, secure: bool) -> Refusal | None:
        """Whether a call that needs the key itself is refused; ``secure`` tells that it came over TLS."""
        if refusal := self.stranger(headers, secure=secure):
            return refusal
        if self._key is not None and not hmac.compare_digest(_bytes(_shown(headers)), self._key):
            return KEYLESS
        return None

    def talk(self, headers: Mapping[str, str], *, secure: bool, now: float) -> Refusal | None:
        """Whether a conversation is refused. A client secret is as good as the key until it ends (``now``: epoch s)."""
        if refusal := self.stranger(headers, secure=secure):
            return refusal
        return self.call(headers, secure=secure) if self.wished(headers, now) is None else None

    def wished(self, headers: Mapping[str, str], now: float) -> dict[str, Any] | None:
        """What a session is to be by the client secret that is shown; None if none is."""
        return self.secrets.read(_shown(headers), now)

    def stranger(self, headers: Mapping[str, str], *, secure: bool) -> Refusal | None:
        """Whether a request is refused for the name that it calls, or for the page that it comes from."""
        if refusal := self.page(headers):
            return refusal
        origin = headers.get("Origin")
        if origin is not None:  # else it is no browser
            own = _origin(f"{'https' if secure else 'http'}://{headers.get('Host', '')}")
            if (theirs := _origin(origin)) is None or theirs not in {own, *self._origins}:
                return FOREIGN
        return None

    def _answers_to(self, host: str) -> bool:
        parts = _origin(f"http://{host}")
        if parts is None:
            return False
        try:
            ip_address(parts[1])
        except ValueError:
            return parts[1] in self._names
        return True


def readable(headers: Mapping[str, str]) -> bool:
    """Whether a refused client can only read what is said on an open socket: browsers are not told a status."""
    return "Origin" in headers or "Sec-WebSocket-Protocol" in headers


def _origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin; None for what is none, such as ``null``."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
        return None
    if "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname.rstrip("."), port if port is not None else _DEFAULT_PORTS[parts.scheme]


def _shown(headers: Mapping[str, str]) -> str:
    """The key that a client shows: in a header as OpenAI's and Azure's clients do, or as browsers must."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    for name in ("api-key", "X-API-Key"):
        if name in headers:
            return headers[name]
    for protocol in headers.get("Sec-WebSocket-Protocol", "").split(","):
        if protocol.strip().startswith(KEY_PROTOCOL):
            return protocol.strip().removeprefix(KEY_PROTOCOL)
    return ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # headers may hold anything
