"""What changed, and since when: the stage, the narrowest cell and the day from which its turns took longer, or shorter.

A conversation lies within a day, and its turns are no independent witnesses. So what chance does to a cell is taken
from how its days differ from one to the next, which conversations, busy days and weekends all enter. Turns are not
counted as evidence. Two of a cell's steps from day to day are left out of that, the largest: a real change is one.

Each cell is held against itself: a site that gets more turns of a slower model did not change. Every combination of
keys is tried, on every day. A shift counts if chance alone would make one such anywhere, in any cell and stage, in one
report of a hundred (Bonferroni over all that was tried, with Student's tails), and if it is as large as counts.

Of the shifts that count, that is named which explains most for the fewest words. Naming an hour costs more than naming
one of two models, since there are more to choose from. What is named is taken out, and the rest is looked at again.
The contributions come before voice-to-voice, which they explain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import log
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from pipelines.insights.report.grid import CELL, Floats, Grid
from pipelines.insights.report.noise import FEWEST_DAYS, noise_of
from pipelines.insights.tables import STAGES
from pipelines.replay.compare_result import Least
from pipelines.replay.statistics import student

Measure = Literal["p50", "p95"]

ALARM: Final = 0.01
"""The chance of naming anything in a report where nothing changed."""

LEAST: Final[Mapping[Measure, Least]] = {"p50": Least(0.010, 0.02), "p95": Least(0.030, 0.05)}
"""The least change that counts, as replay's: of the median, and of the tail."""

SIDE: Final = 2
"""Days on each side of a change, at the least: one odd day is none."""

ENOUGH: Final = 100
"""Turns of a cell on each side of a change, at the least."""

DAILY: Final[Mapping[Measure, int]] = {"p50": 5, "p95": 300}
"""Turns a day of a cell, in the mean of each side, at the least: a tenth of them lie in the tail."""

LOPSIDED: Final[Mapping[Measure, float]] = {"p50": 1.0, "p95": 0.01}
"""The share of its chance that a measure is given: far out, the tail is rarer than Student's says."""

MOST: Final = 20
"""Changes that are named of a stage, at most."""

ECHO: Final = 0.25
"""What is left of a change that was named is no change of its own below this share of it."""

ALIKE: Final = 0.5
CERTAIN: Final = 3.0
"""A key is not named if what lies beside moved too: by that share of the shift, and by so many standard errors."""

APART: Final = 4.0
"""A key is named if the rest of the cell moved less than that share of the shift, by so many standard errors."""

Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Change:
    """``stage`` takes ``shift`` seconds longer from the day ``since`` on, in the turns that ``where`` says.

    ``where`` has the keys that had to be named, and is empty for all turns. ``shift`` is of the mean within bounds for
    the median (p50), or of what lies out in the tail (p95). ``z`` tells it in standard errors.
    """

    stage: str
    measure: Measure
    since: str
    where: Mapping[str, Any]
    shift: float
    z: float


def changes(grids: Mapping[str, Grid], alarm: float = ALARM) -> list[Change]:
    """Everything that changed, the strongest evidence first."""
    if not grids or len(next(iter(grids.values())).dates) < FEWEST_DAYS:
        return []
    chance = alarm / max(1, sum(_tries(grid) for grid in grids.values()) * len(LEAST))
    found: list[_Found] = []
    for measure in LEAST:
        for stage in (*STAGES[1:], STAGES[0]):
            if stage in grids:
                parts = [one for one in found if stage in (one.stage, STAGES[0])]
                found += _Search(stage, grids[stage], measure, chance, parts).run()
    return sorted((one.told() for one in found), key=lambda change: -abs(change.z))


@dataclass(frozen=True, slots=True)
class _Found:
    stage: str
    measure: Measure
    grid: Grid
    keys: tuple[int, ...]
    inside: Bools
    day: int
    shift: float
    z: float

    def told(self) -> Change:
        cell = self.grid.cells[int(np.argmax(self.inside))]
        where = {CELL[key]: cell[key] for key in self.keys}
        return Change(self.stage, self.measure, self.grid.dates[self.day], where, self.shift / 1000, self.z)


