"""What grows while a process goes on: what it has is counted again and again, and a slope is laid through it. Pure.

The slope is the median of the slopes of all pairs of samples (Theil and Sen), so that a few odd samples do not bend it.
What is made once, such as caches that fill, is over in the first part of a run, and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

WARM_UP = 0.25
"""Share of the turns that is left out at the beginning: histories and caches fill."""

TURNS = 1000
"""Slopes are told for so many turns."""

LEAST_SAMPLES, LEAST_TURNS = 6, 300
"""With fewer after the warm-up nothing is judged."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What there was after so many ``turns``, ``seconds`` after the beginning, each by its name."""

    turns: int
    seconds: float
    values: Mapping[str, float]


def settled(samples: Sequence[Sample]) -> list[Sample]:
    """Those after the warm-up."""
    if not samples:
        return []
    first = samples[-1].turns * WARM_UP
    return [sample for sample in samples if sample.turns >= first]


def slope(samples: Sequence[Sample], name: str) -> float:
    """By how much ``name`` grows in 1000 turns."""
    turns = np.array([sample.turns for sample in samples], float)
    values = np.array([sample.values[name] for sample in samples], float)
    first, second = np.triu_indices(len(samples), 1)
    apart = turns[second] - turns[first]
    rises = (values[second] - values[first])[apart > 0] / apart[apart > 0]
    return float(np.median(rises)) * TURNS if rises.size else 0.0


def slopes(samples: Sequence[Sample]) -> dict[str, float]:
    """The slope of everything that was counted, after the warm-up; empty if there is too little to judge."""
    late = settled(samples)
    if len(late) < LEAST_SAMPLES or late[-1].turns - late[0].turns < LEAST_TURNS:
        return {}
    return {name: slope(late, name) for name in late[-1].values}


def breaches(samples: Sequence[Sample], bounds: Mapping[str, float]) -> list[str]:
    """A sentence for each thing that grows faster than it may; ``bounds`` are for 1000 turns."""
    if not (found := slopes(samples)):
        late = settled(samples)
        turns = late[-1].turns - late[0].turns if late else 0
        return [
            f"{len(late)} samples and {turns} turns after the warm-up are too few to judge; let it go on for longer"
        ]
    return [
        f"{name} grows by {found[name]:.4g} in {TURNS} turns; {bound:g} are allowed"
        for name, bound in bounds.items()
        if name in found and found[name] > bound
    ]
