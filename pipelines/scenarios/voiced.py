"""Where the voice is in a recording, by level: its first and last sample, and the stretches between its pauses. Pure.

In a clean recording this is :func:`sophia.soundbite.voiced_span`. In one with audible noise, where that takes the
noise for voice, the voice has to stand out from the noise instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sophia.audio import EAR_RATE, Pcm
from sophia.soundbite import voiced_span

SHORTEST_GAP: Final = 0.15
"""Seconds; a shorter silence belongs to a word, such as the closure before a t."""

_BLOCK = EAR_RATE // 100
_BELOW_PEAK = 10 ** (-35 / 20)  # as in sophia.soundbite
_ABOVE_NOISE = 2.0  # as in sophia.vad
_STEADY = 3  # blocks in a row that stand out; less is a click
_NOISE_QUANTILE = 5  # per cent of the recording that are noise for sure: its quietest
_LOUDEST_NOISE = 10 ** (-20 / 20)  # of the peak; a quietest moment above that is no noise but speech without a pause


@dataclass(frozen=True, slots=True)
class Voice:
    """``span`` is the first and just after the last voiced sample, ``stretches`` the same for what lies between pauses.

    ``noisy`` is whether noise is so loud that both are good to some 0.1 s only.
    """

    span: tuple[int, int]
    stretches: tuple[tuple[int, int], ...]
    noisy: bool = False


def find_voice(pcm: Pcm) -> Voice | None:
    """The voice in ``pcm`` (int16, 16 kHz, shape ``(samples,)``), to 10 ms; None if there is none."""
    span = voiced_span(pcm)
    if span is None:
        return None
    blocks = np.pad(pcm, (0, -len(pcm) % _BLOCK)).reshape(-1, _BLOCK).astype(np.float64)
    levels = np.sqrt(np.mean(np.square(blocks), axis=1))
    peak = float(levels.max())
    quiet = float(np.percentile(levels[: len(pcm) // _BLOCK], _NOISE_QUANTILE)) if len(pcm) >= _BLOCK else 0.0
    threshold = min(quiet * _ABOVE_NOISE, peak * _LOUDEST_NOISE)
    cut = span[0] == 0 or span[1] == len(pcm)  # all is loud up to an edge: either noise, or the voice is cut
    noisy = cut and threshold > peak * _BELOW_PEAK
    loud = levels > (threshold if noisy else peak * _BELOW_PEAK)
    if noisy:
        loud = _steady(loud)
    else:
        loud[: span[0] // _BLOCK] = False
        loud[-(-span[1] // _BLOCK) :] = False
    at = np.flatnonzero(loud)
    if len(at) == 0:
        return Voice(span, (span,), noisy)
    breaks = np.flatnonzero(np.diff(at) > SHORTEST_GAP * EAR_RATE / _BLOCK)
    firsts, lasts = at[np.concatenate([[0], breaks + 1])], at[np.concatenate([breaks, [len(at) - 1]])] + 1
    ends = np.minimum(lasts * _BLOCK, len(pcm))
    stretches = tuple((int(first) * _BLOCK, int(end)) for first, end in zip(firsts, ends, strict=True))
    return Voice((stretches[0][0], stretches[-1][1]), stretches, noisy)


def _steady(loud: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Only what is loud for :data:`_STEADY` blocks in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    out = np.zeros_like(loud)
    for first, end in edges.reshape(-1, 2):
        out[first:end] = end - first >= _STEADY
    return out
