"""Client secrets: keys for a browser that live for minutes, and open sessions of one kind. Pure; nothing is stored.

A secret holds when it ends and what its session is to be. It is signed with a key that only the servers know. So
another server with the same key takes it as well.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import zlib
from collections.abc import Mapping
from typing import Any, Final

PREFIX: Final = "ek_"
"""What client libraries ask for before they send a key from a browser."""

LEAST_SECONDS, USUAL_SECONDS, MOST_SECONDS = 10, 600, 7200
"""How long a secret may live: OpenAI's bounds."""

LONGEST: Final = 6000
"""Characters: it travels in a header of the WebSocket's request, and servers take 8 kB."""

_SIGNATURE = 16
_CLOCK = 8


class Secrets:
    """Mints and reads the secrets of one key; without a key those of this process alone."""

    def __init__(self, key: str | None) -> None:
        root = key.encode() if key else secrets.token_bytes(32)
        self._key = hmac.digest(root, b"sophia client secrets 1", hashlib.sha256)

    def mint(self, session: Mapping[str, Any], expires_at: int) -> str:
        """A secret for a session like this, good until ``expires_at`` (epoch, seconds).

        Raises ``ValueError`` where the session does not fit into :data:`LONGEST`.
        """
        said = zlib.compress(json.dumps(session, separators=(",", ":"), ensure_ascii=False).encode(), 9)
        body = expires_at.to_bytes(_CLOCK, "big") + said
        value = PREFIX + base64.urlsafe_b64encode(self._signature(body) + body).rstrip(b"=").decode("ascii")
        if len(value) > LONGEST:
            raise ValueError(f"the session is too long for a client secret; it may have {LONGEST} characters packed")
        return value

    def read(self, value: str, now: float) -> dict[str, Any] | None:
        """The session that a secret is for; None for what is none of ours, or is over at ``now`` (epoch, seconds)."""
        if not value.startswith(PREFIX) or len(value) > LONGEST:
            return None
        text = value.removeprefix(PREFIX)
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        signature, body = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(body)) or int.from_bytes(body[:_CLOCK], "big") <= now:
            return None
        session: dict[str, Any] = json.loads(zlib.decompress(body[_CLOCK:]))  # signed, so it is what was minted
        return session

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_SIGNATURE]
