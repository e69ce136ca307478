"""Signs as words: what "10^6", "<5 ms", "0→100" or "½" are when they are read aloud.

No sign is merely deleted. It becomes its word, or a gap, so that what stood apart stays apart: the digits of a text and
of what is said of it are the same numbers. Numbers, prices, percent, times and dates stay as they are written, because
the voice's own service knows them better. :mod:`sophia.spoken` calls this with text that has no markup any more, and
:mod:`sophia.sign_words` has the words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from sophia.languages import language as table
from sophia.sign_words import SIGNS, words_of

GONE = "\ue000"
"""Stands for what cannot be said until the end, when it becomes a gap between digits and nothing elsewhere."""

_LATEX: dict[str, str] = {
    "times": "×", "cdot": "×", "div": "÷", "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<",
    "gt": ">", "ne": "≠", "neq": "≠", "approx": "≈", "sim": "≈", "to": "→", "rightarrow": "→", "Rightarrow": "→",
    "infty": "∞", "sum": "∑", "prod": "∏", "int": "∫", "sqrt": "√", "degree": "°", "circ": "°", "partial": "∂",
    "nabla": "∇", "in": "∈", "notin": "∉", "forall": "∀", "exists": "∃", "cup": "∪", "cap": "∩", "subset": "⊂",
    "subseteq": "⊂", "emptyset": "∅", "propto": "∝", "perp": "⊥", "parallel": "∥", "angle": "∠", "land": "∧",
    "lor": "∨", "neg": "¬", "implies": "→", "iff": "→", "mapsto": "→", "longrightarrow": "→", "cdots": "…",
    "ldots": "…", "dots": "…", "text": "", "textbf": "", "textit": "", "mathrm": "", "mathbf": "", "mathit": "",
    "mathsf": "", "operatorname": "", "left": "", "right": "", "quad": "", "qquad": "", "displaystyle": "",
    "boxed": "", "limits": "", "vec": "", "overline": "", "overrightarrow": "", "langle": "", "rangle": "",
    "lvert": "", "rvert": "",
}  # fmt: skip
"""What LaTeX's commands stand for; of any other, such as ``\\alpha``, the name is said."""

