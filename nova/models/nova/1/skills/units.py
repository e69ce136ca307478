"""Conversions between everyday units."""

import re
from fractions import Fraction

from .. import numerals

# Factor to the base unit of its kind; the international definitions, exact.
_UNITS = {
    "length": {
        "millimeter": "0.001", "centimeter": "0.01", "meter": "1", "kilometer": "1000", "inch": "0.0254",
        "foot": "0.3048", "yard": "0.9144", "mile": "1609.344", "nautical mile": "1852",
    },
    "mass": {
        "milligram": "0.000001", "gram": "0.001", "kilogram": "1", "ton": "1000", "ounce": "0.028349523125",
        "pound": "0.45359237", "stone": "6.35029318",
    },
    "volume": {
        "milliliter": "0.001", "liter": "1", "cup": "0.2365882365", "pint": "0.473176473", "quart": "0.946352946",
        "gallon": "3.785411784",
    },
    "time": {"second": "1", "minute": "60", "hour": "3600", "day": "86400", "week": "604800"},
}  # fmt: skip
_PLURALS = {"inch": "inches", "foot": "feet", "stone": "stone"}
_ALIASES = {
    "mm": "millimeter", "cm": "centimeter", "km": "kilometer", "kilometers": "kilometer", "klicks": "kilometer",
    "inches": "inch", "feet": "foot", "mg": "milligram", "kg": "kilogram", "kilo": "kilogram", "kilos": "kilogram",
    "tons": "ton", "tonnes": "ton", "tonne": "ton", "lb": "pound", "lbs": "pound", "oz": "ounce", "ml": "milliliter",
    "liters": "liter", "meilen": "mile", "meile": "mile", "kilometern": "kilometer", "grams": "gram",
}  # fmt: skip
DEGREES = ("Fahrenheit", "Celsius", "kelvin")
_DEGREES = {
    "fahrenheit": "Fahrenheit", "celsius": "Celsius", "centigrade": "Celsius", "kelvin": "kelvin",
    "°f": "Fahrenheit", "°c": "Celsius",
}  # fmt: skip
_LEAD = re.compile(
    r"^(and |can you |could you |would you |tell me |convert |what is |what are |how much is |how much are |how far "
    r"is "
    r"|how long is |how hot is |how cold is |how warm is |how heavy is |was sind |wie viel sind |wie viele "
    r"|how tall is )+"
)
_ASKED = re.compile(
    r"^(?:and )?how (?:many|much) (?P<to>[\w ]+?) (?:are there in|is there in|are in|is in|in|are|is"
    r"|make) (?P<what>.+)$"
)
_GIVEN = re.compile(r"^(?P<what>.+?) (?:in|to|into|as) (?P<to>[\w° ]+)$")


def answer(text, turns):
    """The spoken conversion, or None if ``text`` (plain) asks for none."""
    text = re.sub(r"(?<=\d)\s*°\s*(?=[cf]\b)", " °", text)
    text = re.sub(r"(\d)(mm|cm|km|mg|kg|lbs?|oz|ml)\b", r"\1 \2", text)
    for found in (_ASKED.match(text), _GIVEN.match(_LEAD.sub("", text))):
        if found and (said := _converted(found)):
            return said
    return None


def _converted(found):
    words = found["what"].split()
    number = numerals.read(words, 0)
    if number is None and words and words[0] in ("a", "an"):
        number = (Fraction(1), 1)
    if number is None:
        return None
    value, at = number
    return _degrees(value, words[at:], found["to"]) or _lengths(value, words[at:], found["to"])


def converted(value, source, target):
    """``value`` of one unit in another, both by their English names; None where they measure different things."""
    if source in DEGREES and target in DEGREES:
        celsius = {
            "Fahrenheit": (value - 32) * 5 / 9, "Celsius": value, "kelvin": value - Fraction("273.15")
        }[source]  # fmt: skip
        return {
            "Fahrenheit": celsius * 9 / 5 + 32, "Celsius": celsius, "kelvin": celsius + Fraction("273.15")
        }[target]  # fmt: skip
    kind = next((kind for kind in _UNITS.values() if source in kind and target in kind), None)
    return kind and value * Fraction(kind[source]) / Fraction(kind[target])


def _degrees(value, words, to):
    source = next((_DEGREES[w] for w in words if w in _DEGREES), None)
    target = next((_DEGREES[w] for w in to.split() if w in _DEGREES), None)
    if source is None or target is None:
        return None
    degrees = "" if target == "kelvin" else "degrees "
    return f"That's {_near(converted(value, source, target), 1)} {degrees}{target}."


def _lengths(value, words, to):
    source, target = _unit(" ".join(words)), _unit(to)
    if source is None or target is None:
        return None
    if (result := converted(value, source, target)) is not None:
        shown = numerals.rounded(result)
        about = "" if shown == result else "about "
        return f"That's {about}{_plainly(shown)} {_many(target, shown)}."
    return f"I can't turn {_many(source, 2)} into {_many(target, 2)}. They measure different things."


def _unit(words):
    words = re.sub(r"^(?:of|the) | please$", "", words.strip())
    words = _ALIASES.get(words, words)
    singular = words[:-1] if words.endswith("s") else words
    for kind in _UNITS.values():
        for name in (words, singular):
            if name in kind:
                return name
    return None


def _near(value, digits):
    shown = Fraction(round(value * 10**digits), 10**digits)
    return ("" if shown == value else "about ") + _plainly(shown)


def _plainly(value):
    return numerals.say(value).removeprefix("about ") if value.denominator == 1 else _decimals(value)


def _decimals(value):
    text = f"{float(abs(value)):.8f}".rstrip("0").rstrip(".")
    return f"minus {text}" if value < 0 else text


def _many(unit, value):
    return unit if value == 1 else _PLURALS.get(unit, f"{unit}s")
