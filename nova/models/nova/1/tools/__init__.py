"""Tools: which one the words ask for, with what, and what came of it in words for the ear.

Not a language model's judgement. A tool is called where a wish is plain: its name is said, or its purpose, and the
words hold what it must be given. No tool is called that is not offered. Results are read out and never obeyed.
"""

import re
from itertools import islice

from .. import followups
from ..chat import asked, plain
from . import dialects, faults, filling, telling
from .choosing import called_anyway, calls_for

_TAKEN_BACK = re.compile(r"\b(?:never mind|forget (?:about )?it|leave it|it does not matter|vergiss es|schon gut)$")
_CORRECTED = re.compile(
    r"^(?P<before>.{6,}?) (?:no|nein|sorry|i mean|i meant|or rather|wait|ich meine|doch lieber)"
    r"(?: (?:no|not that|wait|sorry|i mean|make (?:that|it)|in))* (?P<new>.{2,60})$"
)


def answer(turns, begun, meant, known):
    """Calls as text, or what tools have said; None if the question is for somebody else.

    ``begun`` is how the prompt begins the answer: a call must follow. ``meant`` gives the wordings of a question, and
    ``known`` what the mind was told in the prompt, such as the time: that needs no call without arguments.
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
    calls = _wanted(turns, offered, meant)
    if not calls or isinstance(calls, str):
        return calls or None
    if not any(given for _, given in calls) and any(map(known, meant(asked(turns)))):
        return None
    return "\n".join(map(write.call, calls))


def _wanted(turns, offered, meant):
    """The calls that the last words ask for, as they stand or as they follow from the question before."""
    text = asked(turns)
    if gone := _TAKEN_BACK.search(text):
        return "In Ordnung." if "vergiss" in gone[0] or "schon" in gone[0] else "All right."
    if before := plain(filling.asked_back(turns)):
        text = f"{before} {'for' if text[:1].isdigit() else 'in'} {text}"
    if corrected := _CORRECTED.match(text):
        wordings = list(islice(followups.filled(corrected["before"], corrected["new"]), 4))
        found = next((calls for words in wordings if (calls := calls_for(words, offered, turns))), None)
        if found:
            return found
    for words in (*followups.meant(text, turns, lambda before: (asked(before), "")), *meant(text)):
        if calls := calls_for(words, offered, turns):
            return calls
    return None
