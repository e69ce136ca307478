"""Word errors: how much of what was said was recognised, whatever way it is written.

"What is 17 times 23?" and "what is seventeen times twenty-three" are the same words. So both sides are first brought
into one spoken form; then the least number of substitutions, insertions and deletions of words is counted. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance import Levenshtein

from pipelines.embedded.speech.ears.written import cardinal
from pipelines.embedded.speech.german import spoken_german
from pipelines.embedded.speech.voice.spoken import spelt, with_numbers_read

_ANYWHERE = {"hm", "hmm", "ähm"}
HESITATIONS: Final = {"en": _ANYWHERE | {"um", "uh", "er", "erm", "ah"}, "de": _ANYWHERE | {"äh", "öh"}}
"""Sounds that recognisers leave out on purpose, by language, where they are no words of it.

They count on neither side, unless nothing else was said.
"""

_SAME = {
    "ok": "okay", "alright": "all right", "cannot": "can not", "can't": "can not", "won't": "will not",
    "let's": "let us", "i'm": "i am", "it's": "it is", "mm-hmm": "mhm", "mmhmm": "mhm", "mm-hm": "mhm",
    "metres": "meters", "metre": "meter", "kilometres": "kilometers", "kilometre": "kilometer", "km": "kilometers",
}  # fmt: skip
_ENDINGS = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"))
"""Contractions that stand for one thing only. 's and 'd do not: "what's" may be "what has", "John's" is no verb."""

_LETTERS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*", re.UNICODE)


def word_errors(reference: str, heard: str, language: str = "en-US") -> tuple[int, int]:
    """How many words were got wrong, and how many the reference has.

    The first may exceed the second. Words are compared after :func:`spoken_words`.
    """
    said = spoken_words(reference, language)
    return Levenshtein.distance(said, spoken_words(heard, language)), len(said)


def spoken_words(text: str, language: str = "en-US") -> list[str]:
    """The words of ``text`` in the one form in which they are compared.

    Small letters, no punctuation, no hesitations. In English and German also: numbers, times, ordinals, percentages
    and currencies spelt out as they are read; in English contractions undone where they can mean one thing only. In
    other languages digits stay as they are.
    """
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if language.lower().startswith("en"):
        text = " ".join(_SAME.get(word.strip('.,;:!?"()'), word) for word in text.split())
        text = with_numbers_read(text)
        words = _one_way([form for word in _LETTERS.findall(text) for form in _whole(word).split()])
    else:
        german = language.lower().startswith("de")
        words = _LETTERS.findall(spoken_german.with_numbers_read(text).lower() if german else text)
    hesitations = HESITATIONS.get(language.lower()[:2], _ANYWHERE)
    return [word for word in words if word not in hesitations] or words


def _whole(word: str) -> str:
    """A contracted word as the words that it stands for."""
    word = _SAME.get(word, word)
    for ending, full in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending):
            return word[: -len(ending)] + full
    return word


def _one_way(words: Sequence[str]) -> list[str]:
    """Spelt numbers as :func:`spelt` spells them: "two hundred and five" loses its "and", years become pairs."""
    out: list[str] = []
    at = 0
    while at < len(words):
        found = cardinal(words, at)
        if found is None:
            out.append(words[at])
            at += 1
        else:
            out += spelt(found[0]).split()
            at = found[1]
    return out
