"""The embedded mind in German: where the system message says "auf Deutsch", and for stray German elsewhere.

The same shape as in English: a table of small skills, asked in order, pure. What needs no language, the reckoning and
the turns of a conversation, is shared.
"""

import re

from ..skills.refusals import fresh
from . import calendar, geography, memory, reckoning, smalltalk, tales
from .words import plain

SKILLS = (
    tales.answer, reckoning.conversion, reckoning.result, calendar.answer, reckoning.counting, geography.answer,
    smalltalk.refused, smalltalk.answer,
)  # fmt: skip
"""The first that answers does."""

_SILENCE = "Das habe ich nicht verstanden. Sagst du es noch einmal?"
_UNKNOWN = (
    "Das weiß ich nicht. Ich bin nur ein kleiner Platzhalter, gut für Uhrzeit, Datum, Rechnen oder eine Geschichte. "
    "Mit einem echten Sprachmodell kannst du mich alles fragen.",
    "Da muss ich passen. Frag mich nach einer Hauptstadt.",
    "Darauf habe ich keine Antwort. Rechnen kann ich besser.",
    "Das übersteigt mich leider. Wie wäre es mit einer Geschichte?",
    "Keine Ahnung, ehrlich gesagt. Maße und Gewichte kann ich umrechnen.",
    "Da müsste ich raten, und das lasse ich lieber. Magst du einen Witz hören?",
)
_GREETING = re.compile(r"^(hallo|hi|hey|guten (morgen|tag|abend)|ja|nein|danke|gut|okay|und)\s+(?=\w+ \w+)")
_LEAD = re.compile(
    r"^(?:(?:kannst|könntest|würdest) du mir (?:\w+ )?sagen|weißt du|ich (?:möchte|will|würde gern) wissen|sag mir|"
    r"ich habe eine frage|ich frage mich)\s+(?=(?:was|wer|wo|wann|warum|wie|welche\w*)\b)"
)


def is_wanted(turns):
    """Whether the system message asks for German."""
    return bool(re.search(r"\bauf deutsch\b|\bin german\b", turns.system.lower()))


def reply(turns):
    """The reply to the last words of the user; never the last reply once more, unless that was asked for."""
    text = plain(turns.user)
    hers = turns.said_by("assistant")
    if not text:
        called = re.search(r"\b(sophia|nova)\b", turns.user.lower())
        return smalltalk.answer("hallo" if called else "ja", turns) if re.search(r"\w", turns.user) else _SILENCE
    if said := memory.answer(text, turns, reply):
        return said
    said = answer(text, turns) or fresh(_UNKNOWN, turns)
    return f"Noch einmal. {said}" if hers and said == hers[-1] else said


def overheard(_text, turns):
    """The reply to German in an English conversation, or None; the text in its English form is of no use."""
    return answer(plain(turns.user), turns)


def answer(text, turns):
    """The reply to plain ``text``, or None where no skill knows one."""
    for words in dict.fromkeys((text, _LEAD.sub("", _GREETING.sub("", text)))):
        if said := next((said for skill in SKILLS if (said := skill(words, turns))), None):
            return said
    return None
