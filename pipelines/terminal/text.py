"""Text from services made fit for a terminal."""

from __future__ import annotations

import unicodedata

LONGEST = 4000
"""Characters of one text that are shown; more is cut. Bounds what a service can make a terminal do."""

ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"
"""Around text of its own direction; a terminal that knows of directions keeps what is around it in place."""

_JOINERS = "\u200c\u200d"
"""Tell how letters of Persian, Hindi and others meet; they do nothing else."""


def clean(text: str) -> str:
    """``text`` on one line and without anything that a terminal would obey: services may send what they like.

    Control characters and bidirectional overrides are removed, whitespace is folded, the length is bounded.
    """
    shown = (" " if c.isspace() else c for c in text[:LONGEST] if c.isspace() or c in _JOINERS or _visible(c))
    return " ".join("".join(shown).split()) + ("…" if len(text) > LONGEST else "")


def backwards(text: str) -> bool:
    """Whether any of it is written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def isolated(text: str) -> str:
    """The text for a line with other words on it: what is written from right to left stays apart from them."""
    return f"{ISOLATE}{text}{END_OF_ISOLATE}" if backwards(text) else text


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] != "C"
