"""A request's text as the utterances an engine speaks: SSML and a custom dictionary applied, sentences cut. Pure.

A word whose sounds are given travels through the cutting under a name that no text has, and gets its own back after.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from pipelines.embedded.speech.voice import ssml
from pipelines.embedded.speech.voice.pronunciation import sounds_of
from pipelines.embedded.speech.voice.speakable import sentences, speakable
from pipelines.embedded.speech.voice.voices import PLAIN, Manner

_STAND_IN = re.compile(r"qzx([a-z]+)q")
_TWICE_ENDED = re.compile(r"([.!?;:])\s*\.\n")

LONGEST_DICTIONARY = 20_000
"""Characters of a custom dictionary: some five hundred words with their sounds."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence and how it is said, or a ``pause`` in seconds."""

    sentence: str = ""
    manner: Manner = PLAIN
    pause: float = 0.0


def dictionary_from(text: str) -> dict[str, str]:
    """Riva's ``custom_dictionary``, ``word  sounds,word  sounds``, as sounds by lower-case word.

    Raises ``ValueError`` naming the entry that is none.
    """
    if len(text) > LONGEST_DICTIONARY:
        raise ValueError(f"custom_dictionary: it has {len(text)} characters, at most {LONGEST_DICTIONARY} are taken")
    entries: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        word, _, sounds = entry.partition("  ")
        if not sounds:
            raise ValueError(f"custom_dictionary: {entry!r} is no word and its sounds with two spaces between")
        entries[word.lower()] = sounds_of(sounds.strip())
    return entries


def utterances(text: str, dictionary: dict[str, str], speakable: Callable[[str], str] = speakable) -> list[Utterance]:
    """What is said for ``text``; empty if that is nothing. Raises :class:`~.ssml.BadSsml`.

    ``speakable`` is the engine's, see :class:`~.voices.Engine`.
    """
    parts = ssml.parts(text) if ssml.is_ssml(text) else [ssml.Part(text)]
    names = _Names()
    words = _words_of(dictionary)
    made: list[Utterance] = []
    for (pause, style), group in groupby(parts, key=lambda part: (part.pause, part.style)):
        if pause:
            made.extend(Utterance(pause=pause) for _ in group)
            continue
        whole = "".join(
            names.stand_in(part.text, part.phones)
            if part.phones
            else words.sub(lambda m: names.stand_in(m[0], dictionary[m[0].lower()]), part.text)
            if words
            else part.text
            for part in group
        )
        for sentence in sentences(speakable(_TWICE_ENDED.sub(r"\1\n", whole))):
            own, phones = names.given_back(sentence)
            made.append(Utterance(own, Manner(style.rate, style.pitch, style.gain, phones)))
    return made if any(utterance.sentence for utterance in made) else []


def _words_of(dictionary: dict[str, str]) -> re.Pattern[str] | None:
    if not dictionary:
        return None
    longest_first = sorted(dictionary, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


class _Names:
    """The words whose sounds are given, under names of letters."""

    def __init__(self) -> None:
        self._given: list[tuple[str, str]] = []

    def stand_in(self, word: str, phones: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9']", "", speakable(word)) or "word"
        self._given.append((plain, phones))
        return f"qzx{_letters(len(self._given) - 1)}q"

    def given_back(self, sentence: str) -> tuple[str, tuple[tuple[int, str], ...]]:
        tokens = sentence.split()
        phones = []
        for at, token in enumerate(tokens):
            if (found := _STAND_IN.search(token)) and (number := _number(found[1])) < len(self._given):
                word, sounds = self._given[number]
                tokens[at] = token[: found.start()] + word + token[found.end() :]
                phones.append((at, sounds))
        return " ".join(tokens), tuple(phones)


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _number(letters: str) -> int:
    return int("".join(str((ord(letter) - ord("a")) % 10) for letter in letters))
