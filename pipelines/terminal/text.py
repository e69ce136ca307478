"""Text from services made fit for a terminal."""

from __future__ import annotations

import unicodedata

LONGEST = 4000
"""Characters of one text that are shown; more is cut. Bounds what a service can make a terminal do."""


def clean(text: str) -> str:
    """``text`` on one line and without anything that a terminal would obey: services may send what they like.

    Control characters and bidirectional overrides are removed, whitespace is folded, the length is bounded.
    """
    shown = (" " if c.isspace() else c for c in text[:LONGEST] if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join("".join(shown).split()) + ("…" if len(text) > LONGEST else "")
