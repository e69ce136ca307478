"""From written form to spoken form: numbers spelt out as they are read, small letters, no marks. English; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from pipelines.embedded.speech.ears.corpus import TENS, UNITS
from pipelines.embedded.speech.ears.hypothesis import HeardWord

_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_LARGEST: Final = 10**12  # from here on digits are read one by one

_NUMBER = re.compile(r"(?<![\w.,:])(\d{1,2}):(\d\d)(?!\d)|(\d+(?:,\d{3})*)(?:\.(\d+))?(st|nd|rd|th)?(?![\d])")
_CURRENCY = re.compile(r"([$€£])\s*(\d+(?:[.,]\d+)*)")
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds"}
_SYMBOLS = {
    "%": " percent ", "&": " and ", "+": " plus ", "=": " equals ", "×": " times ", "÷": " divided by ",
    "°c": " degrees celsius ", "°f": " degrees fahrenheit ", "°": " degrees ",
}  # fmt: skip
_SYMBOL = re.compile("|".join(map(re.escape, _SYMBOLS)), re.IGNORECASE)
_HALF_OF_DAY = re.compile(r"\b([ap])\.?\s?m\b\.?", re.IGNORECASE)
_MARKS = '.,?!;:"“”()…'


def spoken(
    words: Sequence[HeardWord], *, numbers: bool, punctuation: bool, read: Callable[[str], str] | None = None
) -> tuple[HeardWord, ...]:
    """What was written, with digits only where ``numbers``, with marks and capitals only where ``punctuation``.

    ``read`` spells numbers out, in English unless it is given. A number keeps the time of the word that it was, shared
    among those that it becomes.
    """
    out: list[HeardWord] = []
    for word in words:
        text = word.text if numbers else (read or with_numbers_read)(word.text)
        if not punctuation:
            text = text.lower()
        bare = [part if punctuation else part.strip(_MARKS) for part in text.split()]
        parts = [part for part in bare if part]
        each = (word.end - word.start) / max(1, len(parts))
        edges = [round(word.start + each * k) for k in range(len(parts) + 1)]
        out += [replace(word, text=part, start=edges[k], end=edges[k + 1]) for k, part in enumerate(parts)]
    return tuple(out)


def with_numbers_read(text: str) -> str:
    """``text`` with digits, clock times, ordinals, currencies and a few symbols as the words that they are read as."""
    text = _CURRENCY.sub(lambda m: f"{m[2]} {_CURRENCIES[m[1]]}", text)
    text = _SYMBOL.sub(lambda m: _SYMBOLS[m[0].lower()], text)
    text = _HALF_OF_DAY.sub(r" \1 m ", text)
    return _NUMBER.sub(_read, text)


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
    said = " ".join(UNITS[int(digit)] for digit in digits) if long else spelt(int(digits))
    if decimals:
        said += " point " + " ".join(UNITS[int(digit)] for digit in decimals)
    if ordinal:
        *before, last = said.split()
        last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
        said = " ".join([*before, last])
    return f" {said} "
