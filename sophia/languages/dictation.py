"""What is known of dictation in one language: numbers, letters, signs, units, and what asks for them. Types only.

Patterns are matched against a text in lower case, without punctuation, its words joined by single blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Slot = Literal[
    "zip", "pin", "card", "phone", "spelling", "name", "mail", "born", "date", "address", "price", "number", "clock",
    "quantity",
]  # fmt: skip
"""What can be dictated. ``born``: a date that has a year. ``number``: one of unknown length, or a code.
``quantity``: a number that its rest, or what it counts, mostly follows."""


def listed(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def asks(pattern: str) -> re.Pattern[str]:
    """Matches whole words anywhere in the text."""
    return re.compile(rf"(?<![^ ])(?:{pattern})(?![^ ])")


def either(words: str) -> str:
    """A pattern of any of the words."""
    return "(?:" + "|".join(words.split()) + ")"


@dataclass(frozen=True, slots=True)
class Dictation:
    """One language's words. ``asks`` maps what is dictated to the pattern of words after which it is expected."""

    digits: frozenset[str]
    numbers: Mapping[str, int]  # number words beyond a digit, and how many digits they are written with
    tens: frozenset[str]  # a digit after one of these belongs to the same number
    scales: frozenset[str]  # a number before and after one of these is one number
    composed: re.Pattern[str]  # numbers that are written as one word
    ordinals: re.Pattern[str]
    repeats: Mapping[str, int]  # "double seven"
    letters: frozenset[str]  # names of letters that are words
    alphabet: frozenset[str]  # the spelling alphabets
    likened: tuple[str, ...]  # between a letter and its example: "as in"
    signs: frozenset[str]
    dots: frozenset[str]
    ats: frozenset[str]
    links: frozenset[str]  # may stand between two pieces of what is dictated
    units: frozenset[str]  # a duration, or a time of day, is whole with one of these
    currencies: frozenset[str]
    months: frozenset[str]
    weekdays: frozenset[str]
    articles: frozenset[str]
    asks: Mapping[Slot, re.Pattern[str]]
    nouns: re.Pattern[str]  # a clause that is nothing but this asks for it too
    expectant: frozenset[str]  # what asks ends on these if nothing of it was said yet
    inquiries: frozenset[str]  # first words of questions, which ask her for it
    manners: frozenset[str]  # "tell me how to spell it" asks her
    others: frozenset[str]  # whose name it is that is not the user's to spell
    past: frozenset[str]  # "half past", after which an hour is whole
    hours: frozenset[str]  # after these an hour and its minutes are a time of day
    days: re.Pattern[str]  # what comes before a day of the month
    introduces: re.Pattern[str]  # "my name is": a first name is whole
    states: frozenset[str]  # how something is, and not what it reads: "my e-mail is down"
    secrets: tuple[str, ...]  # may be a word
    pages: frozenset[str]  # have a link, and no mail address
    streets: re.Pattern[str]
    halves: frozenset[str]  # a smaller unit mostly follows: "five foot eleven"
    conjunctions: frozenset[str]
    expires: re.Pattern[str]  # what does so has a month and a year
    breaks: frozenset[str]  # signs that stand within names on the net and codes
    ambiguous: frozenset[str]  # letters that are words as well
    values: Mapping[str, str]  # digit words as figures
