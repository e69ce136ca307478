"""Opposites of everyday words."""

import re

_PAIRS = (
    "hot cold, big small, tall short, long short, fast slow, good bad, old young, new old, early late, easy "
    "difficult, "
    "hard soft, heavy light, dark light, happy sad, rich poor, full empty, open closed, high low, near far, up down, "
    "left right, black white, day night, love hate, war peace, strong weak, clean dirty, wet dry, thick thin, wide "
    "narrow, loud quiet, sweet sour, true false, right wrong, begin end, start stop, buy sell, give take, come go, "
    "win "
    "lose, laugh cry, brave afraid, cheap expensive, deep shallow, inside outside, above below, first last, always "
    "never, everything nothing, friend enemy, question answer, push pull, rough smooth, sharp blunt, smart stupid, "
    "polite rude, summer winter, morning evening, north south, east west, life death, hello goodbye, yes no"
)
_OF = {}
for _one, _other in (pair.split() for pair in _PAIRS.split(", ")):
    _OF.setdefault(_one, _other)
    _OF.setdefault(_other, _one)
_ASKED = re.compile(r"\bopposite of (?:the word )?(?P<word>[a-z]+)$")


def answer(text, turns):
    """The opposite that plain ``text`` asks for, or None."""
    found = _ASKED.search(text)
    return f"{_OF[found['word']].capitalize()}." if found and found["word"] in _OF else None
