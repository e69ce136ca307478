"""Whether a number is prime, even or odd."""

import re
from math import isqrt

from .. import numerals

_ASKED = re.compile(r"^(?:and )?is (?P<n>[\w ]+?) (?:a |an )?(?P<what>prime|even|odd)(?: number)?$")
_LARGEST = 10**9
"""Beyond it the search would take longer than a reply may."""


def answer(text, turns):
    """The answer to plain ``text``, or None."""
    found = _ASKED.match(text)
    read = numerals.read(found["n"].split(), 0) if found else None
    if read is None or read[0].denominator != 1:
        return None
    number = int(read[0])
    if found["what"] != "prime":
        yes = number % 2 == (found["what"] == "odd")
        return f"{'Yes' if yes else 'No'}, {numerals.say(read[0])} is {'odd' if number % 2 else 'even'}."
    if abs(number) > _LARGEST:
        return "That one is too large for me."
    if number < 2:
        return "No. The primes begin with two."
    divisor = next((d for d in range(2, isqrt(number) + 1) if number % d == 0), None)
    return f"No, {divisor} divides it." if divisor else f"Yes, {number} is prime."
