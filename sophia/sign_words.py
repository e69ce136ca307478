"""What signs are called: the words of a language's table, or what any voice reads by itself.

A language without a table gets a plain sign or a gap: a foreign word in its place would be understood by nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from sophia.languages import ENGLISH, language

SIGNS = frozenset(ENGLISH.signs)
"""The signs that have words."""

_PLAIN = {"+": " + ", "−": " -", "to": "-"}
"""What any voice reads by itself, in the place of a word that is not known here."""


def words_of(tag: str) -> Callable[[str], str]:
    """What gives a sign's word with a space around it, or a plain sign or a space if its language is not known."""
    if not (signs := language(tag).signs):
        return lambda sign: _PLAIN.get(sign, " ")
    return lambda sign: f" {signs[sign]} "
