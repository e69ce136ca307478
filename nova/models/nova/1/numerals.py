"""Numbers as people say them: words to values, and values to something a voice reads well."""

import re
from fractions import Fraction

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_DECADES = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: value for value, word in enumerate(_UNITS.split())}
_TENS = {word: 20 + 10 * at for at, word in enumerate(_DECADES.split())}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_SPECIAL = {"dozen": Fraction(12), "half": Fraction(1, 2), "quarter": Fraction(1, 4)}
_DIGITS = re.compile(r"\d+(\.\d+)?")

LIMIT = 10**15
"""Larger results are declined: nobody wants to hear them."""


def read(words, at):
    """The number that starts at ``words[at]`` and where it ends, or None. ``words`` are plain lower-case words."""
    start = at
    negative = at < len(words) and words[at] in ("minus", "negative")
    at += negative
    if at < len(words) and words[at] in ("a", "an") and at + 1 < len(words) and words[at + 1] in (_SCALES | _SPECIAL):
        if words[at + 1] in _SPECIAL:
            return _signed(_SPECIAL[words[at + 1]], negative), at + 2
        value, at = _scaled(words, at + 1, Fraction(1))
        return _signed(value, negative), at
    if at >= len(words):
        return None
    if _DIGITS.fullmatch(words[at]):
        value, at = _scaled(words, at + 1, Fraction(words[at]))
        return _signed(value, negative), at
    if words[at] in _SPECIAL:
        return _signed(_SPECIAL[words[at]], negative), at + 1
    found = _small(words, at)
    if found is None:
        return None
    value, at = _scaled(words, found[1], found[0])
    if at < len(words) - 1 and words[at] == "point" and words[at + 1] in _ONES:
        digits = ""
        at += 1
        while at < len(words) and words[at] in _ONES and _ONES[words[at]] < 10:
            digits += str(_ONES[words[at]])
            at += 1
        if digits:
            value += Fraction(int(digits), 10 ** len(digits))
    return (_signed(value, negative), at) if at > start else None


def _signed(value, negative):
    return -value if negative else value


def _small(words, at):
    """One to ninety-nine."""
    if words[at] in _TENS:
        value = Fraction(_TENS[words[at]])
        if at + 1 < len(words) and 0 < _ONES.get(words[at + 1], 0) < 10:
            return value + _ONES[words[at + 1]], at + 2
        return value, at + 1
    if words[at] in _ONES:
        return Fraction(_ONES[words[at]]), at + 1
    return None


def _scaled(words, at, value):
    """``value`` with what follows of hundreds, thousands and the rest: 'two thousand five hundred and six'."""
    total = Fraction(0)
    while at < len(words):
        word = words[at]
        if word in _SCALES:
            value *= _SCALES[word]
            at += 1
            if _SCALES[word] > 100:
                total, value = total + value, Fraction(0)
                more = _group(words, at)
                if more is None or more[0] >= _SCALES[word]:
                    break
                value, at = more
            continue
        more = _group(words, at) if value and value % 100 == 0 and words[at - 1] == "hundred" else None
        if more is None or more[0] >= 100:
            break
        value, at = value + more[0], more[1]
    return total + value, at


def _group(words, at):
    """A number below a hundred, perhaps behind 'and', as a continuation of a larger one."""
    if at < len(words) and words[at] == "and":
        at += 1
    if at >= len(words):
        return None
    if re.fullmatch(r"\d{1,2}", words[at]):
        return Fraction(words[at]), at + 1
    return _small(words, at)


def say(value):
    """A value for a voice: whole numbers as they are, others to at most two decimals; marks rounding with 'about'."""
    if value.denominator == 1:
        return _minus(value, str(abs(value.numerator)))
    digits = 2 if abs(value) >= Fraction(1, 100) else 6
    text = f"{float(abs(value)):.{digits}f}".rstrip("0").rstrip(".")
    about = "" if Fraction(text) == abs(value) else "about "
    return about + _minus(value, text)


def _minus(value, text):
    return f"minus {text}" if value < 0 and text.strip("0.") else text


def rounded(value):
    """A measured quantity to three significant digits, whole numbers above a hundred."""
    if value == 0 or value.denominator == 1:
        return value
    size, digits = abs(value), 2
    while size >= 10:
        size, digits = size / 10, digits - 1
    while size < 1:
        size, digits = size * 10, digits + 1
    return Fraction(round(value * 10 ** max(0, digits)), 10 ** max(0, digits))


def about(count):
    """A large whole number as people say it: '1.4 billion', '83 million', '620000'."""
    for scale, name in ((10**9, "billion"), (10**6, "million")):
        if count >= scale:
            digits = 1 if count < 10 * scale else 0
            return f"{count / scale:.{digits}f}".removesuffix(".0") + f" {name}"
    size = 10 ** max(0, len(str(count)) - 2)
    return str(round(count / size) * size)
