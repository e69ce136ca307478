"""Sums and units, asked and answered in German; the parser and the units are those of the English skills."""

import re
from fractions import Fraction

from .. import numerals
from ..skills import sums, units
from .words import number, spoken

_LEAD = re.compile(
    r"^(und |dann |kannst du |könntest du |weißt du |sag mir |was ist |was sind |was ergibt |was gibt |was macht "
    r"|wieviel ist |wieviel sind |wieviel ergibt |wieviel gibt |wieviel macht |rechne |berechne |das ergebnis von "
    r"|die summe von |noch )+"
)
_TAIL = re.compile(r"( ist| sind| gleich| aus| ergibt| macht| zusammen| dann)+$")
_PHRASES = (
    (r"\bmultipliziert mit\b|\bmultipliziere\b|\bmal\b|(?<=[\d\s])[x×*](?=[\d\s])", " * "),
    (r"\bgeteilt durch\b|\bdividiert durch\b|\bdurch\b|(?<=[\d\s])[/÷](?=[\d\s])", " / "),
    (r"\bplus\b|\baddiert zu\b|(?<=\d) und (?=\d)|\+", " + "),
    (r"\bminus\b|\bweniger\b|(?<=[\d\s])-(?=[\d\s])", " - "),
    (r"\bhoch\b|\^", " ^ "),
    (r"\b(die )?(quadrat)?wurzel (aus|von)\b|√", " sqrt "),
    (r"\b(zum |im )?quadrat\b", " ^ 2 "),
    (r"(?:\bprozent|%) (?:von|der|des)\b", " percentof "),
    (r"\b(die )?hälfte von\b", " 0.5 * "),
    (r"\b(ein )?drittel von\b", " third "),
    (r"\b(ein )?viertel von\b", " 0.25 * "),
    (r"\bdas doppelte von\b", " 2 * "),
)
_SIGNS = ("+", "-", "*", "/", "^", "percentof", "sqrt", "third")
_RESULT = re.compile(r"(?:Noch einmal\. )?Das (?:ist|sind) (?:etwa )?(?P<minus>minus )?(?P<value>\d+(?:,\d+)?)\.")
_LONGEST = 60
"""Words of an expression; a bound on how deep a stranger can make the parser go."""

_UNITS = {
    "millimeter": ("millimeter", "Millimeter"), "mm": ("millimeter", "Millimeter"),
    "zentimeter": ("centimeter", "Zentimeter"), "cm": ("centimeter", "Zentimeter"),
    "meter": ("meter", "Meter"), "m": ("meter", "Meter"),
    "kilometer": ("kilometer", "Kilometer"), "km": ("kilometer", "Kilometer"),
    "zoll": ("inch", "Zoll"), "fuß": ("foot", "Fuß"), "fuss": ("foot", "Fuß"), "yard": ("yard", "Yard"),
    "meile": ("mile", "Meilen"), "seemeile": ("nautical mile", "Seemeilen"),
    "milligramm": ("milligram", "Milligramm"), "mg": ("milligram", "Milligramm"),
    "gramm": ("gram", "Gramm"), "g": ("gram", "Gramm"),
    "kilogramm": ("kilogram", "Kilogramm"), "kilo": ("kilogram", "Kilo"), "kg": ("kilogram", "Kilogramm"),
    "tonne": ("ton", "Tonnen"), "unze": ("ounce", "Unzen"), "pfund": ("pound", "Pfund"),
    "milliliter": ("milliliter", "Milliliter"), "liter": ("liter", "Liter"), "gallone": ("gallon", "Gallonen"),
    "sekunde": ("second", "Sekunden"), "minute": ("minute", "Minuten"), "stunde": ("hour", "Stunden"),
    "tag": ("day", "Tage"), "woche": ("week", "Wochen"),
    "fahrenheit": ("Fahrenheit", "Grad Fahrenheit"), "celsius": ("Celsius", "Grad Celsius"),
    "kelvin": ("kelvin", "Kelvin"),
}  # fmt: skip
"""What the English skill calls a unit, and what a German voice calls many of it. A pound is the British one."""

