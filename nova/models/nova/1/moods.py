"""Marks the mood of a reply, where the prompt says how: ``<joy>`` before its first sentence, ``<neutral>`` after."""

import re

NONE = "<neutral>"
_ASKED = re.compile(r"<joy>")
"""What a system message holds that wants marks."""

_TABLE = (
    (
        "sadness",
        r"i'm (?:so |very )?sorry|sorry (?:again|to hear)|that is sad|(?:das )?tut mir leid|das ist traurig",
    ),
    (
        "joy",
        r"i'm (?:glad|fine)|nice to (?:meet|hear|see)|that's (?:kind|nice)|you're welcome|gladly|the pleasure is mine|"
        r"hello|good (?:morning|evening)|hi[.,!]|welcome|congratulations|happy birthday|gern|freut mich|hallo|schön|"
        r"mir geht es gut|guten (?:morgen|tag|abend)|willkommen|glückwunsch",
    ),
    (
        "cheekiness",
        r"forty-two|ask me again in|you're too kind|as tall as your screen|a head and some shoulders|zweiundvierzig",
    ),
    ("amazement", r"did you know|imagine|believe it or not|wow|wusstest du|stell dir vor|kaum zu glauben"),
)
_KNOWN = tuple((mood, re.compile(rf"\A(?:{words})(?!\w)", re.IGNORECASE)) for mood, words in _TABLE)
_TOLD = re.compile(
    r"\bi am (?:so |very |really )?(?:sad|lonely|depressed|unhappy|worried|afraid)\b|\b(?:died|passed away|broke up|"
    r"lost my job|funeral|ich bin (?:so |sehr )?(?:traurig|einsam|unglücklich)|gestorben|verstorben)\b"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")


def marked(said, words, system):
    """The reply with the mood of its first sentence, if ``system`` asks for moods and one fits.

    ``words`` are the user's, plain. What somebody tells of grief is answered in sadness, whatever the answer.
    """
    if not _ASKED.search(system) or "<tool_call>" in said:
        return said
    mood = "sadness" if _TOLD.search(words) else next((mood for mood, begins in _KNOWN if begins.match(said)), "")
    if not mood:
        return said
    first, *rest = _SENTENCE.split(said, maxsplit=1)
    return f"<{mood}>{first} {NONE}{rest[0]}" if rest else f"<{mood}>{first}"
