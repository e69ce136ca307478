"""Whether a canary is worse than its control, with an answer that holds however often one looks.

Conversations come in the order in which they ended. Each gets a score: which arm it fell into, times how it lies among
the conversations before it. The arm was drawn by chance, so without a difference the scores are a fair game, whatever
the conversations are like: heavy tails, busy hours and trends do no harm (design-based inference; Ham, Bojinov, Lindon
and Tingley, arXiv:2210.08639).

The sum of such scores is held against a boundary that a fair game crosses at any time with a chance of ``alpha`` at
most: the one-sided normal mixture (Howard, Ramdas, McAuliffe and Sekhon, arXiv:1810.08240), used with an estimated
variance as in the asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
(arXiv:2103.06476).

The least effect that counts is taken off the canary's values first. So what is asked is never "is there a difference",
but "is it worse by more than that".
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

How = Literal["rank", "mean"]

TUNED_FOR: Final = 100
"""Conversations at which the boundary is the narrowest."""

FEWEST: Final = 20
"""Conversations of each arm before which nothing is concluded: the variance is not known yet."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A measure of one conversation. Only those of a like ``stratum``, such as site and language, are compared."""

    canary: bool
    value: float
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of a difference: how much worse the canary is, between ``low`` and ``high``.

    By ``rank`` that is the chance that a canary's conversation is the worse of two, less one half. By ``mean`` it is in
    the measure's own unit. Each bound holds at all times together, with a chance of 1 - ``alpha``.
    """

    estimate: float
    low: float
    high: float


@dataclass(slots=True)
class FairGame:
    """The running sum of the scores of one measure, with ``least`` taken off the canary's values.

    ``share`` of the conversations are the canary's; ``spread`` is roughly the measure's standard deviation, which only
    tunes the boundary. ``worse`` and ``fine`` stay true once they were.
    """

    share: float
    how: How
    alpha: float
    least: float = 0.0
    spread: float = 1.0
    total: float = 0.0
    canary: int = 0
    control: int = 0
    worse: bool = False
    """The canary is worse by more than ``least``."""
    fine: bool = False
    """The canary is not worse by as much as ``least``."""
    _seen: float = 0.0
    _drawn: float = 0.0
    _pools: dict[str, list[float]] = field(default_factory=dict)
    _sums: dict[str, float] = field(default_factory=dict)

    def add(self, one: Observed) -> None:
        """Takes in the next conversation."""
        value = one.value - (self.least if one.canary else 0.0)
        place = self._place(value, one.stratum)
        score = place / self.share if one.canary else -place / (1 - self.share)
        self.total += score
        self._seen += score * score
        self._drawn += place * place / (self.share * (1 - self.share))
        self.canary += one.canary
        self.control += not one.canary
        if min(self.canary, self.control) >= FEWEST:
            self.worse = self.worse or self.total > self.boundary
            self.fine = self.fine or self.total < -self.boundary

    @property
    def number(self) -> int:
        """Conversations so far."""
        return self.canary + self.control

    @property
    def boundary(self) -> float:
        """What the sum of a fair game exceeds at any time with a chance of ``alpha`` at most.

        The variance is the larger one of what was seen and of what the draw of the arms makes. With rare events either
        alone would be far too small on one side.
        """
        return mixture(max(self._seen, self._drawn), self._tuning, self.alpha)

    @property
    def bounds(self) -> Bounds:
        """What is known of the difference now."""
        if not self.number:
            return Bounds(0.0, -math.inf, math.inf)
        mean, radius = self.total / self.number, self.boundary / self.number
        if min(self.canary, self.control) < FEWEST:
            radius = math.inf
        return Bounds(mean, mean - radius, mean + radius)

    @property
    def _tuning(self) -> float:
        spread = math.sqrt(1 / 12) if self.how == "rank" else self.spread
        twice = -2 * math.log(2 * self.alpha)
        return TUNED_FOR * spread**2 / (self.share * (1 - self.share)) / (twice + math.log(1 + twice))

    def _place(self, value: float, stratum: str) -> float:
        """Where a value lies among those before it: by rank from -1/2 to 1/2, or by its distance from their mean."""
        pool = self._pools.setdefault(stratum, [])
        if self.how == "rank":
            below, upto = bisect_left(pool, value), bisect_right(pool, value)
            place = ((below + upto) / 2 + 0.5) / (len(pool) + 1) - 0.5
            insort(pool, value)
            return place
        total = self._sums.get(stratum, 0.0)
        place = value - total / len(pool) if pool else 0.0
        pool.append(value)
        self._sums[stratum] = total + value
        return place


def mixture(variance: float, tuning: float, alpha: float) -> float:
    """The one-sided normal mixture boundary for a sum with this variance; the narrowest near some times ``tuning``."""
    whole = variance + tuning
    return math.sqrt(2 * whole * math.log1p(math.sqrt(whole / tuning) / (2 * alpha)))


def played(game: FairGame, observed: Iterable[Observed]) -> FairGame:
    """``game`` after all that was observed, in order."""
    for one in observed:
        game.add(one)
    return game
