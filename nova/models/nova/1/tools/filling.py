"""What a tool is given: each parameter by its name, its type and what it is for, out of the words that were said."""

import re

from . import amounts, phrases
from .words import stems

_FILLED = (
    (r"^(?:expression|formula|calculation|equation)$|\bexpression\b", phrases.expression),
    (r"\b(?:from|source|input|original) ?units?\b|^unit from$|^from$", lambda said: phrases.units(said)[0]),
    (r"\b(?:to|target|output|desired) ?units?\b|^unit to$|^to$", lambda said: phrases.units(said)[1]),
    (r"\b(?:city|place|location|town|country|capital|region|destination|time ?zone|zone|where)\b", phrases.place),
    (r"^(?:time|at|when|clock|due|time of day)$", phrases.clock),
    (r"\b(?:date|day|weekday)\b", phrases.day),
    (r"\b(?:fact|memory|note|text|content|message|information)\b", phrases.fact),
    (r"^(?:what|task|reminder|subject|todo)$", phrases.reminder),
    (r"^about$", lambda said: phrases.fact(said) or phrases.query(said)),
    (r"\b(?:query|search|keyword|keywords|term|topic|question)\b", phrases.query),
    (r"^(?:name|label|title)$", phrases.label),
)
_COMPILED = tuple((re.compile(pattern), fill) for pattern, fill in _FILLED)


def plain_words(turns):
    """The last words of the user, with digits."""
    return phrases.Said(turns.user, turns).text


def arguments(tool, text, turns, *, every=False):
    """The arguments that the words give, and the names of what is required and missing.

    With ``every`` whatever can be found is given, for a call that must be made.
    """
    said = phrases.Said(text, turns)
    given = {}
    for key, kind in tool.properties.items():
        value = _value(key, kind, tool, said)
        if value is None and (key in tool.required or every):
            value = _at_any_rate(key, kind, tool, said, given)
        if value is not None and value != kind.get("default"):
            given[key] = value
    missing = [key for key in tool.required if key not in given]
    if not missing and not given and _lengths(tool):
        missing = ["length of time"]
    return given, missing


def several(tool, given, text, turns):
    """The arguments once for each of several places that the words name."""
    said = phrases.Said(text, turns)
    for key, value in given.items():
        found = said.places()
        if value in found and len(found) > 1:
            return [{**given, key: place} for place in found]
    return [given]


_ASKED_BACK = ("For how long?", "For that I need to know")


def asked_back(turns):
    """What was asked before she asked back, if she just has; else empty."""
    hers, users = turns.said_by("assistant"), turns.said_by("user")
    return users[-1] if users and hers and hers[-1].startswith(_ASKED_BACK) else ""


def ask_for(missing):
    """What to ask back where a call lacks something."""
    if missing == ["length of time"]:
        return _ASKED_BACK[0]
    return f"{_ASKED_BACK[1]} the {' and the '.join(name.replace('_', ' ') for name in missing)}."


def _lengths(tool):
    return [key for key in tool.properties if amounts.unit_of_time(key)]


def _value(key, kind, tool, said):
    """What the words say of one parameter, or None."""
    name = phrases.spelled(key)
    values = kind.get("enum")
    if isinstance(values, list):
        return next((value for value in values if phrases.holds(said.text, str(value))), None)
    what = kind.get("type")
    if what == "boolean":
        return _switch(name, said.text, tool)
    if what in ("number", "integer", "float"):
        unit = amounts.unit_of_time(key)
        lasts = amounts.lengths_of_time(said.text) if unit else {}
        if lasts:
            alone = len([other for other in tool.properties if amounts.unit_of_time(other)]) == 1
            value = amounts.total(lasts, unit) if alone else lasts.get(unit)
            return None if value is None else amounts.number(value, what)
        return None if unit and "length" not in kind else _number(name, kind, said)
    if what == "array":
        return _list(kind, said)
    if what not in ("string", None):
        return None
    for pattern, fill in _COMPILED:
        if pattern.search(name):
            return fill(said)
    if re.search(r"\b(?:city|place|location)\b", str(kind.get("description", "")).lower()):
        return phrases.place(said)
    return None


def _switch(name, text, tool):
    if re.search(r"\b(?:off|aus|not|do not|without|no)\b", text):
        return False
    on = re.search(r"\b(?:on|an|with|including)\b", text) or stems(name) & stems(text)
    return True if on or name in ("on", "state", "enabled") else None


def _number(name, kind, said):
    """The number beside the parameter's own words, else the next that is not taken yet."""
    numbers = amounts.numbers(said.text)
    near = amounts.beside(said.text, name.split())
    value = (
        near if near is not None else next((value for at, value in enumerate(numbers) if at not in said.taken), None)
    )
    if value is None:
        return None
    if value in numbers:
        said.taken.append(next((at for at, one in enumerate(numbers) if one == value and at not in said.taken), -1))
    return amounts.number(value, kind["type"])


def _list(kind, said):
    inner = kind.get("items") if isinstance(kind.get("items"), dict) else {}
    if inner.get("type") in ("number", "integer", "float"):
        return [amounts.number(value, inner["type"]) for value in amounts.numbers(said.text)] or None
    return said.quoted() or said.names() or None


def _at_any_rate(key, kind, tool, said, given):
    """What a required parameter is given where nothing tells: what was quoted, named, or said after the tool's name."""
    if isinstance(kind.get("enum"), list):
        return None
    what = kind.get("type")
    if what == "boolean":
        return _switch("on", said.text, tool)
    if what not in ("string", None):
        return None
    taken = {value for value in given.values() if isinstance(value, str)}
    for found in (*said.quoted(), *said.names()):
        if found not in taken and not any(found in value for value in taken):
            return found
    return phrases.after(said, stems(tool.name))
