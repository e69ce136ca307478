"""Quantiles with bootstrap confidence intervals, and permutation tests of many measures at once. Pure, seeded numpy.

The bootstrap resamples *blocks*. Values of one block share what disturbed them, such as a machine that was slow for a
minute. So the block, not the value, is what chance drew. Few blocks make a percentile interval too narrow. It is
widened as Hesterberg proposes (What Teachers Should Know About the Bootstrap, 2015, section 4.3). Its tails are those
of a normal distribution at ``sqrt(n / (n - 1))`` times Student's quantile.

The permutation tests need no distribution. If nothing changed, any assignment of the blocks to the two runs was as
likely as the one that was seen. All measures are permuted together, and each is held against the largest statistic of
all (Westfall and Young's maxT). So the chance that *any* of them is called different by chance stays below ``p``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95
"""Of every interval."""

RESAMPLES: Final = 2000
"""Of every bootstrap."""

REGROUPINGS: Final = 2000
"""Most regroupings of a permutation test; fewer than these are all tried, else so many are drawn."""

FEWEST_BLOCKS: Final = 4
"""Rounds from which on rounds are resampled: 4 and 4 can be regrouped in 70 ways, 3 and 3 in 20."""

_AT_ONCE: Final = 4_000_000  # weights that are held in memory
_LEAST_SPREAD: Final = 1e-6  # standard error of values that never differ, so that a statistic stays finite

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.signedinteger[Any]]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity of ``n`` values with its confidence interval; ``low`` and ``high`` are None where n allows none."""

    value: float
    low: float | None
    high: float | None
    n: int


def quantiles(
    values: npt.ArrayLike,
    which: Sequence[float],
    *,
    blocks: npt.ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[Estimate, ...]:
    """The quantiles ``which`` (0 to 1) of ``values``, shape ``(n,)``, as ``numpy.quantile`` interpolates them.

    ``blocks``, shape ``(n,)``, says which values belong together; without it each is a block. Fewer than two blocks:
    no interval. No values: no estimates, an empty tuple. Raises ``ValueError`` for a value that is not finite.
    """
    known = np.asarray(values, np.float64)
    if not np.isfinite(known).all():
        raise ValueError("quantiles are of finite values")
    if not (n := len(known)):
        return ()
    found = np.quantile(known, which)
    place = np.arange(n) if blocks is None else np.unique(np.asarray(blocks), return_inverse=True)[1]
    count = int(place.max()) + 1
    if count < 2:
        return tuple(Estimate(float(value), None, None, n) for value in found)
    sample = Sample(known, place)
    rng = np.random.default_rng(seed)
    drawn = [sample.quantiles(which, draws(count, size, rng)) for size in _portions(resamples, count)]
    low, high = interval(np.concatenate(drawn), count, count - 1)
    return tuple(Estimate(float(v), float(a), float(b), n) for v, a, b in zip(found, low, high, strict=True))


@dataclass(frozen=True, slots=True)
class Resampling:
    """How often each block of two runs is drawn in each resample: drawn once, used for every measure.

    ``before`` and ``after`` have the shape ``(resamples, blocks of that run)``; ``blocks`` is the lesser number of
    blocks, ``degrees`` the degrees of freedom.
    """

    before: Ints
    after: Ints
    blocks: int
    degrees: int

    @classmethod
    def apart(cls, before: int, after: int, resamples: int, seed: int) -> Resampling:
        """Each run's blocks are drawn for themselves."""
        rng = np.random.default_rng(seed)
        drawn = [draws(count, resamples, rng) for count in (before, after)]
        return cls(drawn[0], drawn[1], min(before, after), before + after - 2)

    @classmethod
    def together(cls, pairs: int, resamples: int, seed: int) -> Resampling:
        """Blocks of equal number are a pair, and are drawn as one."""
        drawn = draws(pairs, resamples, np.random.default_rng(seed))
        return cls(drawn, drawn, pairs, pairs - 1)


def shift(before: Sample, after: Sample, q: float, resampling: Resampling) -> Estimate:
    """How much the quantile ``q`` of ``after`` lies above that of ``before``; ``n`` counts the values of both.

    Raises ``ValueError`` if a side has no value.
    """
    if not len(before.values) or not len(after.values):
        raise ValueError("a shift needs values before and after")
    value = float(np.quantile(after.values, q) - np.quantile(before.values, q))
    n = len(before.values) + len(after.values)
    if resampling.blocks < 2:
        return Estimate(value, None, None, n)
    drawn = after.quantiles([q], resampling.after) - before.quantiles([q], resampling.before)
    low, high = interval(drawn[np.isfinite(drawn).all(axis=1)], resampling.blocks, resampling.degrees)
    return Estimate(value, float(low[0]), float(high[0]), n)


@dataclass(frozen=True, slots=True)
class Sample:
    """Values, shape ``(n,)``, and the number of the block that each belongs to."""

    values: Floats
    block: Ints

    def quantiles(self, which: Sequence[float], drawn: Ints) -> Floats:
        """The quantiles in each resample of the blocks: shape ``(resamples, len(which))``, NaN where it is empty."""
        order = np.argsort(self.values, kind="stable")
        ordered, block = self.values[order], self.block[order]
        found: list[Floats] = []
        first = 0
        for size in _portions(len(drawn), len(ordered)):
            found.append(weighted_quantiles(ordered, drawn[first : first + size, block], which))
            first += size
        return np.concatenate(found)


def draws(blocks: int, size: int, rng: np.random.Generator) -> Ints:
    """How often each block is drawn when so many are drawn with replacement; shape ``(size, blocks)``."""
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), size).astype(np.int32)


