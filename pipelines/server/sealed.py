"""Signed texts: who has the key can tell that a server with the same key wrote them, and until when they count. Pure.

Nothing is stored, so another server with the key takes them as well. They are signed and not encrypted: they hold
nothing that whoever carries them does not know.
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

MOST_UNPACKED: Final = 1 << 20
"""Bytes that a text may have unpacked: it is signed, and still is not let grow beyond that."""

_SIGNATURE = 16
_CLOCK = 8


class Over(ValueError):
    """It was one of ours, and its time is over."""


class Seal:
    """Signs with what is derived of ``key`` for one ``purpose``; without a key with one of this process alone.

    A text begins with ``prefix``. What is longer than ``longest`` characters is none.
    """

    def __init__(self, key: str | None, purpose: str, *, prefix: str, longest: int) -> None:
        root = key.encode() if key else secrets.token_bytes(32)
        self._key = hmac.digest(root, purpose.encode(), hashlib.sha256)
        self._prefix, self._longest = prefix, longest

    def seal(self, said: Mapping[str, Any], expires_at: int) -> str:
        """``said`` as a text that counts until ``expires_at`` (epoch, seconds); it may be longer than is read.

        Raises ``ValueError`` for more than :data:`MOST_UNPACKED`.
        """
        plain = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
        if len(plain) > MOST_UNPACKED:
            raise ValueError(f"a sealed text has at most {MOST_UNPACKED} bytes")
        body = expires_at.to_bytes(_CLOCK, "big") + zlib.compress(plain, 9)
        return self._prefix + _text(self._signature(body) + body)

    def read(self, text: str, now: float) -> dict[str, Any] | None:
        """What was sealed; None for what is none of ours. Raises :class:`Over` after its end (``now``: epoch, s)."""
        if not text.startswith(self._prefix) or len(text) > self._longest:
            return None
        written = text.removeprefix(self._prefix)
        try:
            raw = base64.b64decode(written + "=" * (-len(written) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        signature, body = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if _text(raw) != written or not hmac.compare_digest(signature, self._signature(body)):
            return None
        if int.from_bytes(body[:_CLOCK], "big") <= now:
            raise Over("its time is over")
        unpacking = zlib.decompressobj()
        unpacked = unpacking.decompress(body[_CLOCK:], MOST_UNPACKED)
        if not unpacking.eof:
            return None
        said: dict[str, Any] = json.loads(unpacked)  # signed, so it is what was sealed
        return said

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_SIGNATURE]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
