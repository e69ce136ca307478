"""Signs as words: what "10^6", "<5 ms", "0→100" or "½" are when they are read aloud, in English and German.

No sign is merely deleted. It becomes its word, or a gap, so that what stood apart stays apart: the digits of a text and
of what is said of it are the same numbers. Numbers, prices, percent, times and dates stay as they are written, because
the voice's own service knows them better. :mod:`sophia.spoken` calls this with text that has no markup any more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

Tongue = Literal["en", "de"]

WORDS: dict[str, tuple[str, str]] = {
    "×": ("times", "mal"),
    "÷": ("divided by", "geteilt durch"),
    "+": ("plus", "plus"),
    "−": ("minus", "minus"),
    "±": ("plus or minus", "plus minus"),
    "^": ("to the", "hoch"),
    "²": ("squared", "Quadrat"),
    "³": ("cubed", "hoch drei"),
    "<": ("less than", "weniger als"),
    ">": ("more than", "mehr als"),
    "≤": ("at most", "höchstens"),
    "≥": ("at least", "mindestens"),
    "is <": ("is less than", "ist kleiner als"),
    "is >": ("is greater than", "ist größer als"),
    "is ≤": ("is at most", "ist höchstens"),
    "is ≥": ("is at least", "ist mindestens"),
    "=": ("equals", "ist gleich"),
    "≠": ("is not equal to", "ist ungleich"),
    "≈": ("about", "etwa"),
    "is ≈": ("is about", "ist etwa"),
    "to": ("to", "bis"),
    "/": ("over", "durch"),
    "#": ("number", "Nummer"),
    "§": ("section", "Paragraf"),
    "‰": ("per mille", "Promille"),
    "√": ("the square root of", "Wurzel aus"),
    "∞": ("infinity", "unendlich"),
    "∑": ("the sum of", "die Summe von"),
    "∫": ("the integral of", "das Integral von"),
    "and": ("and", "und"),
    "½": ("one half", "ein halb"),
    "⅓": ("one third", "ein Drittel"),
    "⅔": ("two thirds", "zwei Drittel"),
    "¼": ("one quarter", "ein Viertel"),
    "¾": ("three quarters", "drei Viertel"),
    "⅛": ("one eighth", "ein Achtel"),
}
"""Each sign's word in English and German; "is …" where a number or a variable stands before it."""

GONE = "\ue000"
"""Stands for what cannot be said until the end, when it becomes a gap between digits and nothing elsewhere."""

_LATEX: dict[str, str] = {
    "times": "×", "cdot": "×", "div": "÷", "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<",
    "gt": ">", "ne": "≠", "neq": "≠", "approx": "≈", "sim": "≈", "to": "→", "rightarrow": "→", "Rightarrow": "→",
    "infty": "∞", "sum": "∑", "int": "∫", "sqrt": "√", "degree": "°", "circ": "°",
    "text": "", "textbf": "", "textit": "", "mathrm": "", "mathbf": "", "mathit": "", "mathsf": "",
    "operatorname": "", "left": "", "right": "", "quad": "", "qquad": "", "displaystyle": "", "boxed": "",
    "begin": "", "end": "", "limits": "",
}  # fmt: skip
"""What LaTeX's commands stand for; of any other, such as ``\\alpha``, the name is said."""