class _Search:
    """The changes of one stage, one after the other.

    ``known`` are those that explain a part of what is seen. The median has them taken out. The tail of a cell moves
    with its median, and with the tails of its contributions, and such cells are left out.
    """

    def __init__(self, stage: str, grid: Grid, measure: Measure, chance: float, known: Sequence[_Found]) -> None:
        self._stage, self._grid, self._measure = stage, grid, measure
        self._chance = chance * LOPSIDED[measure]
        inside = np.any([one.inside for one in known], axis=0) if known and measure == "p95" else False
        sums = grid.middle if measure == "p50" else grid.tail
        self._turns = np.where(np.broadcast_to(inside, len(grid.cells))[:, None], 0.0, grid.turns)
        self._sums = np.where(self._turns > 0, sums, 0.0)
        self._known = [one for one in known if one.measure == measure == "p50"]
        self._level = float(grid.middle.sum() / max(1.0, grid.turns.sum())) / 1000
        self._mean = max(1e-3, float(sums.sum() / max(1.0, grid.turns.sum())))
        for one in self._known:
            self._take_out(one)
        self._groups = _groupings(grid.cells)

    def run(self) -> Iterator[_Found]:
        for _ in range(MOST):
            found = self._strongest()
            if found is None:
                return
            self._take_out(found)
            self._known.append(found)
            yield found

    def _take_out(self, one: _Found) -> None:
        late = np.arange(len(self._grid.dates)) >= one.day
        self._sums -= self._turns * np.outer(one.inside, late) * one.shift

    def _strongest(self) -> _Found | None:
        """The shift that explains most for the fewest words, of those that count."""
        left = self._left()
        best, best_gain = None, 0.0
        for keys, place, cost in self._groups:
            shift, z, degrees = self._shifts(place, left)
            if not degrees:
                continue
            worth = (np.abs(z) > student(1 - self._chance / 2, degrees)) & (np.abs(shift) >= self._least())
            gain = np.where(worth, z**2 / 2 - cost, 0.0)
            for cell, split in sorted(np.argwhere(gain > best_gain), key=lambda at: -gain[tuple(at)]):
                found = self._at(keys, place == cell, int(split), shift[cell, split], z[cell, split])
                if not self._echo(found):
                    best, best_gain = found, float(gain[cell, split])
                    break
        return best and self._widened(self._narrowed(best, left), left)

    def _at(self, keys: tuple[int, ...], inside: Bools, split: int, shift: float, z: float) -> _Found:
        return _Found(self._stage, self._measure, self._grid, keys, inside, split + 1, float(shift), float(z))

    def _left(self) -> Floats:
        """What is left of the sums when each cell's own mean is taken off."""
        own = self._sums.sum(axis=1) / np.maximum(self._turns.sum(axis=1), 1)
        left: Floats = self._sums - self._turns * own[:, None]
        return left

    def _shifts(self, place: Ints, left: Floats) -> tuple[Floats, Floats, int]:
        turns, sums = _by(place, self._turns), _by(place, self._sums)
        level = np.maximum(sums.sum(axis=1) / np.maximum(turns.sum(axis=1), 1), self._mean)
        return _shifts(turns, _by(place, left), level, DAILY[self._measure])

    def _narrowed(self, found: _Found, left: Floats) -> _Found:
        """The same with the keys that the rest of the cell asks for, since it did not move."""
        best, at = None, found.day - 1
        for keys, place, _ in self._groups:
            if len(keys) != len(found.keys) + 1 or not set(found.keys) < set(keys):
                continue
            for group in np.unique(place[found.inside]).tolist():
                inside = place == group
                shift, z, _ = self._shifts(np.where(inside, 1, np.where(found.inside, 0, 2)), left)
                if not (z[0, at] and z[1, at]) or abs(z[1, at]) <= abs(best.z if best else 0):
                    continue
                apart = abs(shift[1, at] - shift[0, at]) / np.hypot(shift[1, at] / z[1, at], shift[0, at] / z[0, at])
                if abs(shift[0, at]) < ALIKE * abs(shift[1, at]) and apart > APART:
                    best = self._at(keys, inside, at, shift[1, at], z[1, at])
        return found if best is None else self._narrowed(best, left)

    def _widened(self, found: _Found, left: Floats) -> _Found:
        """The same without the keys that need no naming, since what lies beside the cell moved as it did."""
        for key in found.keys:
            keys = tuple(one for one in found.keys if one != key)
            place = next(place for named, place, _ in self._groups if named == keys)
            wide = place == place[int(np.argmax(found.inside))]
            beside = wide & ~found.inside
            shift, z, _ = self._shifts(np.where(beside, 0, np.where(found.inside, 1, 2)), left)
            at = 0, found.day - 1
            if shift[at] / found.shift >= ALIKE and abs(z[at]) >= CERTAIN:
                shift, z, _ = self._shifts(np.where(wide, 0, 1), left)
                return self._widened(self._at(keys, wide, found.day - 1, shift[at], z[at]), left)
        return found

    def _least(self) -> float:
        least = LEAST[self._measure].of(self._level) * 1000
        return least if self._measure == "p50" else least * 0.05  # half of a tenth of the turns: the 95th percentile

    def _echo(self, found: _Found) -> bool:
        shared = [abs(one.shift) for one in self._known if (one.inside & found.inside).any()]
        return abs(found.shift) < ECHO * max(shared, default=0.0)


