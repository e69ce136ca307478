"""How much days differ from one another by chance alone, whatever makes them do so: callers, busy days, weekends.

The turns of a conversation are no independent witnesses, so they are not counted as evidence. What a group of turns
does from one day to the next is. Two of these steps are left out, the largest: a real change is one.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.insights.report.grid import Floats

FEWEST_DAYS: Final = 8
"""Days without which nothing is said: chance shows in the differences between them."""

_DROPPED: Final = 2


def noise_of(turns: Floats, left: Floats, level: Floats) -> tuple[Floats, int]:
    """The variance of a turn's score as the days show it, for each group; infinite where the days are too few.

    ``turns`` and ``left`` have the shape ``(groups, days)``: how many there were, and the sum of their scores less the
    group's mean. The second answer is the degrees of freedom. Groups have in common how large it is against their
    ``level``: what takes longer varies more.
    """
    known = turns > 0
    pairs = known[:, 1:] & known[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = left / turns
        steps = np.diff(mean, axis=1) ** 2 / (1 / turns[:, 1:] + 1 / turns[:, :-1])
    steps = np.sort(np.where(pairs, steps, np.inf), axis=1)
    many = pairs.sum(axis=1)
    used = np.arange(steps.shape[1]) < (many - _DROPPED)[:, None]
    kept = used.sum(axis=1)
    own = np.where(used, steps, 0.0).sum(axis=1) / np.maximum(kept, 1) / _share_kept(many)
    enough = kept >= FEWEST_DAYS - 1 - _DROPPED
    if not enough.any():
        return np.full(len(turns), np.inf), 0
    common = float(np.average((own / level**2)[enough], weights=kept[enough])) * level**2
    degrees = max(1, int(kept[enough].sum() * 2 / 3))  # steps that share a day are not independent
    return np.where(enough, np.maximum(own, common), np.inf), degrees


def _share_kept(many: npt.NDArray[np.int64]) -> Floats:
    """What remains of the mean of so many squares of normal values, when the largest are left out."""
    return np.array([_share(n) for n in many.tolist()])


@cache
def _share(n: int) -> float:
    squares = [NormalDist().inv_cdf(0.5 + (place + 0.5) / n / 2) ** 2 for place in range(n)]
    kept = squares[: n - _DROPPED] if n > _DROPPED else []
    return sum(kept) / len(kept) / (sum(squares) / n) if kept else 1.0
