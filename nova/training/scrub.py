"""Private details out of transcripts: e-mail addresses, numbers of telephones, cards and accounts, and given names.

Patterns, no model: what has a form is found, written or spoken digit by digit. What has none is not: names that nobody
listed, street addresses, birthdays, "my neighbour who sells boats". People have to read what they train on.
When in doubt it is taken out: counting to ten aloud becomes a number too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

EMAIL: Final = re.compile(r"[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}")

SPOKEN_EMAIL: Final = re.compile(
    r"\b[\w-]{1,40}(?: (?:dot|underscore|dash|hyphen|plus|punkt|minus) [\w-]{1,40}){0,4}"
    r" at [\w-]{1,40}(?: (?:dot|punkt) [\w-]{1,40}){1,4}",
    re.IGNORECASE,
)
"""A recogniser without inverse text normalisation writes "john dot doe at example dot com"."""

IBAN: Final = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b")

DIGITS: Final = re.compile(r"(?<![\w.])(?:\+|\(\+?)?[0-9](?:[ ()./-]{0,3}[0-9]){6,40}(?!\w)")

# Dates, and spans of years.
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|(?:1[5-9]|20)\d\d ?[-/] ?(?:1[5-9]|20)\d\d"
)
_DECIMAL = re.compile(r"\d{1,2}\.\d+")

_DIGIT_WORDS = (
    "zero|oh|o|one|two|three|four|five|six|seven|eight|nine|double|triple|"
    "null|eins|ein|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun"
)
SPOKEN_DIGITS: Final = re.compile(
    rf"\b(?:{_DIGIT_WORDS})(?:[ ,.-]{{1,3}}(?:{_DIGIT_WORDS}|[0-9]{{1,4}})){{6,40}}\b", re.I
)

_CARD = range(13, 20)
_PHONE = range(7, 16)


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others, as on every payment card (ISO/IEC 7812-1, annex B)."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(text: str) -> bool:
    """Whether the check digits fit (ISO 13616: the number with its head moved to the end is 1 modulo 97)."""
    bare = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


class Scrubber:
    """Replaces private details by ``[EMAIL]``, ``[PHONE]``, ``[CARD]``, ``[IBAN]``, ``[NUMBER]`` and ``[NAME]``.

    ``names`` are taken out wherever they stand as words of their own, whatever their case. ``found`` counts.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.found: Counter[str] = Counter()
        listed = sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True)
        self._names = (
            re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)", re.IGNORECASE) if listed else None
        )

    def __call__(self, text: str) -> str:
        """The text without what was found. Scrubbing twice changes nothing more."""
        text = self._replace(EMAIL, text, lambda _: "EMAIL")
        text = self._replace(SPOKEN_EMAIL, text, lambda _: "EMAIL")
        text = IBAN.sub(self._account, text)
        text = self._replace(DIGITS, text, _kind)
        text = self._replace(SPOKEN_DIGITS, text, lambda _: "NUMBER")
        if self._names is not None:
            text = self._replace(self._names, text, lambda _: "NAME")
        return text

    def _replace(self, pattern: re.Pattern[str], text: str, kind: Callable[[str], str]) -> str:
        def put(found: re.Match[str]) -> str:
            name = kind(found[0])
            if not name:
                return found[0]
            self.found[name] += 1
            return f"[{name}]"

        return pattern.sub(put, text)

    def _account(self, found: re.Match[str]) -> str:
        """The pattern may have run on into the next words in capitals: the longest head that checks is the number."""
        text = found[0]
        for end in range(len(text), 14, -1):
            whole_word = text[end - 1] != " " and text[end : end + 1] in ("", " ")
            if whole_word and iban(text[:end]):
                self.found["IBAN"] += 1
                return f"[IBAN]{text[end:]}"
        return text


def _kind(text: str) -> str:
    if _DATE.fullmatch(text) or _DECIMAL.fullmatch(text):
        return ""
    digits = re.sub(r"\D", "", text)
    if len(digits) in _CARD and luhn(digits):
        return "CARD"
    return "PHONE" if len(digits) in _PHONE else "NUMBER"
