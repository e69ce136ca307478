"""Which tool the words ask for: by its name, by its purpose, or by most of the words being about it."""

import re

from . import filling, phrases
from .words import PURPOSES, stems

MOST_CALLS = 4
"""Calls of one answer."""
_AND = re.compile(r"\s+(?:and then|and also|and|then|also|sowie|und)\s+")
_STATED = re.compile(
    r"^(?:do you remember|i|my|it|that|this|we|he|she|they|you|ich|mein|das|es) "
    r"(?!(?:want|need|would like|wish|möchte) )"
    r"|^remember me$"
)
_SEEMS, _SURE = 0.5, 1.0
_LEAST_COMMON = 2
"""Words that a question and a tool must have in common where nothing else speaks for it."""


def calls_for(text, tools, turns):
    """The calls that plain ``text`` asks for, as (name, arguments); what to ask back where one is plain and lacks
    something; None where it asks for none."""
    text = phrases.Said(text, turns).text
    parts = [part for part in _AND.split(text) if part]
    if 1 < len(parts) <= MOST_CALLS:
        each = [_calls(part, tools, turns) for part in parts]
        names = [calls[0][0] for calls in each if isinstance(calls, list)]
        if len(names) == len(parts):
            return _once([call for calls in each for call in calls])[:MOST_CALLS]
        if len(set(names)) > 1:
            return _once([call for calls in each if isinstance(calls, list) for call in calls])[:MOST_CALLS]
    return _calls(text, tools, turns)


def _once(calls):
    return [call for at, call in enumerate(calls) if call not in calls[:at]]


def called_anyway(begun, tools, turns):
    """A call that must be made: of the tool that the prompt names, or of whichever fits best."""
    text = filling.plain_words(turns)
    named = [tool for tool in tools if f'"{tool.name}"' in begun or f"={tool.name}>" in begun]
    tool = named[0] if named else max(tools, key=lambda tool: _score(tool, text))
    return tool.name, filling.arguments(tool, text, turns, every=True)[0]


def _calls(text, tools, turns):
    if _STATED.match(text):
        return None
    scored = sorted(((_score(tool, text), -at, tool) for at, tool in enumerate(tools)), key=lambda s: s[:2])[::-1]
    sure = [tool for score, _, tool in scored if score >= _SURE]
    named = [tool for _, _, tool in scored if _is_named(tool, text)]
    if sure:  # one word of a name may be said by chance
        named = [tool for tool in named if tool in sure or len(stems(tool.name)) > 1]
    calls = []
    for tool in named if _AND.search(text) else named[:1]:
        given, missing = filling.arguments(tool, text, turns)
        if not missing:
            calls += [(tool.name, one) for one in filling.several(tool, given, text, turns)]
    if calls:
        return calls[:MOST_CALLS]
    for score, _, tool in scored:
        if score < _SEEMS:
            break
        given, missing = filling.arguments(tool, text, turns)
        if not missing:
            return [(tool.name, one) for one in filling.several(tool, given, text, turns)][:MOST_CALLS]
        if score >= _SURE:
            return filling.ask_for(missing)
    return None


def _is_named(tool, text):
    """Whether each word of the tool's name is said."""
    name, said = stems(tool.name), stems(text)
    return bool(name) and name <= said


def _score(tool, text):
    """How much speaks for a tool: 1 for a purpose that its name tells, less for words in common."""
    said = stems(text)
    name, about = stems(tool.name), stems(tool.description)
    purposes = [
        len(named & name)
        for pattern, named, told in PURPOSES
        if (named & name or (told and told <= name | about)) and pattern.search(text)
    ]
    if purposes:
        return _SURE + max(purposes) / 10 + len(said & (name | about)) / 100
    common = said & (name | about | stems(" ".join(tool.properties)))
    if len(common) < _LEAST_COMMON or not (name & common):
        return len(common) / 100
    return min(0.9, len(common) / max(len(said), 1) + len(name & common) / max(len(name), 1) / 2)
