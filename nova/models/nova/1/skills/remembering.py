"""What the user tells of himself and his things, kept for as long as the conversation lasts."""

import re

from ..chat import LONGEST, plain
from .refusals import fresh

_TOLD = re.compile(
    r"^(?:remember (?:that )?|and |by the way )*my (?P<what>[a-z ]{2,40}?) (?:is|are) "
    r"(?P<value>[\w ':.äöüß]{1,60})$"
)
_KEEP = re.compile(r"\bremember (?:that |this )?(?P<value>(?!my name|me\b|what\b|when\b|who\b|how\b)[\w ':.]{3,80})$")
_ASKED = re.compile(
    r"\b(?:what|who|where|when|do you (?:know|remember)(?: what)?) (?:is|are|was) my "
    r"(?P<what>[a-z ]{2,40}?)$|\bdo you (?:know|remember) my (?P<also>[a-z ]{2,40})$"
)
_ALL = re.compile(
    r"\bwhat (?:did i|have i) (?:ask|asked|tell|told) you to remember\b|\bwhat should you remember\b|"
    r"\bwhat do you (?:know|remember) about me\b"
)
_NOT = re.compile(r"^(name|question|first|last|voice|bad|point|god|goodness|turn)\b")

_KEPT = ("I'll remember that.", "I keep it in mind.", "Good to know. It stays with me while we talk.")


def answer(text, turns):
    """The reply to plain ``text``, or None."""
    if _ALL.search(text):
        found = [_TOLD.search(words) or _KEEP.search(words) for words in _said(turns)]
        kept = [_turned(one[0]) for one in found if one and not _unnamed(one)]
        return f"You told me this. {'. '.join(kept[-3:])}." if kept else "Nothing yet. Tell me, and I'll keep it."
    if asked := _ASKED.search(text):
        what = asked["what"] or asked["also"]
        if _NOT.search(what):
            return None
        told = [one["value"] for words in _said(turns) if (one := _TOLD.search(words)) and one["what"] == what]
        return f"{told[-1].capitalize()}. You told me." if told else f"You haven't told me about your {what} yet."
    if (found := _TOLD.search(text)) and not _NOT.search(found["what"]):
        return fresh(_KEPT, turns)
    if _KEEP.search(text) and not text.startswith(("do you", "can you remember", "what", "who")):
        return fresh(_KEPT, turns)
    return None


def _said(turns):
    return [plain(words[:LONGEST]) for words in turns.said_by("user")]


def _unnamed(found):
    return found.re is _TOLD and bool(_NOT.search(found["what"]))


def _turned(words):
    """'my cat is tom' as 'Your cat is tom'."""
    words = re.sub(r"^(?:and |by the way )*remember (?:that |this )?|^and ", "", words)
    words = re.sub(r"\bmy\b", "your", re.sub(r"\bi am\b", "you are", re.sub(r"\bi have\b", "you have", words)))
    return re.sub(r"\bi\b", "you", words).capitalize()
