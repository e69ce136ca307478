"""Rhymes, by the CMU Pronouncing Dictionary."""

import re

from ..knowledge import rhymes

_ASKED = re.compile(
    r"\brhymes?\b.*?\b(?:with|to|for|on) (?:the word )?(?P<word>[a-z]+)$|^what (?P<other>[a-z]+) "
    r"rhymes with$"
)


def answer(text, turns):
    """Some rhymes that plain ``text`` asks for, or None."""
    found = _ASKED.search(text)
    if not found:
        return None
    word = found["word"] or found["other"]
    if word in ("orange", "silver", "purple", "month"):
        return f"Hardly anything. {word.capitalize()} is famous for that."
    # Short ones come first: they are what people look for.
    best = sorted(rhymes(word), key=lambda other: (len(other), other))[:4]
    if not best:
        return f"I find no rhyme for {word}. Try another one."
    if len(best) == 1:
        return f"{best[0].capitalize()}. I know of no other."
    return f"{', '.join(best[:-1]).capitalize()} and {best[-1]}."
