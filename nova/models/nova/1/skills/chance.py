"""Coins, dice and random numbers. What falls follows from the conversation and the time, so it can be told again."""

import re
import zlib

from .. import numerals

_NUMBER = re.compile(r"\bnumber (?:between|from) (?P<low>[\w ]+?) (?:and|to) (?P<high>[\w ]+)$")


def answer(text, turns):
    """What falls when plain ``text`` asks for it, or None."""
    if re.search(r"\b(flip|toss|throw) (a |the )?coin\b|\bheads or tails\b", text):
        return ("Heads.", "Tails.")[_drawn(turns, 2)]
    if re.search(r"\b(roll|throw) (a |the |some |two )?(dice|die)\b", text):
        if "two" in text or "dices" in text:
            return f"{_drawn(turns, 6) + 1} and {_drawn(turns, 36) // 6 + 1}."
        return f"It's a {_drawn(turns, 6) + 1}."
    if found := _NUMBER.search(text):
        low, high = (numerals.read(found[side].split(), 0) for side in ("low", "high"))
        if low and high and low[0].denominator == high[0].denominator == 1 and low[0] < high[0]:
            return f"{int(low[0]) + _drawn(turns, int(high[0] - low[0]) + 1)}."
    if re.search(r"\b(pick|choose|give me|think of|say) (a|any) (random )?number\b|\brandom number\b", text):
        return f"{_drawn(turns, 100) + 1}."
    return None


def _drawn(turns, sides):
    """Zero to ``sides`` - 1."""
    seed = f"{turns.now}{[said for _, said in turns.pairs]}"
    return zlib.crc32(seed.encode("utf-8", "replace")) // 7 % sides
