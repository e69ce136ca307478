"""German numbers as they are read: cardinals, decimals, dates, clock times, prices, a few symbols. Pure."""

from __future__ import annotations

import re
from typing import Final

_UNITS = (
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
_TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_SCALES = ((10**9, "Milliarde", "Milliarden"), (10**6, "Million", "Millionen"))
_ORDINALS = {1: "erste", 3: "dritte", 7: "siebte", 8: "achte"}
_MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip
_LARGEST: Final = 10**12  # from here on digits are read one by one

_ALONE = r"(?<![\w.,:])"
_LEAD = rf"(?:\b(am|vom|zum|dem|den|bis|ab|seit|der) )?{_ALONE}(\d{{1,2}})\."
"""A day of the month is inflected by what stands before it."""

_DATE = re.compile(_LEAD + r"\s?(\d{1,2})\.(?:\s?(\d{4}))?(?!\d)", re.IGNORECASE)
_DAY = re.compile(_LEAD + rf"(?=\s+(?:{'|'.join(_MONTHS)}))", re.IGNORECASE)
_CLOCK = re.compile(
    rf"{_ALONE}(\d{{1,2}})(?:[:.](\d\d))? ?uhr(?!\w)|{_ALONE}(\d{{1,2}}):(\d\d)(?![\d:])", re.IGNORECASE
)
_PRICE = re.compile(
    rf"{_ALONE}(\d+(?:\.\d{{3}})*)(?:,(\d\d))?\s?(?:€|euro\b)|€\s?(\d+(?:\.\d{{3}})*)(?:,(\d\d))?(?!\d)", re.IGNORECASE
)
_NUMBER = re.compile(rf"{_ALONE}(\d{{1,3}}(?:\.\d{{3}})+|\d+)(?:,(\d+))?(?!\d)")
_SYMBOLS = {
    "%": " Prozent ", "&": " und ", "+": " plus ", "=": " gleich ", "×": " mal ", "÷": " geteilt durch ",
    "$": " Dollar ", "£": " Pfund ", "°c": " Grad Celsius ", "°f": " Grad Fahrenheit ", "°": " Grad ",
}  # fmt: skip
_SYMBOL = re.compile("|".join(map(re.escape, _SYMBOLS)), re.IGNORECASE)
_TIMES = re.compile(r"(?<=\d)\s*x\s*(?=\d)|^x$")
_SPACES = re.compile(r"\s+([.,;:?!])")


def with_numbers_read(text: str) -> str:
    """``text`` with its digits and symbols as the words that they are read as; the rest stays, but for spaces."""
    text = _PRICE.sub(_price, _TIMES.sub(" × ", text))
    text = _CLOCK.sub(lambda m: _clock(int(m[1] or m[3]), int(m[2] or m[4] or 0)), text)
    text = _DATE.sub(_date, text)
    text = _DAY.sub(lambda m: _day(m[1], int(m[2])), text)
    text = _SYMBOL.sub(lambda m: _SYMBOLS[m[0].lower()], text)
    return _SPACES.sub(r"\1", " ".join(_NUMBER.sub(_number, text).split()))


def spelt(number: int, *, year: bool = True) -> str:
    """A German cardinal from 0 as it is read: 21 "einundzwanzig", 1999, if a ``year``, "neunzehnhundert…"."""
    if number >= _LARGEST:
        return " ".join(_alone(int(digit)) for digit in str(number))
    if year and 1100 <= number < 2000:
        counted = f"{_counted(number // 100)}hundert{_below(number % 100)}"
    else:
        counted = _counted(number)
    return counted + ("s" if number % 100 == 1 else "")


def ordinal(number: int) -> str:
    """A German ordinal from 1, as it stands behind "der": "dritte", "zwanzigste"."""
    if (rest := number % 100) in _ORDINALS:
        return (_counted(number - rest) if number > rest else "") + _ORDINALS[rest]
    return f"{_counted(number)}{'te' if 0 < rest < 20 else 'ste'}"


def _counted(number: int) -> str:
    """The cardinal as it stands before a noun: "ein", "hundertein"."""
    for size, one, many in _SCALES:
        if number >= size:
            count, rest = divmod(number, size)
            said = f"eine {one}" if count == 1 else f"{_counted(count)} {many}"
            return f"{said} {_counted(rest)}" if rest else said
    thousands, rest = divmod(number, 1000)
    hundreds, rest = divmod(rest, 100)
    said = ("" if thousands == 1 else _counted(thousands)) + "tausend" if thousands else ""
    said += ("" if hundreds == 1 else _UNITS[hundreds]) + "hundert" if hundreds else ""
    return said + _below(rest) or _UNITS[0]


def _below(number: int) -> str:
    """1 to 99, and nothing for 0."""
    if number < 20:
        return _UNITS[number] if number else ""
    tens, unit = divmod(number, 10)
    return (f"{_UNITS[unit]}und" if unit else "") + _TENS[tens - 2]


def _alone(digit: int) -> str:
    return "eins" if digit == 1 else _UNITS[digit]


def _clock(hour: int, minute: int) -> str:
    hours = "ein" if hour == 1 else spelt(hour)
    return f"{hours} Uhr{f' {spelt(minute)}' if minute else ''}"


def _price(match: re.Match[str]) -> str:
    euros, cents = int((match[1] or match[3]).replace(".", "")), int(match[2] or match[4] or 0)
    return f"{_counted(euros)} Euro{f' {spelt(cents)}' if cents else ''}"


def _date(match: re.Match[str]) -> str:
    lead, day, month, year = match[1], int(match[2]), int(match[3]), match[4]
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return match[0]
    return f"{_day(lead, day)} {_MONTHS[month - 1]}{f' {year}' if year else ''}"


def _day(lead: str | None, day: int) -> str:
    ending = "r" if lead is None else "" if lead.lower() == "der" else "n"
    return f"{lead or ''} {ordinal(day)}{ending}".lstrip()


def _number(match: re.Match[str]) -> str:
    whole, decimals = match[1].replace(".", ""), match[2]
    code = len(whole) > 15 or (len(whole) > 1 and whole[0] == "0")  # or a telephone number
    said = " ".join(map(_alone, map(int, whole))) if code else spelt(int(whole), year=whole == match[1])
    return said + (" Komma " + " ".join(map(_alone, map(int, decimals))) if decimals else "")
