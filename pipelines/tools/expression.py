"""Works out what people reckon: numbers, signs, brackets and a few functions. Bounded in size and time; no ``eval``.

Sums and products of whole numbers and fractions are exact. What would grow beyond :data:`MOST_BITS` goes on as a
floating-point number, and what that cannot hold is refused. The grammar, loosest first:

    sum      = product {("+" | "-") product}
    product  = power {("*" | "/" | "%" | "of") power}
    power    = ["+" | "-"] postfix ["**" power]
    postfix  = atom {"!" | "%"}
    atom     = number | name | name "(" sum {"," sum} ")" | "(" sum ")"
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction

LONGEST = 300
"""Characters of what is worked out."""

DEEPEST = 40
"""Brackets within brackets."""

MOST_BITS = 4096
"""Size of the numbers that are exact."""

DIGITS = 12
"""Digits that a result which is not exact has."""

LARGEST_FACTORIAL = 300

Number = Fraction | float


class CannotReckon(ValueError):
    """Why it cannot be worked out, in words that a model can mend its question by."""


_TOKEN = re.compile(r"\s*(?:(\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d{1,4})?|\.\d+)|([^\W\d_]+\d*)|(\*\*|//|[-+*/%^()!,√]))")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", ":": "/"})
_WORDS = {"plus": "+", "minus": "-", "times": "*", "x": "*", "over": "/", "mod": "%", "percent": "%", "of": "of"}
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


def _root(value: Number) -> Number:
    if value < 0:
        raise CannotReckon("a negative number has no real square root")
    if isinstance(value, Fraction):
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return math.sqrt(value)


def _factorial(value: Number) -> Number:
    if not isinstance(value, Fraction) or value.denominator != 1 or not 0 <= value <= LARGEST_FACTORIAL:
        raise CannotReckon(f"factorials are of whole numbers from 0 to {LARGEST_FACTORIAL}")
    return Fraction(math.factorial(int(value)))


def _size(value: Number) -> Number:
    return -value if value < 0 else value


def _whole(function: Callable[[Number], int]) -> Callable[[Number], Number]:
    return lambda value: Fraction(function(value))


def _real(function: Callable[[float], float]) -> Callable[[Number], Number]:
    return lambda value: function(float(value))


_FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "sqrt": _root, "abs": _size, "floor": _whole(math.floor), "ceil": _whole(math.ceil), "exp": _real(math.exp),
    "ln": _real(math.log), "log": _real(math.log10), "log10": _real(math.log10), "log2": _real(math.log2),
    "sin": _real(math.sin), "cos": _real(math.cos), "tan": _real(math.tan), "asin": _real(math.asin),
    "acos": _real(math.acos), "atan": _real(math.atan), "radians": _real(math.radians),
    "degrees": _real(math.degrees), "factorial": _factorial,
}  # fmt: skip


def _rounded(values: list[Number]) -> Number:
    """To so many digits behind the point, a half upwards in size, as people do it."""
    digits = int(values[1]) if len(values) > 1 else 0
    if abs(digits) > DIGITS:
        raise CannotReckon(f"rounding is to at most {DIGITS} digits")
    scaled = abs(Fraction(values[0])) * Fraction(10) ** digits
    near = Fraction(math.floor(scaled + Fraction(1, 2))) / Fraction(10) ** digits
    return near if values[0] >= 0 else -near


_OF_MANY: dict[str, Callable[[list[Number]], Number]] = {
    "min": min,
    "max": max,
    "sum": lambda values: sum(values, Fraction(0)),
    "mean": lambda values: sum(values, Fraction(0)) / len(values),
    "round": _rounded,
}
_CONSTANTS: dict[str, Number] = {"pi": math.pi, "π": math.pi, "e": math.e, "tau": math.tau}


def evaluate(text: str) -> Number:
    """What it comes to: a fraction where that is exact. Raises :class:`CannotReckon`."""
    if len(text) > LONGEST:
        raise CannotReckon(f"it is longer than {LONGEST} characters")
    parser = _Parser(_tokens(text))
    try:
        value = parser.sum()
        parser.end()
    except ZeroDivisionError:
        raise CannotReckon("it divides by zero") from None
    except OverflowError:
        raise CannotReckon("the result is too large") from None
    except CannotReckon:
        raise
    except (ValueError, TypeError):
        raise CannotReckon("a function is not defined there") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise CannotReckon("the result is too large")
    return value


def written(value: Number) -> str:
    """The result in digits; "about" stands before one that is not exact."""
    if isinstance(value, Fraction):
        if value.denominator == 1 and abs(value) < 10**30:
            return str(value.numerator)
        scaled = value * 10**DIGITS
        if scaled.denominator == 1 and abs(value) < 10**6:
            whole, rest = divmod(abs(scaled.numerator), 10**DIGITS)
            return f"{'-' if value < 0 else ''}{whole}.{rest:0{DIGITS}}".rstrip("0")
    try:
        near = f"{float(value):.{DIGITS}g}"
    except OverflowError:
        digits = str(abs(int(value)))
        near = f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:DIGITS]}e{len(digits) - 1}"
    digits, _, power = near.partition("e")
    return f"about {digits} times 10 to the power of {int(power)}" if power else f"about {near}"


def _tokens(text: str) -> list[str]:
    text, found, at, calls = text.translate(_SIGNS).strip().rstrip("=? "), [], 0, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CannotReckon(f"“{text[at:].strip()[:1]}” is no part of a calculation")
        number, name, sign = match.groups()
        at = match.end()
        if number is None:
            word = (name or "").casefold()
            token = _WORDS.get(word, word) if name else {"^": "**", "√": "sqrt"}.get(sign, sign)
            calls += {"(": 1, ")": -1}.get(token, 0)
            found.append(token)
        elif "," not in number:
            found.append(number)
        elif calls <= 0 and _GROUPED.fullmatch(number):
            found.append(number.replace(",", ""))
        else:  # arguments, side by side
            parts = number.split(",")
            found += [token for part in parts for token in (part, ",")][:-1]
    return [token for token in found if token]


class _Parser:
    """Works out a list of tokens from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._percent = False  # the newest value is so many per cent of something

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise CannotReckon(f"“{self._tokens[self._at]}” is not expected there")

    def sum(self) -> Number:
        self._depth += 1
        if self._depth > DEEPEST:
            raise CannotReckon("there are too many brackets in brackets")
        value = self._product()
        while sign := self._takes("+", "-"):
            right = self._product()
            if self._percent:
                raise CannotReckon("say per cent of what, such as 200 + 10% of 200")
            value = _bounded(value + right if sign == "+" else value - right)
        self._depth -= 1
        return value

    def _product(self) -> Number:
        value = self._power()
        while sign := self._takes("*", "/", "//", "%", "of"):
            right, self._percent = self._power(), False
            match sign:
                case "/":
                    value = value / right
                case "//":
                    value = Fraction(value // right)
                case "%":
                    value = value % right
                case _:
                    value = value * right
            value = _bounded(value)
        return value

    def _power(self) -> Number:
        if sign := self._takes("+", "-"):
            self._depth += 1
            if self._depth > DEEPEST:
                raise CannotReckon("there are too many signs in a row")
            value = self._power()
            self._depth -= 1
            return -value if sign == "-" else value
        base = self._postfix()
        if not self._takes("**"):
            return base
        self._depth += 1
        if self._depth > DEEPEST:
            raise CannotReckon("there are too many powers of powers")
        raised = _raise(base, self._power())
        self._depth -= 1
        return raised

    def _postfix(self) -> Number:
        value, self._percent = self._atom(), False
        while True:
            if self._takes("!"):
                value = _factorial(value)
            elif self._next() == "%" and not self._begins(1):
                self._at += 1
                value, self._percent = value / 100, True
            else:
                return value

    def _atom(self) -> Number:
        token = self._next()
        self._at += 1
        if token == "(":
            value = self.sum()
            self._close()
            return value
        if token and (token[0].isdecimal() or token[0] == "."):
            if len(token) > 1 and token.lower().count("e") and abs(int(token.lower().split("e")[1])) > 300:
                raise CannotReckon("the number is too large, or too small")
            return _bounded(Fraction(token))
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        if token in _OF_MANY and self._takes("("):
            values = [self.sum()]
            while self._takes(","):
                values.append(self.sum())
            self._close()
            return _bounded(_OF_MANY[token](values))
        if token in _FUNCTIONS:
            value = self._function_of(token)
            return _bounded(value)
        raise CannotReckon(f"“{token}” is no number or function" if token else "it ends too early")

    def _function_of(self, name: str) -> Number:
        if self._takes("("):
            value = self.sum()
            self._close()
        else:
            self._depth += 1
            if self._depth > DEEPEST:
                raise CannotReckon("there are too many functions of functions")
            value = self._postfix()
            self._depth -= 1
        return _FUNCTIONS[name](value)

    def _next(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ""

    def _begins(self, ahead: int) -> bool:
        """Whether a value begins there, so that a per cent sign before it asks for a remainder."""
        token = self._next(ahead)
        return bool(token) and (token == "(" or token[0].isalnum() or token[0] == ".") and token != "of"

    def _takes(self, *signs: str) -> str:
        if (token := self._next()) in signs and token:
            self._at += 1
            return token
        return ""

    def _close(self) -> None:
        if not self._takes(")"):
            raise CannotReckon("a bracket is not closed")


def _raise(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        bits = base.numerator.bit_length() + base.denominator.bit_length()
        if abs(exponent) * bits <= MOST_BITS:
            return Fraction(base ** int(exponent))
        if abs(base) in (0, 1):
            return base ** (2 if exponent.numerator % 2 == 0 else 1) if exponent > 0 or base else base**-1
    try:
        power: float | complex = float(base) ** float(exponent)
    except OverflowError:
        raise CannotReckon("the result is too large") from None
    if isinstance(power, complex):
        raise CannotReckon("a root of a negative number is no real number")
    return power


def _bounded(value: Number) -> Number:
    """Exact as long as it is not too long."""
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        return float(value)
    return value
