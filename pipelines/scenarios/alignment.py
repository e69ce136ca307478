"""When each word of a line is said, guessed from the sound's level and the words' lengths. No model, no I/O.

It is good to about a syllable. That is enough for a simulated recogniser that gives each word soon after it was spoken.
Where a line pauses it has to be right about the pause. Marks in the transcript tell it:
``what is seventeen [0.8] times twenty three`` or, if the length is not known, ``what is seventeen | times``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from pipelines.scenarios.scenario import SpokenWord
from pipelines.scenarios.voiced import find_voice
from pipelines.scenarios.words import spoken_words
from sophia.audio import EAR_RATE, Pcm

_MARK = re.compile(r"\[\s*\d+(?:\.\d+)?\s*\]|\|")

Stretch = tuple[float, float]


def phrases(transcript: str) -> list[list[str]]:
    """The words between the pause marks; empty phrases are left out."""
    return [words for piece in _MARK.split(transcript) if (words := piece.split())]


def unmarked(transcript: str) -> str:
    """The transcript without its pause marks."""
    return " ".join(word for words in phrases(transcript) for word in words)


def align(pcm: Pcm, transcript: str) -> tuple[SpokenWord, ...]:
    """The words of ``transcript`` with their times, in order and without overlap; times count from the first sample.

    ``pcm`` is int16 at 16 kHz, shape ``(samples,)``, without noise. The words share the voiced stretches in proportion
    to their letters (numbers to how they are read), and none reaches across a silence of
    :data:`~pipelines.scenarios.voiced.SHORTEST_GAP` or more. If the transcript has marks
    and the sound at least as many silences, the longest silences are the marked ones, and the words between two marks
    stay between these silences.
    """
    parts = phrases(transcript)
    voice = find_voice(pcm)
    samples = voice.stretches if voice else ((0, len(pcm)),)
    stretches = [(start / EAR_RATE, end / EAR_RATE) for start, end in samples]
    groups = _between_longest_gaps(stretches, len(parts) - 1)
    if groups is None:
        parts, groups = [[word for words in parts for word in words]], [stretches]
    return tuple(word for words, group in zip(parts, groups, strict=True) for word in _spread(words, group))


def _between_longest_gaps(stretches: Sequence[Stretch], gaps: int) -> list[list[Stretch]] | None:
    """The stretches in ``gaps + 1`` groups, cut at the longest silences; None if there are not so many."""
    if not 0 <= gaps < len(stretches):
        return None
    silences = [stretches[i + 1][0] - stretches[i][1] for i in range(len(stretches) - 1)]
    longest = sorted(sorted(range(len(silences)), key=lambda i: -silences[i])[:gaps])
    edges = [0, *(i + 1 for i in longest), len(stretches)]
    return [list(stretches[a:b]) for a, b in pairwise(edges)]


def _spread(words: Sequence[str], stretches: Sequence[Stretch]) -> list[SpokenWord]:
    """The words over the stretches: each belongs to the one in which its middle falls, then they share it."""
    letters = [max(1, sum(map(len, spoken_words(word)))) for word in words]
    voiced = sum(end - start for start, end in stretches)
    ends = np.cumsum([end - start for start, end in stretches])
    middles = (np.cumsum(letters) - np.array(letters) / 2) * voiced / max(1, sum(letters))
    owners = np.minimum(np.searchsorted(ends, middles), len(stretches) - 1)
    out: list[SpokenWord] = []
    for place, (start, end) in enumerate(stretches):
        mine = [i for i in range(len(words)) if owners[i] == place]
        unit = (end - start) / max(1, sum(letters[i] for i in mine))
        at = start
        for i in mine:
            out.append(SpokenWord(words[i], round(at, 3), round(at + unit * letters[i], 3)))
            at += unit * letters[i]
    return out
