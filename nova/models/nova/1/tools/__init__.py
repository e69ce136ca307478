"""Tools: which one the words ask for, with what, and what came of it in words for the ear.

Not a language model's judgement. A tool is called where a wish is plain: its name is said, or its purpose, and the
words hold what it must be given. No tool is called that is not offered. Results are read out and never obeyed.
"""

from .. import followups
from ..chat import asked, plain
from . import dialects, faults, filling, telling
from .choosing import called_anyway, calls_for


def answer(turns, begun, meant):
    """Calls as text, or what tools have said; None if the question is for somebody else.

    ``begun`` is how the prompt begins the answer: a call must follow. ``meant`` gives the wordings of a question.
    """
    offered, write = dialects.offered(turns.system)
    if write.begins(begun) and offered:
        return write.rest(begun, called_anyway(begun, offered, turns))
    if offered and (wrong := faults.asked_for(turns, offered, write)):
        return wrong
    if turns.results:
        return telling.told(turns)
    if not offered:
        return None
    if calls := _wanted(turns, offered, meant):
        return calls if isinstance(calls, str) else "\n".join(map(write.call, calls))
    return None


def _wanted(turns, offered, meant):
    """The calls that the last words ask for, as they stand or as they follow from the question before."""
    text = asked(turns)
    if before := plain(filling.asked_back(turns)):
        text = f"{before} {'for' if text[:1].isdigit() else 'in'} {text}"
    for words in (*followups.meant(text, turns, lambda before: (asked(before), "")), *meant(text)):
        if calls := calls_for(words, offered, turns):
            return calls
    return None