_ASKED = re.compile(r"^(?:und )?wieviel (?P<to>[\w ]+?) (?:sind|ist|hat|haben|ergeben|machen) (?P<what>.+)$")
_GIVEN = re.compile(
    r"^(?:rechne |wandle |was sind |was ist |wieviel sind |wieviel ist )?(?P<what>.+?) in (?P<to>[\w° ]+?)( um)?$"
)
_COUNT = re.compile(r"\bzähl (?:von (?P<low>\d+) )?bis (?P<high>\d+)$")


def result(text, turns):
    """The spoken result, or None if ``text`` is no sum."""
    body = _TAIL.sub("", _LEAD.sub("", text)).strip()
    for pattern, sign in _PHRASES:
        body = re.sub(pattern, sign, f" {body} ")
    words = [word for word in body.split() if word not in ("der", "die", "das", "zahl")][:_LONGEST]
    hers = turns.said_by("assistant")
    last = _RESULT.match(hers[-1]) if hers else None
    if words[:1] and words[0] in _SIGNS[:5] and last:
        words = ["(", *(["-"] if last["minus"] else []), last["value"].replace(",", "."), ")", *words]
    if not any(word in _SIGNS for word in words):
        return None
    try:
        value = sums.evaluate(words)
    except sums.NotASum:
        return None
    except sums.Impossible:
        return "Das geht nicht auf. Durch null teilen oder so etwas kann niemand."
    if abs(value) > numerals.LIMIT:
        return "Das ist eine riesige Zahl. Zum Vorlesen leider zu lang."
    said = spoken(value)
    return f"Das {'ist' if said in ('1', '0') else 'sind'} {said}."


def conversion(text, turns):
    """The spoken conversion, or None if ``text`` asks for none."""
    text = re.sub(r"(?<=\d)\s*°\s*c\b", " celsius", re.sub(r"(?<=\d)\s*°\s*f\b", " fahrenheit", text))
    text = re.sub(r"(\d)(mm|cm|km|mg|kg|m|g)\b", r"\1 \2", text)
    for found in (_ASKED.match(text), _GIVEN.match(text)):
        if found and (said := _converted(found["what"].split(), found["to"].split())):
            return said
    return None


def _converted(words, to):
    value = Fraction(1) if words[0] in ("ein", "eine", "einem", "einer") else number(words[0])
    source, target = _unit(words[1:]), _unit(to)
    if value is None or source is None or target is None:
        return None
    converted = units.converted(value, source[0], target[0])
    if converted is None:
        return f"{source[1]} und {target[1]} messen verschiedene Dinge. Das lässt sich nicht umrechnen."
    degrees = target[0] in units.DEGREES
    shown = Fraction(round(converted * 10), 10) if degrees else numerals.rounded(converted)
    about = "" if shown == converted else "etwa "
    return f"Das sind {about}{spoken(shown).removeprefix('etwa ')} {target[1]}."


def _unit(words):
    for word in words:
        for name in (word, word.removesuffix("n"), word.removesuffix("en"), word.removesuffix("s")):
            if name in _UNITS:
                return _UNITS[name]
        if word not in ("grad", "ein", "eine", "einem", "einer"):
            return None
    return None


def counting(text, turns):
    """Counts aloud: "zähl bis 10", "zähl von 5 bis 9"; None if not asked to."""
    found = _COUNT.search(text)
    if not found:
        return None
    first, last = int(found["low"] or 1), int(found["high"])
    if abs(last - first) > 100:
        return "Das würde den ganzen Tag dauern. Versuch es mit höchstens hundert."
    step = 1 if last >= first else -1
    return ", ".join(str(n) for n in range(first, last + step, step)) + "."
