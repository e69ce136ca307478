"""Mental arithmetic: spoken or written expressions, and going on from the last result."""

import re
from fractions import Fraction
from math import isqrt

from .. import numerals

_LEAD = re.compile(
    r"^(and |then |can you |could you |would you |tell me |what is the result of |what is the value of |what is "
    r"|what are "
    r"|how much is |how much are |how much does |calculate |compute |work out |solve |was ist |wie viel ist "
    r"|wieviel ist "
    r"|was macht |rechne |what does )+"
)
_TAIL = re.compile(r"( equals?| make| is| for me| then| together| gleich)+$")
_PHRASES = (
    (r"\bmultiplied by\b|\bmultiply (?:\w+ )?by\b|\btimes\b|\bmal\b|(?<=[\d\s])[x×*](?=[\d\s])", " * "),
    (r"\bdivided by\b|\bdivide (?:\w+ )?by\b|\bover\b|\bgeteilt durch\b|(?<=[\d\s])[/÷:](?=[\d\s])", " / "),
    (r"\bplus\b|\badded to\b|\badd\b|\+", " + "),
    (r"\bsubtract\b|\btake away\b|\bless\b|\bminus\b|(?<=[\d\s])-(?=[\d\s])", " - "),
    (r"\bto the power of\b|\bto the power\b|\braised to\b|\bhoch\b|\^", " ^ "),
    (r"\bthe square root of\b|\bsquare root of\b|\bthe root of\b|\bwurzel aus\b|√", " sqrt "),
    (r"\b(?:the )?square of\b", " square "),
    (r"\b(?:dollars?|euros?|bucks)\b", " "),
    (r"\bsquared\b", " ^ 2 "),
    (r"\bcubed\b", " ^ 3 "),
    (r"(?:\bpercent|\bper cent|\bprozent|%)\s*(?:of|von)\b", " percentof "),
    (r"\b(?:the )?half of\b", " 0.5 * "),
    (r"\b(?:a )?third of\b", " third "),
    (r"\b(?:a )?quarter of\b", " 0.25 * "),
    (r"\btwice\b|\bdouble\b", " 2 * "),
)
_BINARY = ("+", "-", "*", "/", "^", "percentof")
_RESULT = re.compile(r"That's (?:about )?(?P<minus>minus )?(?P<value>\d+(?:\.\d+)?)\.")
_LONGEST = 60
"""Words of an expression; a bound on how deep a stranger can make the parser go."""


class NotASum(Exception):
    """The words are no expression."""


class Impossible(Exception):
    """An expression without a result worth saying; the message is what to say."""


def answer(text, turns):
    """The spoken result, or None if ``text`` (plain) is no sum."""
    hers = turns.said_by("assistant")
    body = _TAIL.sub("", _LEAD.sub("", text)).strip()
    for pattern, symbol in _PHRASES:
        body = re.sub(pattern, symbol, f" {body} ")
    words = body.split()
    words = [w for w in words if w not in ("the", "of", "by", "is", "number", "it", "that")][:_LONGEST]
    last = _RESULT.match(hers[-1].removeprefix("Once more. ")) if hers else None
    if words[:1] and words[0] in ("+", "-", "*", "/", "^") and last:
        words = ["(", *(["-"] if last["minus"] else []), last["value"], ")", *words]
    if not any(w in _BINARY or w in ("sqrt", "square", "third") for w in words):
        return None
    try:
        value = evaluate(words)
    except NotASum:
        return None
    except Impossible as reason:
        return str(reason)
    if abs(value) > numerals.LIMIT:
        return "That's a huge number. Too long to read out, I'm afraid."
    return f"That's {numerals.say(value)}."


def evaluate(words):
    """The value of an expression in signs and numbers; raises :class:`NotASum` or :class:`Impossible`."""
    return _Parser(words).whole()


class _Parser:
    """Recursive descent over words, with the usual precedence."""

    def __init__(self, words):
        self.words, self.at = words, 0

    def whole(self):
        value = self.sum()
        if self.at != len(self.words):
            raise NotASum
        return value

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self, *symbols):
        if self.peek() in symbols:
            self.at += 1
            return self.words[self.at - 1]
        return None

    def sum(self):
        value = self.product()
        while symbol := self.take("+", "-"):
            other = self.product()
            value = value + other if symbol == "+" else value - other
        return value

    def product(self):
        value = self.power()
        while symbol := self.take("*", "/", "percentof"):
            other = self.power()
            if symbol == "/" and other == 0:
                raise Impossible("I can't divide by zero. Nobody can.")
            value = value / other if symbol == "/" else value * other / (100 if symbol == "percentof" else 1)
        return value

    def power(self):
        base = self.atom()
        while self.take("^"):
            exponent = self.atom()
            if exponent.denominator != 1 or abs(exponent) > 64 or abs(base) > 10**9:
                raise Impossible("That's too steep a power for me.")
            if base == 0 and exponent < 0:
                raise Impossible("I can't divide by zero. Nobody can.")
            base = base ** int(exponent)
        return base

    def atom(self):
        if self.take("sqrt"):
            return _root(self.atom())
        if self.take("square"):
            value = self.atom()
            if abs(value) > 10**9:
                raise Impossible("That's too steep a power for me.")
            return value * value
        if self.take("third"):
            return self.atom() / 3
        if self.take("("):
            value = self.sum()
            if not self.take(")"):
                raise NotASum
            return value
        if self.take("-"):
            return -self.atom()
        found = numerals.read(self.words, self.at)
        if found is None:
            raise NotASum
        value, self.at = found
        return value


def _root(value):
    """The square root, exact where it is, else to six digits."""
    if value < 0:
        raise Impossible("That root isn't a real number.")
    scale = 10**12
    root = Fraction(isqrt(value.numerator * scale // value.denominator), 10**6)
    nearest = Fraction(round(root))
    return nearest if nearest * nearest == value else root
