"""Brings a German speaker's words into one plain form: lower case, numbers as digits, no marks, no fillers."""

import re
from fractions import Fraction

from ..chat import LONGEST

_ONES = dict(zip(
    ("null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
     "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"), range(20), strict=True,
)) | {"eins": 1, "zwo": 2}  # fmt: skip
_TENS = dict(zip(
    ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"), range(20, 100, 10),
    strict=True,
)) | {"dreissig": 30}  # fmt: skip
_SCALES = {"million": 10**6, "millionen": 10**6, "milliarde": 10**9, "milliarden": 10**9}
_SPECIAL = {"anderthalb": "1.5", "eineinhalb": "1.5", "zweieinhalb": "2.5", "dreieinhalb": "3.5", "dutzend": "12"}
_FILLERS = re.compile(
    r"\b(ähm?|öhm?|hm+|bitte|sophia|nova|okay|also|eigentlich|denn|doch|halt mal|eben|gerne?|einfach|kurz|vielleicht)\b"
)
_PHRASES = (
    (r"\bgeht's\b|\bgehts\b", "geht es"), (r"\bgibt's\b|\bgibts\b", "gibt es"), (r"\bist's\b", "ist es"),
    (r"\berzähle\b|\berzählst\b|\berzählen sie\b", "erzähl"), (r"\bsage\b", "sag"), (r"\bzähle\b", "zähl"),
    (r"\bwie viele?\b|\bwieviele?\b", "wieviel"), (r"\bhabe? ich gerade\b", "habe ich"), (r"\bhab\b", "habe"),
    (r"\bein paar\b", "einige"), (r"\bdankeschön\b", "danke"), (r"\bnochmals?\b", "noch einmal"),
    (r"\bnoch ein mal\b", "noch einmal"),
)  # fmt: skip


def plain(text):
    """``text`` as the skills' patterns expect it; no more of it than somebody says at once."""
    text = text.lower().replace("’", "'").replace("−", "-")
    for pattern, one in _PHRASES:
        text = re.sub(pattern, one, text)
    text = re.sub(r"(?<=\d)\.(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)|[?!,;:\"“”()„…]|(?<!\w)'|'(?!\w)|(?<=[a-zäöüß])-(?=[a-zäöüß])", " ", text)
    text = _FILLERS.sub(" ", text)
    words = re.sub(r"(?<=\d) komma (\d(?: \d\b)*)", _decimals, " ".join(_with_digits(text.split())))
    return re.sub(r"(?<![\d)]) mal\b(?! \d)", "", words)[-LONGEST:].lstrip()


def _decimals(match):
    return "." + match[1].replace(" ", "")


def _with_digits(words):
    """Words of numbers as digits; "ein" and "eine" stay, for they are mostly articles."""
    at = 0
    while at < len(words):
        value = None if words[at] == "ein" else number(words[at])
        at += 1
        if value is None:
            yield words[at - 1]
            continue
        if words[at : at + 1] and (scale := _SCALES.get(words[at])):
            rest = number(words[at + 1]) if at + 1 < len(words) else None
            value, at = value * scale + (rest or 0), at + 1 + (rest is not None)
        yield written(value)


def number(word):
    """The value of one word, "17" or "dreiundzwanzigtausendsieben", or None."""
    if re.fullmatch(r"\d+(\.\d+)?", word):
        return Fraction(word)
    if word in _SPECIAL:
        return Fraction(_SPECIAL[word])
    value = _compound(word)
    return None if value is None else Fraction(value)


def _compound(word):
    for name, size in (("tausend", 1000), ("hundert", 100)):
        before, found, after = word.partition(name)
        if found:
            count = 1 if before in ("", "ein") else _compound(before)
            rest = 0 if not after else _compound(after.removeprefix("und"))
            return None if count is None or rest is None or rest >= size else count * size + rest
    if word in _ONES or word in _TENS:
        return _ONES.get(word, _TENS.get(word))
    unit, found, tens = word.partition("und")
    return _ONES[unit] + _TENS[tens] if found and 0 < _ONES.get(unit, 0) < 10 and tens in _TENS else None


def written(value):
    """A value in digits, with a point, as :func:`plain` leaves them."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.8f}".rstrip("0")


def spoken(value):
    """A value for a German voice: with a comma, and "etwa" where it is rounded to two decimals."""
    digits = 2 if abs(value) >= Fraction(1, 100) else 6
    shown = Fraction(round(value * 10**digits), 10**digits)
    text = written(abs(shown)).replace(".", ",")
    return ("" if shown == value else "etwa ") + ("minus " if shown < 0 else "") + text