_PATH = re.compile(r"(?<![A-Za-z])[A-Za-z]:\\[^\s\"'<>|]*|\\\\[\w.$\\-]+")
_DISPLAYED = re.compile(r"\\\[((?:[^\\]|\\(?![\[\]]))+)\\\]|\\\(((?:[^\\]|\\(?![()]))+)\\\)")
_MATH = re.compile(r"\$\$([^$]*)\$\$|(?<![\\\w$])\$(?=[^\s$])((?:[^$\n\\]|\\[^\n])+)(?<=\S)\$(?!\w)")
_WRITTEN_MATH = re.compile(r"[\\^_{}=]|\A(?=.*[A-Za-zα-ω])(?!.*[A-Za-z]{3})")
"""What makes text between two dollars a formula: a sign of LaTeX's, or a variable and no word."""
_ENVIRONMENT = re.compile(r"\\(?:begin|end) ?\{[^{}]*\}(?:\{[lcr|]*\})?")
_CHOOSE = re.compile(r"\\[dt]?binom ?\{([^{}]*)\} ?\{([^{}]*)\}")
_GIVEN = re.compile(r"\b((?:Pr?|E|p)\([^()|\n]{1,30})\|(?=[^()|\n]{1,30}\))")
_ORDINAL = re.compile(r"(?<=\d)\^(?=(?:st|nd|rd|th)\b)")
_BY = re.compile(r"(?<=\d)(?<!\b0)x(?=\d)")
_FRACTION = re.compile(r"\\[dt]?frac ?\{([^{}]*)\} ?\{([^{}]*)\}|\\[dt]?frac ?(\d)(\d)(?!\d)")
_ROOT = re.compile(r"\\sqrt ?\{([^{}]*)\}")
_NAMED = re.compile(r"\\(?:text|operatorname|boxed|(?:math|text)[a-z]{2,3}) ?\{([^{}]*)\}")
_SCRIPT = re.compile(r"(?<=[\w)\]}∑∫∏])([\^_])\{([^{}\s])\}")
_BOUNDS = re.compile(r"([∫∑∏]) ?_ ?(?:\{([^{}]*)\}|([^\s{}])) ?\^ ?(?:\{([^{}]*)\}|([+\-−]?[^\s{}]))")
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
_ESCAPED = re.compile(r"\\([^A-Za-z0-9\s])")
_GROUPED = re.compile(r"(?<![\d.,])(\d{1,3})((?:[\u00a0\u2009\u202f'’]\d{3})+)(?![\d'’])")
_RAISED = re.compile(r"[⁺⁻⁼⁽⁾⁰¹²³⁴-⁹ⁿⁱ]+")
_NOTED = re.compile(r"[^\W\d_]{4}\Z|[^\W\d_][.,;:!?)\"”’]+\Z|(?<!\d)(?:1[5-9]|20)\d\d[.,;:!?)]*\Z")
"""What a footnote's mark follows: a word, the mark behind one, a year."""
_LOWERED = re.compile(r"[₊₋₌₍₎₀-₉ₐ-ₜ]+")
_VULGAR = re.compile(r"(\d?)[ \u2009]?([¼-¾⅐-⅞↉])")
_TO_THE = re.compile(
    r"(?:(?<=[^\W_])|(?<=[)\]}°%])) ?(?:\^|(?:(?<=\d)|(?<=\b[A-Za-z]))\*\*(?=[\d(]))[ {]*(?=[^\W_]|[(+\-−.])([+\-−]?)"
)
_SUBSCRIPT = re.compile(r"\b([A-Z][a-z]?)_\{?(\d+)\}?")
_CHARGE = re.compile(r"(\d*)([+-])")
_UNIT = re.compile(r"(?<=\d)[ \u00a0\u202f]?((?:k|c)?m[²³])(?!\w)")
_EXPONENT = re.compile(r"(?<=\d)[eE]([-−+])(?=\d)")
_BRACKETED = re.compile(r"\((?![^()]*[^\W\d_]{4})[^()]*\)\Z")
"""A formula in brackets, with no word in it."""
_DAY = (
    r"(?:Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So|Monday|Tuesday|Wednesday|Thursday|Friday"
    r"|Saturday|Sunday|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept"
    r"|Oct|Nov|Dec|Okt|Dez|January|February|March|April|May|June|July|August|September|October|November|December|Januar"
    r"|Februar|März|Mai|Juni|Juli|Oktober|Dezember)"
)
_DAYS = re.compile(rf"\b({_DAY}\.?) ?[–\-] ?(?={_DAY}\b)")
_CLOCK = re.compile(r"(\d:\d\d|\d ?[ap]\.?m\.?) ?[–\-] ?(?=\d{1,2}(?::\d\d| ?[ap]\.?m\b))")
_AND = re.compile(r"(?<=[\w.)]) &&? (?=[\w(])")
_OR = re.compile(r"(?<=[\w)]) \|\| (?=[\w(])")
_SCOPE = re.compile(r"(?<=\w)::(?=\w)")
_ARROW = r"(?:<?-{1,3}>|<?={1,2}>|[←-⇿⟰-⟿⤀-⥿➔➘-➾])\ufe0f?"
_ARROW_TO = re.compile(r"(?<=[\w%°€)]) ?(?:-{1,3}>|={1,2}>|[→⇒⟶⟹➔➜➝➞➡]\ufe0f?) ?(?=[$€£¥+\-−~]?\d)")
_ARROW_ON = re.compile(rf"(?<=\w) ?{_ARROW} ?(?=\w)")
_ANY_ARROW = re.compile(_ARROW)
_RANGE = re.compile(r"(?:(?<=[\d%°€CFh])|(?<=\d[ap]m)|(?<=\d\.)) ?[–‒~〜～] ?(?=[$€£¥]?\d)|(?<=\d)-(?=[$€£¥]\d)")
_HYPHENED = re.compile(
    r"(?<![\w.,/:+\-])(\d{1,3})-(\d{1,3})(?= ?[%°€£$]| ?(?:km|cm|mm|kg|ms|min|mph|ml|[hsmglL])\b| (?:percent|degrees?"
    r"|years?|months?|weeks?|days?|hours?|minutes?|seconds?|times|people|meters|miles|dollars|euros|Prozent|Grad|Jahre?n?"
    r"|Monate?n?|Wochen|Tagen?|Stunden|Minuten|Sekunden|Uhr|Mal|Personen|Meter|Euro)\b)"
)
"""A range with a hyphen: 3-4 days, and no number of a telephone, a flight or a score."""
_SPACED_MINUS = re.compile(r"(?<=[\d)]) - (?=[\d(][\d\s.,+\-−*/×÷()]{0,40}=)")
_MOVED = re.compile(r"([↑▲⬆🔺🔼]|[↓▼⬇🔻🔽])\ufe0f? ?(?=[$€£]?\d)")
_JUDGED = re.compile(r"(?:(?<=[|,:;\n])|\A) ?([✓✔✅☑]|[✗✘❌✖])\ufe0f? ?(?=[|,;.\n]|\Z)")
"""A mark that is all of a table's cell, or of an answer."""
_MINUS = re.compile(r"− ?(?=[\w.(])")
_PRODUCT = re.compile(
    r"(?<=[\d)\]]) ?\* ?(?=[\d([])|(?<=[\w)]) \* (?=[\w(])(?!(?i:from)\b)|(?<=\d)\*(?=[A-Za-z]\b)"
    r"|(?<=\b[A-Za-z])\*(?=(?:[A-Za-z]|\d+)\b)"
)
_DOTTED_PRODUCT = re.compile(r"(?<=[\d)]) ?[·⋅∙] ?(?=[\d(])")
_PLUS = re.compile(
    r"(?<=\d) ?\+ ?(?=\d)|(?<=[\d)])\+(?=[A-Za-z]\b|[(√])|(?<=\b[A-Za-z])\+(?=\d)|(?<=[\w)}!']) {1,2}\+ (?=[\w({√∑∫\\])"
)
_AT_MOST, _AT_LEAST = re.compile(r"<=|[≤⩽≦]"), re.compile(r">=|[≥⩾≧]")
_UNEQUAL, _ALIKE = re.compile(r"!=|<>|≠"), re.compile(r"~=|[≃≅≒]")
_AMOUNT = r" ?(?=[$€£+\-−]?\.?\d)"
_IS_COMPARED = re.compile(
    rf"(?:(?<=[\d)%°€])|(?<=\b[A-Za-zα-ω])(?! [<>≤≥≈]\S)) ?([<>≤≥≈])(?:{_AMOUNT}| ?(?=[A-Za-zα-ω]\b(?!')|[√∞]))"
)
"""A relation between two things. In "a <5 minute walk" the sign belongs to what follows."""
_COMPARED = re.compile(rf"([<>≤≥≈]){_AMOUNT}")
_ABOUT = re.compile(r"(?<![\w~.])~ ?(?=[$€£]?\d)")
_EQUALS = re.compile(r"(?<=[\w)%°+\-/]) ?:?={1,3} ?(?=[\w(√∞∑∫∏∅$€£.+\-−\"'“‘])|(?<= )={1,3} (?=\w)")
_MENU = re.compile(r"(?<=\w) [>›»] (?=\w)")
_NUMBERED = re.compile(r"[#№] ?(?=\d)")
_BAR = re.compile(r" ?[|¦•‣◦] ?")
_GAPS = re.compile(r"[{}‖⌊⌋⌈⌉\[\]<>^\\_=~¶†‡‹›«»〈〉⟨⟩′″←-⇿⟰-⟿⤀-⥿·⋅∙¤]+")
_DELETED = re.compile(r"[*`]+|~~+")


