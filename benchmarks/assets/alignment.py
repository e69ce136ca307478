"""When each sound is really made: forced alignment of clips whose phones are known, but whose times are rough.

hibari tells the lengths of its signs in steps of 25 ms, and its network makes each sound about 50 ms before its sign,
give or take 25. Lips that learn from such times close late and half. So a hidden Markov model is fitted to all clips of
a voice: two states a phone, one Gaussian each, from the told times on; its best path gives the times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.assets.corpus import Clip
from pipelines.embedded.face.features import RATE, mel_bank
from pipelines.embedded.face.visemes import Phone, plain

LATE = 0.05
"""Seconds by which hibari's times are late: the median over 1,000 hissing sounds and vowels is 45 to 65 ms."""

_HOP = 80
"""Samples from row to row: 5 ms, half of what the lips see."""
_WINDOW, _FFT = 320, 512
_CEPSTRA = 13
_SILENT = 1e-3
"""Power of a band at about -57 dBFS, below which a pause is as silent as no sound at all."""

_REACH = 0.12
"""Seconds that a phone may begin before or after its told time; a pause may do so three times as much."""
_LONGEST_BEFORE_PAUSE = 0.15
"""Seconds: a first guess. hibari counts the silence behind a clause to its last sound."""

Rows = NDArray[np.float64]
State = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Chain:
    """A clip as the model sees it: its rows, the states in order, and the rows that each may begin at."""

    rows: Rows
    states: list[State]
    earliest: NDArray[np.float64]
    latest: NDArray[np.float64]
    first_guess: NDArray[np.int64]


_ROUNDS, _ENOUGH = 8, 100
"""How often the model is fitted, and to how many clips; after that boundaries move by less than a row."""


def aligned(clips: Sequence[Clip]) -> list[Clip]:
    """The clips of one voice with better times; raises ``ValueError`` where the told times leave no way."""
    chains = [_chain(clip) for clip in clips]
    some = chains[:_ENOUGH]
    model = _gaussians(some, [chain.first_guess for chain in some])
    for _ in range(_ROUNDS):
        model = _gaussians(some, [_best_path(chain, model) for chain in some])
    paths = [_best_path(chain, model) for chain in chains]
    return [replace(clip, phones=tuple(_phones(clip, path))) for clip, path in zip(clips, paths, strict=True)]


def _cepstra(sound: NDArray[np.float32]) -> Rows:
    """Cepstra and their slopes, every 5 ms; shape ``(n, 26)``."""
    padded = np.pad(sound, (_WINDOW // 2, _WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][: len(sound) // _HOP]
    mel = np.log10(np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), _FFT)) ** 2 @ mel_bank().T + _SILENT)
    bands = mel.shape[1]
    cepstra = mel @ np.cos(np.pi * np.outer(np.arange(bands) + 0.5, np.arange(_CEPSTRA)) / bands)
    slopes = np.zeros_like(cepstra)
    slopes[2:-2] = cepstra[4:] - cepstra[:-4]
    return np.concatenate([cepstra, slopes], axis=1)


def _chain(clip: Clip) -> _Chain:
    rows = _cepstra(clip.sound)
    begins = [phone.start - LATE * (number > 0) for number, phone in enumerate(clip.phones)]
    for number, (before, phone) in enumerate(pairwise(clip.phones), start=1):
        if not plain(phone.name):
            begins[number] = min(begins[number], before.start - LATE + _LONGEST_BEFORE_PAUSE)
    states: list[State] = []
    starts, reaches = [], []
    for phone, (begin, end) in zip(clip.phones, pairwise([*begins, clip.seconds]), strict=True):
        name = plain(phone.name)
        for half in range(2 if name else 1):
            states.append((name, half))
            starts.append((begin + half * (end - begin) / 2) * RATE / _HOP)
            reaches.append(_REACH * RATE / _HOP * (1 if name else 3))
    start, reach = np.array(starts), np.array(reaches)
    guess = np.searchsorted(start[1:], np.arange(len(rows)), side="right")
    return _Chain(rows, states, start - reach, start + reach, guess)


def _gaussians(chains: Sequence[_Chain], paths: Sequence[NDArray[np.int64]]) -> dict[State, tuple[Rows, Rows]]:
    """Mean and variance of each state; a state with few rows, or with equal ones, is drawn towards all rows'."""
    heard: dict[State, list[Rows]] = defaultdict(list)
    for chain, path in zip(chains, paths, strict=True):
        for number, state in enumerate(chain.states):
            heard[state].append(chain.rows[path == number])
    everything = np.concatenate([chain.rows for chain in chains])
    usual, spread = everything.mean(axis=0), everything.var(axis=0)
    model = {}
    for state, parts in heard.items():
        rows = np.concatenate(parts)
        mean = (rows.sum(axis=0) + 5 * usual) / (len(rows) + 5)
        model[state] = mean, (((rows - mean) ** 2).sum(axis=0) + 3 * spread) / (len(rows) + 10) + 0.02 * spread
    return model


def _best_path(chain: _Chain, model: dict[State, tuple[Rows, Rows]]) -> NDArray[np.int64]:
    """The state of each row (Viterbi)."""
    means, variances = (np.array(part) for part in zip(*(model[state] for state in chain.states), strict=True))
    likelihood = -0.5 * (((chain.rows[:, None] - means) ** 2 / variances) + np.log(variances)).sum(axis=2)
    score = np.full(len(chain.states), -np.inf)
    score[0] = likelihood[0, 0]
    moved = np.zeros(likelihood.shape, bool)
    for row in range(1, len(likelihood)):
        open_now = (chain.earliest <= row) & (row <= chain.latest)
        from_before = np.where(open_now, np.concatenate([[-np.inf], score[:-1]]), -np.inf)
        moved[row] = from_before > score
        score = np.maximum(score, from_before) + likelihood[row]
    if not np.isfinite(score[-1]):
        raise ValueError("the told times leave no room for all phones")
    path = np.empty(len(likelihood), np.int64)
    state = len(chain.states) - 1
    for row in range(len(likelihood) - 1, -1, -1):
        path[row] = state
        state -= int(moved[row, state])
    return path


def _phones(clip: Clip, path: NDArray[np.int64]) -> Iterator[Phone]:
    first = 0
    begins = []
    for phone in clip.phones:
        begins.append(float(np.searchsorted(path, first)) * _HOP / RATE)
        first += 2 if plain(phone.name) else 1
    for phone, (begin, end) in zip(clip.phones, pairwise([*begins, clip.seconds]), strict=True):
        yield Phone(begin, end, phone.name)
