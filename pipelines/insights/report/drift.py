"""Guardrails against their own past: how the last day that is over went, and how days usually go.

A day is held against up to :data:`PAST` days before it. It drifted if it is worse by more than chance does to days
(:mod:`pipelines.insights.report.noise`), and by the least effect that counts. All guardrails together cry wolf on one
day of a hundred.

How often something happened is compared by square roots. Their variance hardly depends on how rare it is: a quarter of
a turn's, at the least, however calm the past was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Final, Literal

import numpy as np

from pipelines.insights.queries import USUAL, Percentiles
from pipelines.insights.report.asking import Tally
from pipelines.insights.report.changes import LEAST as LEAST_WAIT
from pipelines.insights.report.changes import Measure
from pipelines.insights.report.noise import FEWEST_DAYS, noise_of
from pipelines.replay.statistics import student

PAST: Final = 26
"""Days before the judged one that it is held against, at the most."""

ALARM: Final = 0.01
"""The chance that any guardrail seems to have drifted on a day like all others."""

WAITS: Final[Mapping[str, Measure]] = {"wait p50": "p50", "wait p95": "p95"}

LEAST: Final[Mapping[str, float]] = {
    "false cut-offs": 0.01,
    "suspected cut-offs": 0.01,
    "reprompts": 0.01,
    "interruptions in her first second": 0.01,
    "false interruptions": 0.01,
    "failed turns": 0.005,
    "dropped turns": 0.02,
    "underruns": 0.01,
}
"""The least rise that counts, as a share of turns. More is worse of each."""

GUARDRAILS: Final = (*WAITS, *LEAST)

_COUNTED: Final = 0.25
"""The variance of the square root of a share, times the turns, if chance alone made it."""

Unit = Literal["seconds", "ratio"]


@dataclass(frozen=True, slots=True)
class Day:
    """The turns of a day (``YYYY-MM-DD``): their waits, if she was heard at all, and what was counted."""

    date: str
    waits: Percentiles | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Drift:
    """A guardrail on the judged day, what is usual, and the ``limit`` beyond which it has drifted."""

    guardrail: str
    unit: Unit
    now: float
    usual: float
    limit: float

    @property
    def drifted(self) -> bool:
        """Whether it is worse than chance and the least effect allow."""
        return self.now > self.limit


@dataclass(frozen=True, slots=True)
class Drifts:
    """Every guardrail of the day ``date``, held against ``past`` days; none if these are too few."""

    date: str
    past: int
    guardrails: tuple[Drift, ...]


def drifts(days: Sequence[Day], today: str) -> Drifts | None:
    """Judges the last of ``days`` before ``today``, which is not over yet; None if there is no such day."""
    over = sorted((day for day in days if day.date < today), key=lambda day: day.date)[-PAST - 1 :]
    if not over:
        return None
    found = tuple(_judged(over)) if len(over) > FEWEST_DAYS else ()
    return Drifts(over[-1].date, len(over) - 1, found)


def _judged(days: Sequence[Day]) -> Iterator[Drift]:
    for name, measure in WAITS.items():
        heard = [(one.n, one.values[USUAL.index(0.5 if measure == "p50" else 0.95)] / 1e6) for one in _waits(days)]
        if days[-1].waits is None or len(heard) <= FEWEST_DAYS:
            continue
        values = [value for _, value in heard]
        usual = median(values[:-1])
        reach = _reach([many for many, _ in heard], values, 0.0)
        limit = usual + max(LEAST_WAIT[measure].of(usual), reach)
        yield Drift(name, "seconds", values[-1], usual, limit)
    turns = [day.tally.turns for day in days]
    for name, least in LEAST.items():
        counts = [day.tally.counts[name] for day in days]
        usual = sum(counts[:-1]) / sum(turns[:-1])
        reach = _reach(turns, [sqrt(count / n) for count, n in zip(counts, turns, strict=True)], _COUNTED)
        yield Drift(name, "ratio", counts[-1] / turns[-1], usual, max(usual + least, (sqrt(usual) + reach) ** 2))


def _waits(days: Sequence[Day]) -> Iterator[Percentiles]:
    return (day.waits for day in days if day.waits is not None)


def _reach(turns: Sequence[int], values: Sequence[float], floor: float) -> float:
    """How far the last value may lie above those before it by chance; a turn's variance is ``floor`` at the least."""
    past, before = np.array([turns[:-1]], float), np.array([values[:-1]])
    left = past * (before - (past * before).sum() / past.sum())
    noise, degrees = noise_of(past, left, np.ones(1))
    now = min(turns[-1], past.mean())  # what makes days differ as a whole does not shrink on a busy one
    return student(1 - ALARM / len(GUARDRAILS), degrees) * sqrt(max(noise[0], floor) * (1 / now + 1 / past.sum()))
