"""A text as what a dictation is made of: digits, numbers, letters, signs and words. Pure reading, no policy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sophia.languages.dictation import Dictation

Kind = Literal["digit", "number", "figure", "letter", "sign", "link", "repeat", "word"]

_EDGES = "\"'“”„‚‘’()[]{}<>…,;:!?."
_INITIALS = re.compile(r"(?:[^\W\d_][.-])+[^\W\d_]?\.?$")
_MIXED = re.compile(r"(?=\w*\d)(?=\w*[^\W\d_])\w{1,12}$")


@dataclass(frozen=True, slots=True)
class Token:
    """A word in lower case without punctuation. ``digits`` is how many characters it is written with, if it is spelt.

    ``ends`` is the sentence mark behind it. ``example`` says that one was given: "J as in John".
    """

    text: str
    kind: Kind
    digits: int = 0
    ends: str = ""
    example: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is a number, or a piece of one."""
        return self.kind in {"digit", "number", "figure"}


def read(text: str, v: Dictation) -> list[Token]:
    """The text's tokens. What a hyphen joins counts as several where it is made of numbers or letters."""
    tokens: list[Token] = []
    for raw in text.replace("’", "'").split():
        marks = raw[len(raw.rstrip(_EDGES)) :]
        ends = next((mark for mark in reversed(marks) if mark in ".?!"), "")
        pieces = _pieces(raw, v)
        tokens += [_token(piece, v) for piece in pieces]
        if pieces and ends:
            tokens[-1] = replace(tokens[-1], ends=ends)
    return _examples(_spelt(tokens, v), v)


def _pieces(raw: str, v: Dictation) -> list[str]:
    bare, word = raw.strip(",;!?"), raw.strip(_EDGES).lower()
    if len(bare) > 2 and _INITIALS.match(bare) and word not in v.units:  # "J.O.", "J-O"
        return [letter for letter in re.split(r"[.-]", bare) if letter]
    parts = word.split("-")
    spelt = all(part in v.digits or part in v.numbers or part.isdigit() or len(part) == 1 for part in parts)
    if len(parts) > 1 and spelt and word not in v.letters | v.alphabet:
        return parts
    return [word] if word else []


def _token(word: str, v: Dictation) -> Token:
    word = word.lower()
    if word in v.digits:
        return Token(word, "digit", 1)
    if word in v.numbers:
        return Token(word, "number", v.numbers[word])
    figures, letters = sum(c.isdigit() for c in word), any(c.isalpha() for c in word)
    if figures and not letters:
        return Token(word, "figure", figures)
    if word in v.links:
        return Token(word, "link")
    if word in v.repeats:
        return Token(word, "repeat")
    if word in v.signs:
        return Token(word, "sign")
    if (len(word) == 1 and letters) or word in v.letters:
        return Token(word, "letter", 1)
    if len(word) > 3 and v.composed.match(word):
        return Token(word, "number", 4 if "tausend" in word else 3 if "hundert" in word else 2)
    if _MIXED.match(word) and not v.ordinals.match(word):
        return Token(word, "figure", len(word))
    return Token(word, "word")


def _spelt(tokens: list[Token], v: Dictation) -> list[Token]:
    """Tells letters from the words “a” and “I”, by their neighbours, and a spelling alphabet from names."""
    sure = [t.kind == "letter" and t.text not in v.ambiguous for t in tokens]
    out: list[Token] = []
    for i, found in enumerate(tokens):
        token, beside = found, [j for j in (i - 1, i + 1) if 0 <= j < len(tokens)]
        if token.text in v.ambiguous and token.kind == "letter":
            dotted = token.ends == "." and (i == len(tokens) - 1 or tokens[i + 1].kind == "letter")
            coded = bool(out) and out[-1].kind in {"digit", "figure", "letter"}
            if not (dotted or coded or any(sure[j] for j in beside)):
                token = replace(token, kind="word", digits=0)
        elif token.text in v.alphabet and any(tokens[j].text in v.alphabet for j in beside):
            token = replace(token, kind="letter", digits=1)
        out.append(token)
    return out


def _examples(tokens: Sequence[Token], v: Dictation) -> list[Token]:
    """Takes a letter and its example for one letter."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if len(token.text) == 1 and token.text.isalpha():
            for phrase in v.likened:
                words = phrase.split()
                after = at + len(words)
                alike = after < len(tokens) and tokens[after].text.startswith(token.text)  # not "I like U2"
                if alike and [t.text for t in tokens[at:after]] == words and (token.text, phrase) != ("i", "like"):
                    token = Token(token.text, "letter", 1, tokens[after].ends, example=True)
                    at = after + 1
                    break
        out.append(token)
    return out


def tail(tokens: Sequence[Token]) -> list[Token]:
    """The tokens at the end that are no words, from the first that is more than a link on."""
    first = len(tokens)
    while first and tokens[first - 1].kind != "word":
        first -= 1
    run = list(tokens[first:])
    while run and run[0].kind == "link":
        run.pop(0)
    return run


def groups(run: Sequence[Token], v: Dictation) -> list[int]:
    """The numbers in a run, each by how many digits it is written with: "twenty two fifty" is 2, 2."""
    found: list[int] = []
    before: Token | None = None
    times = 1
    for token in run:
        if token.numeric:
            joins = before is not None and (
                (before.text in v.tens and token.kind == "digit") or before.text in v.scales or token.text in v.scales
            )
            if joins and found:
                found[-1] = max(found[-1], token.digits)
            else:
                found.append(token.digits * times)
            before, times = token, 1
        elif token.text in v.repeats:
            before, times = None, v.repeats[token.text]
        elif token.text not in v.links or before is None or before.text not in v.scales:
            before = None
    return found


def count(run: Sequence[Token], v: Dictation) -> int:
    """How many digits and letters a run is written with."""
    return sum(groups(run, v)) + sum(token.kind == "letter" for token in run)
