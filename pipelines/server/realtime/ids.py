"""Ids as OpenAI gives them: a prefix that says what it is, and 21 letters and digits."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable

ALPHABET = string.ascii_letters + string.digits
LENGTH = 21

_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
"""A letter for each random byte: a few come a little more often, which helps nobody to guess 21 of them."""

Ids = Callable[[str], str]
"""Makes a new id with the given prefix: ``ids("item")`` is ``item_…``."""


def random_id(prefix: str) -> str:
    """An id that nobody can guess and that comes only once."""
    return f"{prefix}_{secrets.token_bytes(LENGTH).translate(_LETTERS).decode('ascii')}"