def _combinations(cells: Sequence[tuple[Any, ...]]) -> list[tuple[int, ...]]:
    """Every choice of keys, of those that have more than one value."""
    useful = [key for key in range(len(CELL)) if len({cell[key] for cell in cells}) > 1]
    return [chosen for size in range(len(useful) + 1) for chosen in combinations(useful, size)]


@lru_cache(maxsize=1)
def _groupings(cells: tuple[tuple[Any, ...], ...]) -> list[tuple[tuple[int, ...], Ints, float]]:
    """:func:`_grouped` by every choice of keys; all stages have the same cells."""
    return [_grouped(cells, keys) for keys in _combinations(cells)]


def _grouped(cells: Sequence[tuple[Any, ...]], keys: tuple[int, ...]) -> tuple[tuple[int, ...], Ints, float]:
    """The keys, the number of each cell's group, and what it costs to name one of the groups, in nats."""
    groups: dict[tuple[Any, ...], int] = {}
    place = [groups.setdefault(tuple(cell[key] for key in keys), len(groups)) for cell in cells]
    cost = sum(1 + log(len({cell[key] for cell in cells})) for key in keys)
    return keys, np.array(place, np.intp), cost


def _tries(grid: Grid) -> int:
    groups = [int(place.max()) + 1 for _, place, _ in _groupings(grid.cells)]
    return sum(groups) * max(1, len(grid.dates) - 2 * SIDE + 1)


def _by(place: Ints, values: Floats) -> Floats:
    found = np.zeros((int(place.max()) + 1, values.shape[1]))
    np.add.at(found, place, values)
    return found


def _shifts(turns: Floats, left: Floats, level: Floats, daily: int) -> tuple[Floats, Floats, int]:
    """The shift of each group after each day but the last, in standard errors too; and the degrees of freedom of these.

    The noise of a group is what its own days say or what the groups of its kind say in common, whichever is more.
    """
    noise, degrees = noise_of(turns, left, level)
    before, after = np.cumsum(turns, axis=1)[:, :-1], np.cumsum(turns[:, ::-1], axis=1)[:, ::-1][:, 1:]
    upto = np.cumsum(left, axis=1)
    first, second = upto[:, :-1], upto[:, -1:] - upto[:, :-1]
    days = np.arange(1, turns.shape[1])
    fewest, last = np.maximum(ENOUGH, daily * days), np.maximum(ENOUGH, daily * days[::-1])
    enough = (before >= fewest) & (after >= last) & np.isfinite(noise)[:, None]
    enough[:, : SIDE - 1] = False
    enough[:, enough.shape[1] - SIDE + 1 :] = False
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = second / after - first / before
        z = shift / np.sqrt(noise[:, None] * (1 / before + 1 / after))
    return np.where(enough, shift, 0.0), np.where(enough, z, 0.0), degrees