def weighted_quantiles(ordered: Floats, weights: Ints, which: Sequence[float]) -> Floats:
    """Quantiles of ``ordered`` values, each there as often as its weight says.

    ``ordered`` has shape ``(n,)``, ``weights`` ``(size, n)``; the result ``(size, len(which))``, NaN for a row whose
    weights are all 0. The same as ``numpy.quantile`` of the repeated values, without repeating them.
    """
    upto = np.cumsum(weights, axis=1)
    last = np.maximum(upto[:, -1] - 1, 0)
    found = np.empty((len(weights), len(which)))
    for column, q in enumerate(which):
        place = q * last
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, last)
        lower, upper = (ordered[(upto > index[:, None]).argmax(axis=1)] for index in (below, above))
        found[:, column] = lower + (upper - lower) * (place - below)
    found[upto[:, -1] == 0] = np.nan
    return found


def interval(drawn: Floats, blocks: int, degrees: int) -> tuple[Floats, Floats]:
    """The confidence interval of each column of ``drawn``, shape ``(resamples, columns)``, widened for few blocks.

    ``blocks`` were resampled, with so many ``degrees`` of freedom.
    """
    z = math.sqrt(blocks / (blocks - 1)) * student(0.5 + CONFIDENCE / 2, degrees)
    tail = NormalDist().cdf(-z)
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return low, high


def student(p: float, degrees: int) -> float:
    """The quantile ``p`` of Student's t distribution; Abramowitz and Stegun 26.7.5, to 0.2 % from 3 degrees on."""
    z = NormalDist().inv_cdf(p)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / float(degrees) ** power for power, term in enumerate(terms))


@dataclass(frozen=True, slots=True)
class Chances:
    """Of each measure, shape ``(measures,)``: the chance of such a rise, or fall, anywhere, if nothing changed."""

    rise: Floats
    fall: Floats


def unpaired(scores: Floats, second: Bools, least: Floats, *, seed: int = 0) -> Chances:
    """Tests whether the second group's units differ from the first's, by regrouping units.

    ``scores`` has shape ``(units, measures)``, NaN where a unit has none; ``second``, shape ``(units,)``, tells the
    groups. The statistic is Welch's t; it is 0 where the means differ by less than ``least``, shape ``(measures,)``:
    what is too small to matter cannot raise an alarm, and so costs the other measures nothing. With 4 units in each
    group the least chance there can be is 1/70.
    """
    rng = np.random.default_rng(seed)
    groups = _regroupings(second, rng).astype(np.float64)
    return _chances(*_welch(scores, groups), least)