def in_words(text: str, language: str) -> str:
    """``text`` with its signs as words of ``language``; what cannot be said at all stands as ``GONE``.

    ``language`` is a BCP 47 tag; one without a table gets gaps.
    """
    word, own = words_of(language), table(language)
    text = _PATH.sub(lambda found: found[0].replace("\\", " "), text)
    text = _without_latex(text, word)
    if mark := own.grouping:
        text = _GROUPED.sub(lambda found: found[1] + re.sub(r"\D", mark, found[2]), text)
    text = _UNIT.sub(lambda found: word(found[1]), text)
    text = _RAISED.sub(lambda found: _raised(found, word), text)
    text = _LOWERED.sub(_lowered, text)
    text = _VULGAR.sub(lambda found: _vulgar(found, word), text)
    text = _MOVED.sub(lambda found: word("up" if found[1] in "↑▲⬆🔺🔼" else "down"), text)
    text = _JUDGED.sub(lambda found: word("yes" if found[1] in "✓✔✅☑" else "no"), text)
    text = _EXPONENT.sub(lambda found: f" e{word('+' if found[1] == '+' else '−')}", text)
    text = _BY.sub(word("by"), _ORDINAL.sub("", text))
    text = re.sub(r"(?<=\d)′", "'", re.sub(r"(?<=\d)″", '"', text))
    text = _SUBSCRIPT.sub(r"\1\2 ", text)
    text = _TO_THE.sub(lambda found: word("^") + (word("−") if found[1] in ("-", "−") else ""), text)
    text = _DELETED.sub(lambda found: found[0] if found[0] == "*" else GONE, text)
    text = _SCOPE.sub(" ", _OR.sub(word("∨"), text))
    if own.signs:
        text = _AND.sub(word("and"), text)
    text = _ARROW_ON.sub(", ", _ARROW_TO.sub(word("to") if own.signs else ", ", text))
    text = _ALIKE.sub("≈", _UNEQUAL.sub(word("≠"), _AT_LEAST.sub("≥", _AT_MOST.sub("≤", text))))
    text = _ANY_ARROW.sub(" ", text)
    text = _RANGE.sub(word("to"), text)
    text = _DAYS.sub(rf"\1{word('to')}", _CLOCK.sub(rf"\1{word('to')}", text))
    text = _HYPHENED.sub(lambda m: f"{m[1]}{word('to')}{m[2]}" if int(m[1]) < int(m[2]) else m[0], text)
    text = _SPACED_MINUS.sub(word("−"), text)
    text = _IS_COMPARED.sub(lambda found: word(f"is {found[1]}"), text)
    text = _COMPARED.sub(lambda found: word(found[1]), text)
    text = _MENU.sub(", ", text)
    text = _ABOUT.sub(word("≈"), text)
    text = _EQUALS.sub(word("="), text)
    text = _PRODUCT.sub(word("×"), _DOTTED_PRODUCT.sub(word("×"), text))
    text = _MINUS.sub(word("−"), _PLUS.sub(word("+"), text))
    text = _NUMBERED.sub(word("#"), text)
    text = _BAR.sub(", ", text).replace("*", GONE)
    text = re.sub("§ ?§", "§", text)
    text = "".join(word(character) if character in _ALONE else character for character in text)
    return _GAPS.sub(" ", text.replace("⁄", "/").replace("∶", ":"))


