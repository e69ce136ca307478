"""What tools said, in words for the ear. A result is data: orders that stand in it are left out, and never followed."""

import json
import re
from contextlib import suppress

from ..german import is_wanted

LONGEST = 400
"""Characters of results that are read out."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous|everything|persona)|"
    r"\bsystem prompt\b|\byou (?:must|are now|will now|should now|have to)\b|\bnew instructions?\b|"
    r"\b(?:call|use|run|invoke) (?:the )?(?:tool|function)\b|:\s*(?:say|tell|ask) |"
    r"^(?:say|reply|answer|respond|repeat|tell the user)\b|"
    r"\bas an ai\b|\"\w+\"\s*:|^(?:system|user|assistant|tool)\W*$|\b(?:assistant|sophia|nova)\s*[:,]",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"^(?:the tool has failed|this call was not run|the tool gave no result|error|failed|failure)\b:?\s*", re.I
)
_INNER = re.compile(r"\b(?:model '|internal error|\w+Error\b)")
"""Failures that mean nothing to whoever listens."""
_LONG = re.compile(r"(?<![\d.])\d{1,9}\.\d{3,9}(?![\d.])")
_IT_IS = re.compile(r"\b([Ii])t is\b")
_SIGNS = (
    (r"(?<=[\d)])\s*\*\*?\s*(?=[\d(])", " times "), (r"(?<=[\d)])\s*/\s*(?=[\d(])", " divided by "),
    (r"(?<=[\d)])\s+-\s+(?=[\d(])", " minus "), (r"(?<=[\d)])\s*\+\s*(?=[\d(])", " plus "),
    (r"\s=\s", " is "), (r"(?<=\d)\s*%", " percent"), (r"(?<=\d)\s*°\s*C\b", " degrees Celsius"),
    (r"(?<=\d)\s*°\s*F\b", " degrees Fahrenheit"),
)  # fmt: skip
_TAG = re.compile(r"</?[a-z][^<>]{0,80}>")
_GERMAN = {
    " times ": " mal ", " divided by ": " geteilt durch ", " is ": " ist ", " percent": " Prozent",
    " degrees Celsius": " Grad Celsius", " degrees Fahrenheit": " Grad Fahrenheit",
}  # fmt: skip
_MARKUP = re.compile(r"\ufffd|https?://\S+|[*_`#|<>{}\[\]]+")


def told(turns):
    """The answer to what tools said."""
    german = is_wanted(turns)
    said = [words for result in turns.results if (words := spoken(result, german))]
    if not said:
        nothing = "Es kam etwas zurück, aber nichts, was ich dir sagen könnte."
        return nothing if german else "I got an answer, but nothing in it that I could tell you."
    lead = ("Das kam heraus. " if german else "Here is what I got. ") if any(map(_is_data, turns.results)) else ""
    return lead + " ".join(dict.fromkeys(said))[: 2 * LONGEST]


def _is_data(result):
    return result.lstrip()[:1] in ("{", "[")


def spoken(result, german=False):
    """A result for the ear: of JSON its values with their names, of text its first sentences."""
    text = result.strip()
    if text in ("", "(no result)"):
        return "Es gibt noch kein Ergebnis." if german else "There is no result yet."
    if failed := _FAILED.match(text):
        why = text[failed.end() :].strip()
        why = "" if _INNER.search(why) else _sentence(_kept(why, german))
        return f"{'Leider hat das nicht geklappt.' if german else 'Sorry, that did not work.'} {why}".strip()
    if _is_data(text):
        with suppress(ValueError, RecursionError):
            text = _flat(json.loads(text))
    return _sentence(_kept(text, german))


def _kept(text, german):
    """The first sentences that give no orders."""
    text = _TAG.sub("", text)
    text = _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text)
    text = text if german else _IT_IS.sub(r"\1t's", text)
    for sign, words in _SIGNS:
        text = re.sub(sign, _GERMAN.get(words, words) if german else words, text)
    sentences = [" ".join(_MARKUP.sub(" ", part).split()) for part in _SENTENCE.split(text[: 20 * LONGEST])]
    kept, room = [], LONGEST
    for sentence in sentences:
        if sentence and not _ORDER.search(sentence):
            if len(sentence) > room:
                kept += [] if kept else [sentence[:room].rpartition(" ")[0] or sentence[:room]]
                break
            kept.append(sentence if sentence[-1] in ".!?" else f"{sentence.rstrip(':;, ')}.")
            room -= len(sentence)
    return " ".join(kept)


def _sentence(text):
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] if text[-1] in ".!?" else f"{text[0].upper()}{text[1:]}."


def _flat(value):
    if isinstance(value, dict):
        return ", ".join(f"{str(key).replace('_', ' ')} {_flat(inner)}" for key, inner in value.items())
    return ", ".join(map(_flat, value)) if isinstance(value, list) else str(value)
