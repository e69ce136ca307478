"""Text as a mind writes it, made speakable for a simple English voice, and cut into sentences. Pure."""

from __future__ import annotations

import re
import unicodedata

LONGEST_SENTENCE = 400
"""Characters; a longer one is cut at a comma or a space. It bounds what one synthesis can cost."""

# What the voices spell or mispronounce.
_LEXICON = {
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
    "wav": "wave",
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "and so on",
    "vs.": "versus",
    "approx.": "approximately",
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
_TAG = re.compile(r"<[^<>]{0,200}>")
_LINK = re.compile(r"\[([^\]\[]{0,200})\]\([^()\s]{0,500}\)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
_MARKUP = re.compile(r"[*_`#{}<>|~^\\\[\]]+")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z.]*")
_SENTENCE = re.compile(r"(?<=[.!?;:])[\"')]*\s+(?=\S)")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|[A-Z])|\b[ap]\.m)\.$")


def speakable(text: str) -> str:
    """Plain ASCII words and punctuation that say what ``text`` says; empty when nothing in it can be said."""
    text = _LINK.sub(r"\1", text)
    text = _TAG.sub(" ", text)
    text = _CURRENCY.sub(lambda m: f"{m[2]} {'euros' if m[1] == '€' else 'pounds'}", text)
    text = _SYMBOL.sub(lambda m: _SYMBOLS[m[0]], text)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    text = _MARKUP.sub(" ", text)
    text = _THOUSANDS.sub("", text)
    text = _TOKEN.sub(_respelled, text)
    text = " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())
    return text if any(c.isalnum() for c in text) else ""


def _respelled(match: re.Match[str]) -> str:
    word = match[0]
    respelled = _LEXICON.get(word.lower())
    if respelled is None and word.endswith("."):  # the end of a sentence, not part of the word
        bare = word.rstrip(".")
        return _LEXICON.get(bare.lower(), bare) + word[len(bare) :]
    return word if respelled is None else respelled


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