_PATH = re.compile(r"(?<![A-Za-z])[A-Za-z]:\\[^\s\"'<>|]*|\\\\[\w.$\\-]+")
_MATH = re.compile(r"\$\$([^$]*)\$\$|(?<![\\\w$])\$(?=[^\s$])([^$\n]*[\\^_{}=][^$\n]*)(?<=[^\s\\])\$(?!\d)")
_FRACTION = re.compile(r"\\[dt]?frac ?\{([^{}]*)\} ?\{([^{}]*)\}|\\[dt]?frac ?(\d)(\d)(?!\d)")
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
_ESCAPED = re.compile(r"\\([^A-Za-z0-9\s])")
_GROUPED = re.compile(r"(?<![\d.,])(\d{1,3})((?:[\u00a0\u2009\u202f'’]\d{3})+)(?![\d'’])")
_RAISED = re.compile(r"[⁺⁻⁼⁽⁾⁰¹²³⁴-⁹ⁿⁱ]+")
_NOTED = re.compile(r"[^\W\d_]{4}\Z|[^\W\d_][.,;:!?)\"”’]+\Z|(?<!\d)(?:1[5-9]|20)\d\d[.,;:!?)]*\Z")
"""What a footnote's mark follows: a word, the mark behind one, a year."""
_LOWERED = re.compile(r"[₊₋₌₍₎₀-₉ₐ-ₜ]+")
_VULGAR = re.compile(r"(\d?)[ \u2009]?([¼-¾⅐-⅞↉])")
_TO_THE = re.compile(r"(?<=[\w)\]}°%]) ?(?:\^|(?<=\d)\*\*(?=[\d(]))[ {]*(?=[\w(+\-−.])([+\-−]?)")
_SUBSCRIPT = re.compile(r"\b([A-Z][a-z]?)_\{?(\d+)\}?")
_ARROW = r"(?:<?-{1,3}>|<?={1,2}>|[←-⇿⟰-⟿⤀-⥿➔➘-➾])\ufe0f?"
_ARROW_TO = re.compile(r"(?<=[\w%°€)]) ?(?:-{1,3}>|={1,2}>|[→⇒⟶⟹➔➜➝➞➡]\ufe0f?) ?(?=[$€£¥+\-−~]?\d)")
_ARROW_ON = re.compile(rf"(?<=\w) ?{_ARROW} ?(?=\w)")
_ANY_ARROW = re.compile(_ARROW)
_RANGE = re.compile(r"(?<=[\d%°€CFh]) ?[–‒~〜～] ?(?=[$€£¥]?\d)")
_MINUS = re.compile(r"− ?(?=[\w.(])")
_PRODUCT = re.compile(r"(?<=[\d)\]]) ?\* ?(?=[\d([])|(?<=[\w)]) \* (?=[\w(])|(?<=\d)\*(?=[A-Za-z]\b)")
_DOTTED_PRODUCT = re.compile(r"(?<=[\d)]) ?[·⋅∙] ?(?=[\d(])")
_PLUS = re.compile(r"(?<=\d) ?\+ ?(?=\d)")
_AT_MOST, _AT_LEAST = re.compile(r"<=|[≤⩽≦]"), re.compile(r">=|[≥⩾≧]")
_UNEQUAL, _ALIKE = re.compile(r"!=|<>|≠"), re.compile(r"~=|[≃≅≒]")
_AMOUNT = r" ?(?=[$€£+\-−]?\.?\d)"
_IS_COMPARED = re.compile(
    rf"(?:(?<=[\d)%°€])|(?<=\b[A-Za-zα-ω])) ?([<>≤≥≈])(?:{_AMOUNT}| ?(?=[A-Za-zα-ω]\b(?!')|[√∞]))"
)
_COMPARED = re.compile(rf"([<>≤≥≈]){_AMOUNT}")
_ABOUT = re.compile(r"(?<![\w~.])~ ?(?=[$€£]?\d)")
_EQUALS = re.compile(r"(?<=[\w)%°]) ?={1,3} ?(?=[\w(√∞∑∫$€£.+\-−])|(?<= )={1,3} (?=\w)")
_MENU = re.compile(r"(?<=\w) [>›»] (?=\w)")
_NUMBERED = re.compile(r"[#№] ?(?=\d)")
_BAR = re.compile(r" ?[|¦•‣◦] ?")
_GAPS = re.compile(r"[{}\[\]<>^\\_=~¶†‡‹›«»〈〉⟨⟩′″←-⇿⟰-⟿⤀-⥿·⋅∙¤]+")
_DELETED = re.compile(r"[*`]+|~~+")