_ALONE = frozenset(sign for sign in SIGNS if len(sign) == 1 and sign not in "+−^²³<>=/#@½⅓⅔¼¾⅛≠")


_STYLED = ("<font>", "<wide>")
"""Letters and digits that only look otherwise: 𝗯𝗼𝗹𝗱, ℝ, Ａ; and the ligatures."""


def sayable(character: str) -> str:
    """The character, what it comes to, or ``GONE`` for emoji, pictures, flags and control characters."""
    if character.isascii():
        return character if character >= " " or character.isspace() else GONE
    styled = unicodedata.decomposition(character).startswith(_STYLED) or "\ufb00" <= character <= "\ufb06"
    if styled and character.isalnum():
        return unicodedata.normalize("NFKC", character)
    if character.isalpha():
        return character
    kind = unicodedata.category(character)
    if character.isspace() or (kind in ("Nd", "Mn", "Mc") and not "\ufe00" <= character <= "\ufe0f"):
        return " " if character.isspace() and character != "\n" else character
    if kind in ("No", "Nl"):
        return _number(character)
    if character in "\u200c\u200d":
        return character  # Persian and Indian scripts write with them; spoken() looks at their neighbours
    if kind in ("Cc", "Cf", "Cs", "Co", "Cn", "Sk", "Me", "Mn"):
        return GONE
    if kind == "Sm":
        return character if character == "−" else " "  # a relation or an operator whose name is not known
    return GONE if kind == "So" and character not in "°№℃℉" else character


