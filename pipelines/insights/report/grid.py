"""Turns by cell and day: how many, and what they took, so that days can be held against each other.

A cell is an hour, a site, a language, a model and a class of lengths. Nothing is kept of a turn but what adds up over
cells: its time within bounds, and how far it lies out in the tail. Both come from histograms by one query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.insights.queries import percentiles

CELL: Final = ("hour", "site", "language", "llm_model", "length")
"""The keys of a cell, which the daily histograms have."""

BOUNDS: Final = (0.05, 0.95)
"""Percentiles at which a time is cut, so that no outlier rules a day."""

TAIL: Final = (0.9, 0.99)
"""The tail begins at the first of these percentiles; beyond the second all is alike."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a stage, in microseconds: where a time is cut, and where the tail begins and ends."""

    low: int
    high: int
    tail: int
    end: int


def bounds(rows: Iterable[Sequence[Any]]) -> dict[str, Bounds]:
    """The bounds of each stage, out of rows ``(stage, bin, n)``."""
    found = percentiles(rows, (*BOUNDS, *TAIL))
    return {stage: Bounds(*one.values) for (stage,), one in found.items()}


def scores(source: str, limits: Mapping[str, Bounds]) -> str:
    """The query: turns, their times and their tails in microseconds, summed up by day, cell and stage.

    ``source`` is a table with the columns of the daily histograms, or a query in brackets with a name.
    """
    keys = ", ".join(("date", *CELL, "stage"))
    middles = " ".join(f"WHEN stage = '{stage}' THEN {_cut('bin', one.low, one.high)}" for stage, one in limits.items())
    tails = " ".join(
        f"WHEN stage = '{stage}' THEN {_cut('bin', one.tail, one.end)} - {one.tail}" for stage, one in limits.items()
    )
    return (
        f"SELECT {keys}, SUM(n) AS turns, SUM(n * CASE {middles} ELSE 0 END) AS middle, "
        f"SUM(n * CASE {tails} ELSE 0 END) AS tail FROM {source} GROUP BY {keys}"
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """One stage: how many turns each cell had on each day, and the sum of their scores in milliseconds.

    ``cells`` has a row of values for each cell, in the order of :data:`CELL`; ``turns``, ``middle`` and ``tail`` have
    the shape ``(cells, days)``.
    """

    dates: tuple[str, ...]
    cells: tuple[tuple[Any, ...], ...]
    turns: Floats
    middle: Floats
    tail: Floats


def grids(rows: Iterable[Sequence[Any]]) -> dict[str, Grid]:
    """Each stage's grid, out of the rows of :func:`scores`; all have the same days and cells."""
    kept = list(rows)
    dates = tuple(sorted({row[0] for row in kept}))
    cells = tuple(sorted({tuple(row[1:6]) for row in kept}))
    day_of = {date: place for place, date in enumerate(dates)}
    cell_of = {cell: place for place, cell in enumerate(cells)}
    sums: dict[str, Floats] = {}
    for row in kept:
        stage = row[6]
        if stage not in sums:
            sums[stage] = np.zeros((3, len(cells), len(dates)))
        turns, middle, tail = row[7:10]
        sums[stage][:, cell_of[tuple(row[1:6])], day_of[row[0]]] = turns, middle / 1000, tail / 1000
    return {stage: Grid(dates, cells, *found) for stage, found in sums.items()}


def _cut(column: str, low: int, high: int) -> str:
    return f"CASE WHEN {column} < {low} THEN {low} WHEN {column} > {high} THEN {high} ELSE {column} END"
