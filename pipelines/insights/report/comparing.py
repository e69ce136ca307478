"""Whether one group of conversations went better than another: by conversations, never by turns.

The turns of one conversation resemble each other. Taken for independent, they cry wolf: of comparisons without a
difference some 30 of 100 were called one, where 5 may be. So each conversation counts once, by its typical wait
(:mod:`pipelines.insights.waits`) and by its share of turns in which something went wrong.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from pipelines.insights.engines import run
from pipelines.insights.report.asking import COUNTED
from pipelines.insights.tables import Insights
from pipelines.insights.waits import typical

Verdict = Literal["worse", "better", "no difference", "not settled", "too few"]
Floats = npt.NDArray[np.float64]

FEWEST: Final = 10
"""Conversations of each group, with fewer of which nothing is said: by chance, and for people's sake."""

SURE: Final = 1.959964
"""Standard deviations on both sides of a 95 % interval."""

MOST: Final = 2000
"""Conversations of a group whose differences are all formed; of more, evenly spread ones stand for all."""

WAIT: Final = "wait, ms"

LEAST: Final[Mapping[str, float]] = {
    WAIT: 10.0,
    "false cut-offs": 1.0,
    "reprompts": 1.0,
    "interruptions in her first second": 1.0,
    "failed turns": 0.5,
}
"""What is compared, and the least effect that counts: milliseconds, or turns of a hundred. More is worse of each."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure in both groups: the middle of each, the ``change`` with its 95 % interval, and what that means."""

    measure: str
    before: float
    after: float
    change: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """The measures, how many conversations each group has, and how many were in both and are left out."""

    measures: Sequence[Compared]
    before: int
    after: int
    in_both: int

    @property
    def worse(self) -> bool:
        """Whether anything is worse."""
        return any(one.verdict == "worse" for one in self.measures)


def asked(where: str) -> str:
    """The query: of each turn that meets a condition its conversation, its wait, and whether each thing happened."""
    flags = ", ".join(
        f"CASE WHEN {COUNTED[measure]} THEN 1 ELSE 0 END AS c{place}"
        for place, measure in enumerate(measure for measure in LEAST if measure != WAIT)
    )
    return f"SELECT conversation, voice_to_voice, {flags} FROM turns WHERE {where}"


def compare(tables: Insights, before: str, after: str, engine: str = "duckdb") -> Comparison:
    """Compares the conversations of turns that meet two SQL conditions. Raises ``EngineError``."""
    groups = [_conversations(tables, where, engine) for where in (before, after)]
    both = groups[0].keys() & groups[1].keys()
    first, second = ([values for name, values in group.items() if name not in both] for group in groups)
    measures = []
    for place, (measure, least) in enumerate(LEAST.items()):
        one, other = (
            np.array([row[place] for row in group if row[place] is not None], float) for group in (first, second)
        )
        judge = shifted if measure == WAIT else apart
        measures.append(judge(measure, one, other, least))
    return Comparison(measures, len(first), len(second), len(both))


def shifted(measure: str, before: Floats, after: Floats, least: float) -> Compared:
    """By how much ``after`` lies above ``before``: Hodges and Lehmann's shift, with the interval that belongs to it.

    The interval is Mann and Whitney's test turned round (Hollander, Wolfe and Chicken, Nonparametric Statistical
    Methods, 4.3), so waits may be as skewed as they are.
    """
    n, m = len(before), len(after)
    if min(n, m) < FEWEST:
        return _few(measure)
    differences = np.sort(np.subtract.outer(_spread(after), _spread(before)), axis=None)
    reach = SURE * math.sqrt((n + m + 1) / (12 * n * m))
    change, low, high = np.quantile(differences, (0.5, max(0.0, 0.5 - reach), min(1.0, 0.5 + reach)))
    verdict = _verdict(float(change), float(low), float(high), least)
    middles = float(np.median(before)), float(np.median(after))
    return Compared(measure, *middles, float(change), float(low), float(high), verdict)


def apart(measure: str, before: Floats, after: Floats, least: float) -> Compared:
    """By how much the mean of ``after`` lies above that of ``before`` (Welch's interval, with normal quantiles)."""
    if min(len(before), len(after)) < FEWEST:
        return _few(measure)
    change = float(after.mean() - before.mean())
    reach = SURE * math.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
    low, high = change - reach, change + reach
    return Compared(
        measure, float(before.mean()), float(after.mean()), change, low, high, _verdict(change, low, high, least)
    )


def _verdict(change: float, low: float, high: float, least: float) -> Verdict:
    if low > 0.0 and change >= least:
        return "worse"
    if high < 0.0 and change <= -least:
        return "better"
    return "no difference" if -least < low and high < least else "not settled"


def _few(measure: str) -> Compared:
    return Compared(measure, math.nan, math.nan, math.nan, math.nan, math.nan, "too few")


def _spread(values: Floats) -> Floats:
    """At most :data:`MOST` of the values, evenly over their ranks."""
    ordered = np.sort(values)
    return ordered if len(ordered) <= MOST else ordered[np.linspace(0, len(ordered) - 1, MOST).round().astype(int)]


def _conversations(tables: Insights, where: str, engine: str) -> dict[str, list[float | None]]:
    """By conversation its typical wait, in milliseconds, and its turns of a hundred in which each thing happened."""
    turns: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for name, *values in run(asked(where), tables, engine):
        turns[name].append(values)
    return {name: [_wait(rows), *_shares(rows)] for name, rows in turns.items()}


def _wait(rows: Iterable[Sequence[Any]]) -> float | None:
    found = typical(row[0] for row in rows)
    return None if found is None else found / 1000


def _shares(rows: Sequence[Sequence[Any]]) -> list[float]:
    return [100 * sum(column) / len(rows) for column in zip(*(row[1:] for row in rows), strict=True)]
