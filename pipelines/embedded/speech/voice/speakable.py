"""Text as a mind writes it, made speakable for an English voice, and cut into sentences. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

LONGEST_SENTENCE = 400
"""Characters; a longer one is cut at a comma or a space. It bounds what one synthesis can cost."""

_ABBREVIATIONS = {
    "wav": "wave",
    "cuda": "Cuda",
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "and so on",
    "vs.": "versus",
    "approx.": "approximately",
}
# What voices without rules spell or mispronounce besides.
_LEXICON = _ABBREVIATIONS | {
    "nvidia": "en vidia",
    "ai": "A I",
    "gpu": "G P U",
    "gpus": "G P Us",
    "cpu": "C P U",
    "grpc": "G R P C",
    "dgx": "D G X",
    "asr": "A S R",
    "tts": "T T S",
    "llm": "L L M",
    "usd": "U S D",
    "pocketsphinx": "pocket sphinx",
    "ok": "okay",
}
_SYMBOLS = {
    "×": " times ",
    "÷": " divided by ",
    "−": " minus ",
    "=": " equals ",
    "%": " percent",
    "&": " and ",
    "+": " plus ",
    "@": " at ",
    "€": " euros ",
    "£": " pounds ",
    "°C": " degrees celsius",
    "°F": " degrees fahrenheit",
    "°": " degrees",
    "²": " squared",
    "³": " cubed",
    "√": " the square root of ",
    "½": " one half",
    "¼": " one quarter",
    "…": "... ",
    "→": " to ",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "–": ", ",
    "—": ", ",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
}
_SYMBOL = re.compile("|".join(re.escape(s) for s in sorted(_SYMBOLS, key=len, reverse=True)))
_CURRENCY = re.compile(r"([€£])\s*(\d[\d.,]*\d|\d)")
_TAG = re.compile(r"<[/!?]?[A-Za-z-][^<>]{0,200}>")
_LINK = re.compile(r"\[([^\]\[]{0,200})\]\([^()\s]{0,500}\)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
_MARKUP = re.compile(r"[*_`#{}<>|~^\\\[\]]+")

# For a voice with rules of its own, which read numbers, units, dates and most symbols.
_READ = frozenset("¢£¥€₹₩°§±×÷²³½¼¾µ…→–—’‘“”")
_UNREAD = {"−": " minus ", "√": " the square root of ", **{sign: _SYMBOLS[sign] for sign in "ßæœøł"}}
_UNREAD_SYMBOL = re.compile("|".join(_UNREAD))
_OPERATOR = re.compile(r"(?<=\d)(?: (-) | ?\* ?)(?=\d)")
_ONLY_MARKUP = re.compile(r"[*_`{}|\\\[\]]|#(?!\d)|(?<!\w)(?<!\w )[<>~^]|[<>~^](?! ?\w)")
_NAMELESS = re.compile(r"\d(?:,?\d){15,}")
"""Numbers so long that nobody knows their names; read digit by digit."""
LONGEST_WORD = 32
"""Characters without a space, for rules whose work grows with the cube of a word's parts."""
_ENDLESS = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
_PART = re.compile("|".join(rf"{some}{{1,{LONGEST_WORD}}}" for some in ("[A-Za-z']", r"\d", r"[^A-Za-z'\d]")))
_TOKEN = re.compile(r"[A-Za-z][A-Za-z.]*")
_SENTENCE = re.compile(r"(?<=[.!?;:])[\"')]*\s+(?=\S)")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|[A-Z])|\b[ap]\.m)\.$")


def speakable(text: str) -> str:
    """Plain ASCII words and punctuation that say what ``text`` says; empty when nothing in it can be said."""
    text = _TAG.sub(" ", _LINK.sub(r"\1", text))
    text = _CURRENCY.sub(lambda m: f"{m[2]} {'euros' if m[1] == '€' else 'pounds'}", text)
    text = _SYMBOL.sub(lambda m: _SYMBOLS[m[0]], text)
    text = _MARKUP.sub(" ", _ascii(text))
    text = _THOUSANDS.sub("", text)
    return _clean(_respelt(text, _LEXICON))


def readable(text: str) -> str:
    """The same for a voice that reads numbers and symbols itself: only what no voice can say is taken out."""
    text = _TAG.sub(" ", _LINK.sub(r"\1", text))
    text = _UNREAD_SYMBOL.sub(lambda m: _UNREAD[m[0]], text)
    text = "".join(sign if sign in _READ else _ascii(sign) for sign in text)
    text = _OPERATOR.sub(lambda m: " minus " if m[1] else " times ", text)
    text = _ONLY_MARKUP.sub(" ", text)
    text = _NAMELESS.sub(lambda m: " ".join(m[0].replace(",", "")), _respelt(text, _ABBREVIATIONS))
    return _clean(_ENDLESS.sub(lambda m: " ".join(_PART.findall(m[0])), text))


def without_markup(text: str) -> str:
    """``text`` without Markdown, links and tags, for a voice of any language."""
    return _MARKUP.sub(" ", _TAG.sub(" ", _LINK.sub(r"\1", text)))


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _clean(text: str) -> str:
    text = " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())
    return text if any(c.isalnum() for c in text) else ""


def _respelt(text: str, lexicon: Mapping[str, str]) -> str:
    def respelt(match: re.Match[str]) -> str:
        word = match[0]
        found = lexicon.get(word.lower())
        if found is None and word.endswith("."):  # the end of a sentence, not part of the word
            bare = word.rstrip(".")
            return lexicon.get(bare.lower(), bare) + word[len(bare) :]
        return word if found is None else found

    return _TOKEN.sub(respelt, text)


def sentences(text: str) -> list[str]:
    """Speakable ``text`` cut after sentence ends, none longer than :data:`LONGEST_SENTENCE`."""
    out: list[str] = []
    for part in _SENTENCE.split(text):
        if out and _ABBREVIATION.search(out[-1]) and len(out[-1]) + len(part) < LONGEST_SENTENCE:
            out[-1] += " " + part
        else:
            out.append(part)
    return [piece for sentence in out for piece in _cut(sentence) if any(c.isalnum() for c in piece)]


def _cut(sentence: str) -> list[str]:
    pieces = []
    while len(sentence) > LONGEST_SENTENCE:
        at = max(sentence.rfind(", ", 0, LONGEST_SENTENCE) + 1, 0) or sentence.rfind(" ", 0, LONGEST_SENTENCE)
        at = at if at > 0 else LONGEST_SENTENCE
        pieces.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*pieces, sentence]
