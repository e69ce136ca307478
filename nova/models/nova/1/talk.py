"""The embedded mind: a rendered prompt in, a spoken reply out.

Not a language model and not pretending to be one: a list of small skills, asked in order. The same prompt always gives
the same reply. Replies are made for a voice: short sentences, a short first clause, no markup.
"""

import re

from . import clock, facts, german, memory, numerals, smalltalk, stories, sums, tools, units
from .chat import begun, parse, plain

_UNKNOWN = (
    "I don't know that one. I'm only a small stand-in, good for sums, units, the time, or a story. Plug in a real "
    "language model, and you can ask me anything.",
    "That's beyond me, sorry. Try a sum, the time, or ask for a story.",
    "I still don't know, sorry. A real language model would.",
)
_SILENCE = "I didn't catch that. Could you say it again?"
_ANOTHER = re.compile(r"\b(another|one more|again|next)\b")


def answer(prompt):
    """The reply to a rendered chat prompt."""
    turns = parse(prompt)
    return tools.answer(turns, begun(prompt)) or reply(turns)


def reply(turns):
    """The reply to the last words of the user."""
    text = plain(turns.user)
    if not text:
        called = re.search(r"\b(sophia|nova)\b", turns.user.lower())
        return smalltalk.answer("hello" if called else "okay") if re.search(r"\w", turns.user) else _SILENCE
    hers = turns.said_by("assistant")
    last = hers[-1] if hers else ""
    # A rest like "and what time is it" after a greeting counts without the greeting.
    for part in (
        text,
        re.sub(r"^(hello|hi|hey|good (morning|evening|afternoon)|yes|no|thanks|thank you)\s+(?=\w+ \w+)", "", text),
    ):
        found = (
            memory.answer(part, turns, reply)
            or _tale(part, hers, last)
            or units.answer(part)
            or sums.answer(part, last)
            or clock.answer(part, turns.now)
            or smalltalk.count(part, numerals.read)
            or facts.answer(part, hers, stories.in_turn)
        )
        if found:
            return found
    return smalltalk.answer(text) or german.answer(text, turns.now) or _unknown(hers)


def _tale(text, hers, last):
    if re.search(r"\b(story|stories|fairy tale|tale|geschichte|märchen)\b", text) and not re.search(
        r"\byour story\b", text
    ):
        return stories.in_turn(stories.STORIES, hers)
    if re.search(r"\b(jokes?|witz|something funny|make me laugh)\b", text):
        return stories.in_turn(stories.JOKES, hers)
    if _ANOTHER.search(text) and len(text.split()) <= 5:
        for kind in (stories.STORIES, stories.JOKES):
            if any(last.startswith(tale[:24]) for tale in kind) and not text.endswith("again"):
                return stories.in_turn(kind, hers)
    return None


def _unknown(hers):
    times = sum(any(said.startswith(unknown[:16]) for unknown in _UNKNOWN) for said in hers)
    return _UNKNOWN[min(times, len(_UNKNOWN) - 1)]
