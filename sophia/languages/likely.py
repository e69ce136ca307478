"""Which of some languages a text is likely in: by its script, else by the words of their tables. Pure.

For text of which nobody says the language, such as what was typed. It rather says nothing than a wrong one.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

from sophia.languages import code_of, language

SCRIPTS = {
    "CJK": ("zh", "ja", "yue"), "HIRAGANA": ("ja",), "KATAKANA": ("ja",), "HANGUL": ("ko",),
    "CYRILLIC": ("ru", "uk", "bg", "sr", "be", "mk"), "GREEK": ("el",), "ARABIC": ("ar", "fa", "ur"),
    "HEBREW": ("he",), "DEVANAGARI": ("hi", "mr", "ne"), "BENGALI": ("bn",), "TAMIL": ("ta",), "TELUGU": ("te",),
    "GUJARATI": ("gu",), "THAI": ("th",), "ARMENIAN": ("hy",), "GEORGIAN": ("ka",),
}  # fmt: skip
"""The languages that are written in a script, the likeliest first, by the first word of its letters' names in
Unicode."""

LEAST = 2
"""Words of its table that a text must have to be likely in a language."""

_CACHED = 16


@lru_cache(_CACHED)
def likely(text: str, among: tuple[str, ...]) -> str:
    """The tag of those ``among`` that ``text`` is likely in; empty where nothing says so."""
    scripts = Counter(unicodedata.name(c, "").partition(" ")[0] for c in text if c.isalpha())
    if not scripts:
        return ""
    script = max(scripts, key=lambda one: (scripts[one], one))
    if script == "CJK" and (scripts["HIRAGANA"] or scripts["KATAKANA"]):
        script = "HIRAGANA"  # Japanese is written in all of them
    if script != "LATIN":
        written = SCRIPTS.get(script, ())
        return next((tag for code in written for tag in among if code_of(tag) == code), "")
    said = text.lower().replace("’", "'").split()
    said = [word.strip(".,;:!?…¿¡\"“”„«»()'") for word in said]
    hits = {tag: sum(word in _common(code_of(tag)) for word in said) for tag in among}
    first, *others = sorted(hits, key=lambda tag: -hits[tag]) or [""]
    second = hits[others[0]] if others else 0
    return first if first and hits[first] >= LEAST and hits[first] > second else ""


@lru_cache(_CACHED)
def _common(code: str) -> frozenset[str]:
    """The words of a table that stand in nearly any sentence of its language."""
    w, table = language(code).words, language(code)
    groups = (w.trailing, w.stranded, w.openers, w.verbs, w.modals, w.pronouns, w.relatives, w.subordinate, w.whole)
    return frozenset[str]().union(*groups, table.yes, table.no)