def _number(character: str) -> str:
    """Circled, Roman and other numerals by their value: a numeral never joins another."""
    value = unicodedata.numeric(character, None)
    return f" {value:g} " if value is not None and value == int(value) else " "


def _without_latex(text: str, word: Callable[[str], str]) -> str:
    text = _DISPLAYED.sub(_formula, text)
    text = _MATH.sub(_formula, text)
    text = _GIVEN.sub(lambda found: found[1] + word("given"), text)
    if "\\" not in text:
        return _BOUNDS.sub(lambda found: _bounds(found, word), text)
    if "\\begin" in text:  # columns and lines
        text = _ENVIRONMENT.sub(" ", text).replace("&", " ").replace("\\\\", ", ")
    over = word("/")
    for _ in range(6):  # they stand in each other
        text = _SCRIPT.sub(r"\1\2", text)
        text = _CHOOSE.sub(lambda found: f" {found[1]}{word('choose')}{found[2]} ", text)
        text, roots = _ROOT.subn(r" √ \1 ", text)
        text, names = _NAMED.subn(r" \1 ", text)
        text, fractions = _FRACTION.subn(lambda m: f" {m[1] or m[3] or ''}{over}{m[2] or m[4] or ''} ", text)
        if not (roots or names or fractions):
            break
    text = _COMMAND.sub(lambda found: f" {_LATEX.get(found[1], found[1])} ", text)
    text = _ESCAPED.sub(lambda found: found[1] if found[1] in "%$&#*_.-+'\"@/|<>~^" else " ", text)
    return _BOUNDS.sub(lambda found: _bounds(found, word), re.sub(" {2,}", " ", text))


def _formula(found: re.Match[str]) -> str:
    """What stands in a formula, where every hyphen before a figure or a variable is a minus."""
    inner = next(filter(None, found.groups()), "")
    if found[0][0] == "$" != found[0][1] and not _WRITTEN_MATH.search(inner):
        return found[0]
    return f" {re.sub(r'-(?![A-Za-z]{2}|>)', '−', inner)} "


def _bounds(found: re.Match[str], word: Callable[[str], str]) -> str:
    """An integral, a sum or a product from something to something."""
    low, high = found[2] or found[3] or "", found[4] or found[5] or ""
    return f"{word(found[1])},{word('from')}{low}{word('to')}{high}, "


def _raised(found: re.Match[str], word: Callable[[str], str]) -> str:
    """Superscripts are powers, or the marks of footnotes."""
    before = found.string[max(0, found.start() - 60) : found.start()]
    power = unicodedata.normalize("NFKC", found[0]).replace("−", "-")
    if found[0] == "¹" or (power.isdigit() and _NOTED.search(before[-8:]) and not _BRACKETED.search(before)):
        return GONE
    if not (before and (before[-1].isalnum() or before[-1] in ")]}%°")):
        return f" {power} "
    if found[0] in ("²", "³"):
        return word(found[0])
    if charge := _CHARGE.fullmatch(power):  # Ca²⁺
        return f" {charge[1]}{word('+' if charge[2] == '+' else '−')}"
    return word("^") + (word("−") if power.startswith("-") else "") + power.lstrip("+-") + " "


def _lowered(found: re.Match[str]) -> str:
    """Subscripts: H₂O is one word, x₁₂ as well; after a digit they are a number of their own."""
    low = unicodedata.normalize("NFKC", found[0])
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return (" " if before.isdigit() else "") + low + (" " if after.isdigit() else "")


def _vulgar(found: re.Match[str], word: Callable[[str], str]) -> str:
    """Fractions in one character; a whole number before them takes an "and"."""
    sign = found[2]
    said = word(sign) if sign in SIGNS else f" {unicodedata.normalize('NFKC', sign).replace('⁄', '/')} "
    return found[1] + word("and") + said if found[1] else said
