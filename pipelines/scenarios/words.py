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

from pipelines.embedded.speech.corpus import TENS, UNITS
from pipelines.embedded.speech.written import cardinal

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

_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_LARGEST: Final = 10**12  # from here on digits are read one by one

_CURRENCY = re.compile(r"([$€£])\s*(\d+(?:[.,]\d+)*)")
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds"}
_SYMBOLS = {
    "%": " percent ", "&": " and ", "+": " plus ", "=": " equals ", "×": " times ", "÷": " divided by ",
    "°c": " degrees celsius ", "°f": " degrees fahrenheit ", "°": " degrees ",
}  # fmt: skip
_SYMBOL = re.compile("|".join(map(re.escape, _SYMBOLS)))
_HALF_OF_DAY = re.compile(r"\b([ap])\.?\s?m\b\.?")
_NUMBER = re.compile(r"(?<![\w.,:])(\d{1,2}):(\d\d)(?!\d)|(\d+(?:,\d{3})*)(?:\.(\d+))?(st|nd|rd|th)?(?![\d])")
_LETTERS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*", re.UNICODE)


def word_errors(reference: str, heard: str, language: str = "en-US") -> tuple[int, int]:
    """How many words were got wrong, and how many the reference has.

    The first may exceed the second. Words are compared after :func:`spoken_words`.
    """
    said = spoken_words(reference, language)
    return Levenshtein.distance(said, spoken_words(heard, language)), len(said)


def spoken_words(text: str, language: str = "en-US") -> list[str]:
    """The words of ``text`` in the one form in which they are compared.

    Small letters, no punctuation, no hesitations. In English also: numbers, times, ordinals, percentages and
    currencies spelt out as they are read, and contractions undone where they can mean one thing only. In other
    languages digits stay as they are.
    """
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if language.lower().startswith("en"):
        text = " ".join(_SAME.get(word.strip('.,;:!?"()'), word) for word in text.split())
        text = _CURRENCY.sub(lambda m: f"{m[2]} {_CURRENCIES[m[1]]}", text)
        text = _SYMBOL.sub(lambda m: _SYMBOLS[m[0]], text)
        text = _HALF_OF_DAY.sub(r" \1 m ", text)
        text = _NUMBER.sub(_read, text)
        words = _one_way([form for word in _LETTERS.findall(text) for form in _whole(word).split()])
    else:
        words = _LETTERS.findall(text)
    hesitations = HESITATIONS.get(language.lower()[:2], _ANYWHERE)
    return [word for word in words if word not in hesitations] or words


def spelt(number: int) -> str:
    """An English cardinal from 0 as it is read: 1999 "nineteen ninety nine", 2500 "two thousand five hundred"."""
    if number >= _LARGEST:
        return " ".join(UNITS[int(digit)] for digit in str(number))
    century, rest = divmod(number, 100)
    if (1100 <= number < 2000 or 2010 <= number < 2100) and rest >= 10:
        return f"{spelt(century)} {spelt(rest)}"  # most such numbers are years
    for size, name in _SCALES:
        if number >= size:
            return f"{spelt(number // size)} {name}" + (f" {spelt(number % size)}" if number % size else "")
    if number >= 100:
        return f"{UNITS[century]} hundred" + (f" {spelt(rest)}" if rest else "")
    if number < 20:
        return UNITS[number]
    return TENS[number // 10 - 2] + (f" {UNITS[number % 10]}" if number % 10 else "")


def _read(match: re.Match[str]) -> str:
    hour, minute, whole, decimals, ordinal = match.groups()
    if hour:
        rest = "o'clock" if minute == "00" else f"oh {spelt(int(minute))}" if minute[0] == "0" else spelt(int(minute))
        return f" {spelt(int(hour))} {rest} "
    digits = whole.replace(",", "")
    long = len(digits) > 15 or (len(digits) > 1 and digits[0] == "0")  # a telephone number, a code
    read = " ".join(UNITS[int(digit)] for digit in digits) if long else spelt(int(digits))
    if decimals:
        read += " point " + " ".join(UNITS[int(digit)] for digit in decimals)
    if ordinal:
        *before, last = read.split()
        last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
        read = " ".join([*before, last])
    return f" {read} "


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
