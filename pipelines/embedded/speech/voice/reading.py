"""English text as hibari's rules read it: phonemes in Kokoro's alphabet, and the word that each of them belongs to.

The rules are a port of misaki's, with a lexicon, a tagger and a network for words that the lexicon has not. They read
numbers, times, dates, units and sums of money themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pipelines.embedded.speech.voice.voices import Phone, Timeline

MOST_PHONEMES: Final = 300
"""Of one run of the network, which takes about a quarter of a second for them. Longer sentences have several."""

PAUSE: Final = "_"
"""The name of a pause among the phones."""

_STRESS, _LONG, _SPACE = "ˈˌ", "ː", " "
_MARKS = ';:,.!?—…"()“”'

_IPA = {
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ", "ʤ": "dʒ", "ʧ": "tʃ", "ᵊ": "ə", "ᵻ": "ɪ",
    "T": "ɾ",
}  # fmt: skip
"""What Kokoro writes as one sign of its own."""

_SIGNS = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "W", "ax": "ə", "ay": "I", "eh": "ɛ", "er": "ɜɹ", "ey": "A",
    "ih": "ɪ", "iy": "i", "ow": "O", "oy": "Y", "uh": "ʊ", "uw": "u", "ch": "ʧ", "dh": "ð", "g": "ɡ", "hh": "h",
    "jh": "ʤ", "ng": "ŋ", "r": "ɹ", "sh": "ʃ", "th": "θ", "y": "j", "zh": "ʒ",
}  # fmt: skip
"""Kokoro's signs for sounds as :mod:`.pronunciation` writes them; the others are the same in both."""

_CORE = re.compile(r"[A-Za-z0-9']+")


@dataclass(frozen=True, slots=True)
class Script:
    """What one run of the network says: ``signs`` of Kokoro's alphabet, and for each its place in ``words`` or -1."""

    signs: str
    places: tuple[int, ...]
    words: tuple[str, ...]

    def timeline(self, edges: Sequence[float], end: float) -> Timeline:
        """The phones in IPA, and pauses from 0 to ``end`` seconds; ``edges`` are when the signs begin and end.

        A stress is part of the vowel behind it; a space, where nobody pauses, of the sound before it.
        """
        phones: list[Phone] = []
        begin: float | None = None
        for sign, word, (start, stop) in zip(self.signs, self.places, pairwise(edges), strict=True):
            if sign in _STRESS:
                begin = start
                continue
            if sign in _SPACE + _LONG and phones:
                last = phones[-1]
                phones[-1] = Phone(last.name, last.start, stop, last.word)
            elif sign in _SPACE + _MARKS:
                phones.append(Phone(PAUSE, start, stop))
            else:
                phones.append(Phone(_IPA.get(sign, sign), start if begin is None else begin, stop, word))
            begin = None
        return Timeline(tuple(_silences(phones, end)), self.words)


def _silences(phones: list[Phone], end: float) -> Iterator[Phone]:
    """The phones with a pause before and behind them, and one pause where there are several in a row."""
    at = phones[0].start if phones else end
    pause = Phone(PAUSE, 0.0, at)
    for phone in phones:
        if phone.name == PAUSE:
            pause = Phone(PAUSE, pause.start, phone.end)
            continue
        if pause.end > pause.start:
            yield pause
        yield phone
        pause = Phone(PAUSE, phone.end, phone.end)
    if end > pause.start:
        yield Phone(PAUSE, pause.start, end)


class Reader:
    """hibari's rules, loaded once (a second); any number of threads may read at once. Others are for British voices."""

    def __init__(self, alphabet: Mapping[str, int], *, british: bool = False) -> None:
        from hibari.g2p import G2P  # noqa: PLC0415  # a second that nobody else waits for

        self._rules: Any = G2P(british=british)
        self._rules.oov  # noqa: B018  # loads the network for unknown words now, not in the first sentence
        self._alphabet = alphabet

    def read(self, sentence: str, phones: Mapping[int, str]) -> list[Script]:
        """How ``sentence`` is said; ``phones`` has the sounds of single words by their place between spaces."""
        words = sentence.split()
        for at, sounds in phones.items():
            words[at] = _CORE.sub(f"[\\g<0>](/{kokoro_signs(sounds)}/)", words[at], count=1)
        pieces: list[tuple[str, str]] = []  # signs, and the word they are
        for token in self._tokens(" ".join(words)):
            signs = "".join(sign for sign in token.phonemes or "" if sign in self._alphabet)
            said = any(sign not in _STRESS + _LONG + _SPACE + _MARKS for sign in signs)
            pieces.append((signs + (_SPACE if token.whitespace else ""), token.text if said else ""))
        return [_script(part) for part in _parts(pieces)]

    def _tokens(self, text: str) -> Any:
        from hibari.g2p import normalize  # noqa: PLC0415  # loaded already

        return self._rules.phonemize_tokens(self._rules.tokenize(normalize(text)))


def kokoro_signs(sounds: str) -> str:
    """Kokoro's signs for sounds such as ``t ax0 m ey1 t ow0``."""
    signs = []
    for sound in sounds.split():
        name, stress = sound.rstrip("012"), sound[-1:]
        sign = "əɹ" if sound == "er0" else _SIGNS.get(name, name)
        signs.append("ˈ" + sign if stress == "1" else sign)
    return "".join(signs)


def _parts(pieces: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """The pieces, in parts of which none has more than :data:`MOST_PHONEMES` signs."""
    part: list[tuple[str, str]] = []
    size = 0
    for signs, word in pieces:
        for at in range(0, max(1, len(signs)), MOST_PHONEMES):
            some = signs[at : at + MOST_PHONEMES]
            if part and size + len(some) > MOST_PHONEMES:
                yield part
                part, size = [], 0
            part.append((some, word))
            size += len(some)
    if any(word for _, word in part):
        yield part


def _script(part: Sequence[tuple[str, str]]) -> Script:
    signs, places, words = "", list[int](), list[str]()
    for some, word in part:
        if word:
            words.append(word)
        inner = len(some.rstrip(_SPACE))
        places += [len(words) - 1 if word and at < inner else -1 for at in range(len(some))]
        signs += some
    return Script(signs, tuple(places), tuple(words))
