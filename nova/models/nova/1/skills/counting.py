"""Counting aloud: 'count to twenty', 'count from five to nine'."""

import re

from .. import numerals

_COUNT = re.compile(r"\bcount (?:up |down )?(?:from (?P<low>[\w ]+?) )?(?:up |down )?to (?P<high>[\w ]+)$")


def answer(text, turns):
    """The numbers that plain ``text`` asks for, or None."""
    found = _COUNT.search(text)
    if not found:
        return None
    low = numerals.read((found["low"] or "one").split(), 0)
    high = numerals.read(found["high"].split(), 0)
    if low is None or high is None or low[0].denominator != 1 or high[0].denominator != 1:
        return None
    first, last = int(low[0]), int(high[0])
    if abs(last - first) > 100:
        return "That would take all day. Try something up to a hundred."
    step = 1 if last >= first else -1
    return ", ".join(str(n) for n in range(first, last + step, step)) + "."
