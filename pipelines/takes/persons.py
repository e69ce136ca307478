"""Pseudonyms of people: what a client calls its user, and a secret of ours, make a name that says nothing else.

The same person has the same pseudonym wherever the secret is the same. Without the secret nobody can tell whose it is,
not even by trying all names.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from pipelines.settings.secrets import made_once

LONGEST: Final = 512
"""Characters of an identifier; a longer one is none."""

SHORTEST_KEY: Final = 32
"""Characters of the secret."""


class PersonKeyError(Exception):
    """The secret cannot be used; the message is one line that says what to change."""

    kind = "settings"


def person_key(path: Path) -> bytes:
    """The secret in ``path``, made where it is missing, readable by its owner alone. Raises :class:`PersonKeyError`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = made_once(path, lambda: secrets.token_hex(32))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise PersonKeyError(f"insights.person_key: {path} cannot be read ({why})") from error
    if len(key) < SHORTEST_KEY:
        raise PersonKeyError(f"insights.person_key: {path} must hold at least {SHORTEST_KEY} characters")
    return key.encode()


def pseudonym(key: bytes | None, identifier: str) -> str:
    """HMAC-SHA-256 of what a client calls its user; empty without a secret, or for what is no name."""
    if key is None or not identifier or len(identifier) > LONGEST:
        return ""
    return hmac.new(key, identifier.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
