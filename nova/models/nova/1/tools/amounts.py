"""Numbers and lengths of time in plain words: 'five minutes', 'an hour and a half', 'a base of 10'."""

import re

from .. import numerals

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w]|\.\d)")
_UNITS = {
    "second": "seconds", "sec": "seconds", "sekunde": "seconds", "minute": "minutes", "min": "minutes",
    "hour": "hours", "stunde": "hours", "day": "days", "tag": "days", "week": "weeks", "woche": "weeks",
}  # fmt: skip
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
_LENGTH = re.compile(
    r"(?P<count>\d+(?:\.\d+)?|an?|eine[rn]?|one)(?P<of> an?| of an?)? "
    r"(?P<unit>second|sec|sekunde|minute|min|hour|stunde|day|tag|week|woche)(?:s|n|e|en)?\b"
    r"(?P<half> and 0\.5| and a half)?"
)


def digits(text):
    """Plain words with their numbers as digits."""
    words, out, at = text.split(), [], 0
    while at < len(words):
        found = None if words[at + 1 : at + 2] in (["past"], ["to"]) else numerals.read(words, at)
        if found is None or words[at : found[1]] == ["a"]:
            out.append(words[at])
            at += 1
        else:
            out.append(written(found[0]))
            at = found[1]
    return " ".join(out)


def written(value):
    """A number as digits."""
    return str(int(value)) if value == int(value) else str(float(value))


def numbers(text):
    """The numbers in a text, in order."""
    return [float(found) for found in _NUMBER.findall(text)]


def number(value, kind):
    """A number as a schema's type wants it."""
    return int(value) if kind == "integer" or float(value).is_integer() else float(value)


def beside(text, words):
    """The number that stands with the words of a parameter: 'a base of 10', '5 nights'; None if there is none."""
    for word in words:
        if len(word) < 3:
            continue
        name = re.escape(word.removesuffix("s"))
        for pattern in (rf"\b{name}\w* (?:(?:of|is|as|at|to|equal|equals|by|being|a) )*(-?\d+(?:\.\d+)?)",
                        rf"(-?\d+(?:\.\d+)?) (?:\w+ )?{name}"):  # fmt: skip
            if found := re.search(pattern, text):
                return float(found[1])
    return None


def lengths_of_time(text):
    """How long something is to take, by unit, out of text with digits; empty where nothing is said of it."""
    found = {}
    for length in _LENGTH.finditer(text):
        count = float(length["count"]) if length["count"][0].isdigit() else 1.0
        unit = _UNITS[length["unit"]]
        found[unit] = found.get(unit, 0.0) + count + (0.5 if length["half"] else 0.0)
    return found


def total(lasts, unit):
    """A length of time in one unit."""
    return sum(_SECONDS[one] * count for one, count in lasts.items()) / _SECONDS[unit]


def unit_of_time(key):
    """The unit that a parameter's name tells, or None."""
    words = re.findall(r"[a-z]+", key.lower())
    if not set(words) & {"hour", "hours", "minute", "minutes", "mins", "second", "seconds", "secs", "days"}:
        return None
    return next(_UNITS[word.removesuffix("s")] for word in words if word.removesuffix("s") in _UNITS)


def without_lengths(text):
    """The text without the lengths of time in it."""
    return _LENGTH.sub(" ", text)