def in_words(text: str, tongue: Tongue) -> str:
    """``text`` with its signs as words of ``tongue``, in one line; what cannot be said at all stands as ``GONE``."""

    def word(sign: str) -> str:
        return f" {WORDS[sign][tongue == 'de']} "

    text = _PATH.sub(lambda found: found[0].replace("\\", " "), text)
    text = _without_latex(text, word("/"))
    text = _GROUPED.sub(lambda found: found[1] + re.sub(r"\D", "." if tongue == "de" else ",", found[2]), text)
    text = _RAISED.sub(lambda found: _raised(found, word), text)
    text = _LOWERED.sub(_lowered, text)
    text = _VULGAR.sub(lambda found: _vulgar(found, word), text)
    text = _SUBSCRIPT.sub(r"\1\2 ", text)
    text = _TO_THE.sub(lambda found: word("^") + (word("−") if found[1] in ("-", "−") else ""), text)
    text = _DELETED.sub(lambda found: found[0] if found[0] == "*" else GONE, text)
    text = _ARROW_ON.sub(", ", _ARROW_TO.sub(word("to"), text))
    text = _ALIKE.sub("≈", _UNEQUAL.sub(word("≠"), _AT_LEAST.sub("≥", _AT_MOST.sub("≤", text))))
    text = _ANY_ARROW.sub(" ", text)
    text = _RANGE.sub(word("to"), text)
    text = _IS_COMPARED.sub(lambda found: word(f"is {found[1]}"), text)
    text = _COMPARED.sub(lambda found: word(found[1]), text)
    text = _MENU.sub(", ", text)
    text = _ABOUT.sub(word("≈"), text)
    text = _EQUALS.sub(word("="), text)
    text = _PRODUCT.sub(word("×"), _DOTTED_PRODUCT.sub(word("×"), text))
    text = _MINUS.sub(word("−"), _PLUS.sub(word("+"), text))
    text = _NUMBERED.sub(word("#"), text)
    text = _BAR.sub(", ", text).replace("*", GONE)
    text = "".join(word(character) if character in _ALONE else character for character in text)
    return _GAPS.sub(" ", text.replace("⁄", "/").replace("∶", ":"))


_ALONE = frozenset("×÷±§‰√∞∑∫≈≤≥")


def sayable(character: str) -> str:
    """The character, what it comes to, or ``GONE`` for emoji, pictures, flags and control characters."""
    if character.isascii() or character.isalpha():
        return character if character >= " " or character.isspace() else GONE
    kind = unicodedata.category(character)
    if character.isspace() or (kind in ("Nd", "Mn", "Mc") and not "\ufe00" <= character <= "\ufe0f"):
        return " " if character.isspace() and character != "\n" else character
    if kind in ("No", "Nl"):
        return _number(character)
    if character in "\u200c\u200d":
        return character  # Persian and Indian scripts write with them; spoken() looks at their neighbours
    if kind in ("Cc", "Cf", "Cs", "Co", "Cn", "Sk", "Me", "Mn"):
        return GONE
    return GONE if kind == "So" and character not in "°№℃℉" else character


def _number(character: str) -> str:
    """Circled, Roman and other numerals by their value: a numeral never joins another."""
    value = unicodedata.numeric(character, None)
    return f" {value:g} " if value is not None and value == int(value) else " "


def _without_latex(text: str, over: str) -> str:
    text = _MATH.sub(lambda found: f" {found[1] or found[2] or ''} ", text)
    if "\\" not in text:
        return text
    for _ in range(4):  # fractions stand in each other
        text, count = _FRACTION.subn(lambda m: f" {m[1] or m[3] or ''}{over}{m[2] or m[4] or ''} ", text)
        if not count:
            break
    text = _COMMAND.sub(lambda found: f" {_LATEX.get(found[1], found[1])} ", text)
    text = _ESCAPED.sub(lambda found: found[1] if found[1] in "%$&#*_.-+'\"@/|<>~^" else " ", text)
    return re.sub(" {2,}", " ", text)


def _raised(found: re.Match[str], word: Callable[[str], str]) -> str:
    """Superscripts are powers, or the marks of footnotes."""
    before = found.string[max(0, found.start() - 8) : found.start()]
    power = unicodedata.normalize("NFKC", found[0]).replace("−", "-")
    if found[0] == "¹" or (power.isdigit() and _NOTED.search(before)):
        return GONE
    if not (before and (before[-1].isalnum() or before[-1] in ")]}%°")):
        return f" {power} "
    if found[0] in ("²", "³"):
        return word(found[0])
    return word("^") + (word("−") if power.startswith("-") else "") + power.lstrip("+-") + " "


def _lowered(found: re.Match[str]) -> str:
    """Subscripts: H₂O is one word, x₁₂ as well; after a digit they are a number of their own."""
    low = unicodedata.normalize("NFKC", found[0])
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return (" " if before.isdigit() else "") + low + (" " if after.isdigit() else "")


def _vulgar(found: re.Match[str], word: Callable[[str], str]) -> str:
    """Fractions in one character; a whole number before them takes an "and"."""
    sign = found[2]
    said = word(sign) if sign in WORDS else f" {unicodedata.normalize('NFKC', sign).replace('⁄', '/')} "
    return found[1] + word("and") + said if found[1] else said