def paired(differences: Floats, least: Floats, *, seed: int = 0) -> Chances:
    """Tests whether ``differences``, shape ``(pairs, measures)``, NaN where there is none, lie off 0.

    If nothing changed each pair's difference was as likely to have the other sign; the statistic is Student's t, 0 for
    a mean below ``least``, as above. With n pairs the least chance there can be is ``2 ** -n``.
    """
    rng = np.random.default_rng(seed)
    signs = _signs(len(differences), rng)
    known = np.isfinite(differences)
    values = np.where(known, differences, 0.0)
    n = known.sum(axis=0)
    enough = np.maximum(n, 2)
    mean = signs @ values / enough
    variance = np.maximum((values**2).sum(axis=0) / enough - mean**2, 0.0) * enough / (enough - 1)
    t = mean / np.sqrt(variance / enough + _LEAST_SPREAD**2)
    return _chances(np.where(n < 2, 0.0, t), mean, least)


def regroupings(first: int, second: int) -> int:
    """In how many ways so many units can be put into two groups of these sizes."""
    return math.comb(first + second, second)


def _chances(t: Floats, change: Floats, least: Floats) -> Chances:
    """From statistics and changes of shape ``(regroupings, measures)``; the first row is what was seen."""
    t = np.where(np.abs(change) >= least, t, 0.0)
    slack = 1 - 1e-9  # equal regroupings must count as equal, whatever the order of their sums
    seen = t[0]
    rise = (t.max(axis=1)[:, None] >= np.where(seen > 0, seen * slack, seen)).mean(axis=0)
    fall = (-t.min(axis=1)[:, None] >= np.where(seen < 0, -seen * slack, -seen)).mean(axis=0)
    return Chances(rise, fall)


def _welch(scores: Floats, groups: Floats) -> tuple[Floats, Floats]:
    """Welch's t of each regrouping and measure, and the change of the mean."""
    known = np.isfinite(scores)
    ok = known.astype(np.float64)
    counts = np.maximum(ok.sum(axis=0), 1)
    values = np.where(known, scores, 0.0)
    values = np.where(known, values - values.sum(axis=0) / counts, 0.0)
    sums, squares = groups @ values, groups @ values**2
    n = groups @ ok
    parts: list[tuple[Floats, Floats]] = []
    for size, total, square in ((ok.sum(axis=0) - n, -sums, (values**2).sum(axis=0) - squares), (n, sums, squares)):
        enough = np.maximum(size, 2)
        mean = total / enough
        variance = np.maximum(square / enough - mean**2, 0.0) * enough / (enough - 1)
        parts.append((mean, variance / enough))
    (mean_1, error_1), (mean_2, error_2) = parts
    t = (mean_2 - mean_1) / np.sqrt(error_1 + error_2 + _LEAST_SPREAD**2)
    return np.where((n < 2) | (ok.sum(axis=0) - n < 2), 0.0, t), mean_2 - mean_1


def _regroupings(second: Bools, rng: np.random.Generator) -> Bools:
    """Rows of who is in the second group; the first row is ``second`` itself, and it is in no other."""
    units, size = len(second), int(second.sum())
    if regroupings(units - size, size) <= REGROUPINGS:
        rows = np.zeros((regroupings(units - size, size), units), np.bool_)
        for row, members in zip(rows, combinations(range(units), size), strict=True):
            row[list(members)] = True
        others = rows[(rows != second).any(axis=1)]
    else:
        others = rng.permuted(np.broadcast_to(second, (REGROUPINGS - 1, units)), axis=1)
    return np.concatenate([second[None, :], others])


def _signs(pairs: int, rng: np.random.Generator) -> Floats:
    """Rows of signs; the first has no minus."""
    if 2**pairs <= REGROUPINGS:
        return np.array(list(product((1.0, -1.0), repeat=pairs)))
    others = rng.choice((1.0, -1.0), (REGROUPINGS - 1, pairs))
    return np.concatenate([np.ones((1, pairs)), others])


def _portions(total: int, width: int) -> list[int]:
    """``total`` rows in portions whose weights fit into memory."""
    size = max(1, min(total, _AT_ONCE // width))
    return [min(size, total - done) for done in range(0, total, size)]
