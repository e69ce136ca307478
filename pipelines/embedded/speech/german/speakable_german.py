"""Text as a mind writes it, made speakable for a German voice that reads letters alone. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pipelines.embedded.speech.german.spoken_german import with_numbers_read
from pipelines.embedded.speech.voice.speakable import without_markup

_ABBREVIATIONS: Final = {
    "z.B.": "zum Beispiel", "z. B.": "zum Beispiel", "d.h.": "das heißt", "d. h.": "das heißt", "usw.": "und so weiter",
    "bzw.": "beziehungsweise", "ca.": "circa", "etc.": "und so weiter", "u.a.": "unter anderem", "Nr.": "Nummer",
    "Dr.": "Doktor", "Str.": "Straße", "km/h": "Kilometer pro Stunde",
}  # fmt: skip
_UNITS: Final = {
    "km": "Kilometer", "cm": "Zentimeter", "mm": "Millimeter", "kg": "Kilogramm", "m": "Meter", "g": "Gramm",
    "l": "Liter", "ml": "Milliliter", "h": "Stunden", "min": "Minuten", "s": "Sekunden", "GB": "Gigabyte",
}  # fmt: skip
_SIGNS: Final = {"…": "... ", "–": ", ", "—": ", ", "−": " minus ", "²": " Quadrat ", "³": " hoch drei ", "→": " zu "}
_ABBREVIATION = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _ABBREVIATIONS))})(?!\w)")
_UNIT = re.compile(rf"(?<=\d)\s?({'|'.join(sorted(_UNITS, key=len, reverse=True))})(?!\w)")
_SIGN = re.compile("|".join(_SIGNS))
_SPELT = re.compile(r"\b(?:[A-ZÄÖÜ]{2,5}|[A-ZÄÖÜ](?:\.[A-ZÄÖÜ])+)\b")
_UNREAD = re.compile(r"[^\w\s.,;:!?'()\"-]|_")


def speakable(text: str) -> str:
    """German words and punctuation that say what ``text`` says; empty when nothing in it can be said."""
    text = unicodedata.normalize("NFKC", _SIGN.sub(lambda m: _SIGNS[m[0]], without_markup(text)))
    text = _ABBREVIATION.sub(lambda m: _ABBREVIATIONS[m[0]], text)
    text = _UNIT.sub(lambda m: f" {_UNITS[m[1]]}", text)
    text = _SPELT.sub(lambda m: " ".join(m[0].replace(".", "")), with_numbers_read(text))
    text = "".join(c if ord(c) < 0x180 else " " for c in _UNREAD.sub(" ", text))
    text = " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())
    return text if any(c.isalpha() for c in text) else ""
