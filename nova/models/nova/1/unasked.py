"""Where she speaks first: tells of what stands between the marks, as data, or greets if that is what she is to do."""

import re

from .tools import telling

_NEWS = re.compile(r"you speak first\..*?\n<<<\n(.*?)\n>>>", re.DOTALL)
_ORDER = re.compile(r"\byou begin\. Do this, [^:\n]*: ([^\n]+)")
_GREETING = "Hello, I'm Sophia. What can I do for you?"
_NOTHING = "There is some news, but nothing in it that I could tell you."


def answer(turns):
    """What she says by herself; None if somebody is to be answered."""
    if news := _NEWS.search(turns.system):
        return telling.spoken(news[1]) or _NOTHING
    if order := _ORDER.search(turns.system):
        return _GREETING if re.search(r"\b(greet|welcome|hello)", order[1], re.IGNORECASE) else order[1].strip()
    return None
