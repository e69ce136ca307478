"""What is known of dictation in one language: numbers, letters, signs, units, and what asks for them. Types only.

Patterns are matched against a text in lower case, without punctuation, its words joined by single blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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


NEVER = re.compile(r"(?!)")
"""Matches nothing."""


@dataclass(frozen=True, slots=True)
class Dictation:
    """One language's words. ``asks`` maps what is dictated to the pattern of words after which it is expected.

    What is left out is not known. ``vague``: number words don't tell how many digits they have, as "soixante-dix"; only
    figures and single digits then make a whole. ``phone`` is how many digits a phone number has, at home.
    """

    digits: frozenset[str] = frozenset()
    numbers: Mapping[str, int] = field(default_factory=dict)  # words beyond a digit, and how many digits they have
    tens: frozenset[str] = frozenset()  # a digit after one of these belongs to the same number
    scales: frozenset[str] = frozenset()  # a number before and after one of these is one number
    composed: re.Pattern[str] = NEVER  # numbers that are written as one word
    ordinals: re.Pattern[str] = NEVER
    repeats: Mapping[str, int] = field(default_factory=dict)  # "double seven"
    letters: frozenset[str] = frozenset()  # names of letters that are words
    alphabet: frozenset[str] = frozenset()  # the spelling alphabets
    likened: tuple[str, ...] = ()  # between a letter and its example: "as in"
    signs: frozenset[str] = frozenset()
    dots: frozenset[str] = frozenset()
    ats: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()  # may stand between two pieces of what is dictated
    units: frozenset[str] = frozenset()  # a duration, or a time of day, is whole with one of these
    currencies: frozenset[str] = frozenset()
    months: frozenset[str] = frozenset()
    weekdays: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    asks: Mapping[Slot, re.Pattern[str]] = field(default_factory=dict)
    nouns: re.Pattern[str] = NEVER  # a clause that is nothing but this asks for it too
    expectant: frozenset[str] = frozenset()  # what asks ends on these if nothing of it was said yet
    inquiries: frozenset[str] = frozenset()  # first words of questions, which ask her for it
    manners: frozenset[str] = frozenset()  # "tell me how to spell it" asks her
    others: frozenset[str] = frozenset()  # whose name it is that is not the user's to spell
    past: frozenset[str] = frozenset()  # "half past", after which an hour is whole
    hours: frozenset[str] = frozenset()  # after these an hour and its minutes are a time of day
    days: re.Pattern[str] = NEVER  # what comes before a day of the month
    introduces: re.Pattern[str] = NEVER  # "my name is": a first name is whole
    states: frozenset[str] = frozenset()  # how something is, and not what it reads: "my e-mail is down"
    secrets: tuple[str, ...] = ()  # may be a word
    pages: frozenset[str] = frozenset()  # have a link, and no mail address
    streets: re.Pattern[str] = NEVER
    halves: frozenset[str] = frozenset()  # a smaller unit mostly follows: "five foot eleven"
    conjunctions: frozenset[str] = frozenset()
    expires: re.Pattern[str] = NEVER  # what does so has a month and a year
    breaks: frozenset[str] = frozenset()  # signs that stand within names on the net and codes
    ambiguous: frozenset[str] = frozenset()  # letters that are words as well
    values: Mapping[str, str] = field(default_factory=dict)  # digit words as figures
    vague: bool = False
    phone: int = 0
