"""What the report asks of the tables, in SQL: over the daily histograms where they have what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.insights.engines import Rows, run
from pipelines.insights.queries import Percentiles, each, histogram, percentiles, stored
from pipelines.insights.report.grid import CELL, Grid, bounds, grids, scores
from pipelines.insights.tables import Insights

_HELD: Final = frozenset({"date", *CELL})

COUNTED: Final[Mapping[str, str]] = {
    "false cut-offs": "false_cutoffs > 0",
    "suspected cut-offs": "suspected_cutoff",
    "reprompts": "outcome = 'reprompted'",
    "interruptions": "outcome = 'interrupted'",
    "interruptions in her first second": "outcome = 'interrupted' AND since_heard < 1000000",
    "false interruptions": "false_interruptions > 0",
    "failed turns": "outcome IN ('failed', 'broken')",
    "dropped turns": "outcome = 'dropped'",
    "underruns": "underruns > 0",
}
"""What is counted, and the condition on a turn. All but interruptions are worse the more there are."""

OUTCOMES: Final = "SELECT outcome, COUNT(*) AS n FROM turns WHERE {when} GROUP BY outcome"
NEWEST: Final = "SELECT MAX(ended_at) AS newest FROM turns WHERE {when}"
FIRST_DAYS: Final = "SELECT {key}, MIN(date) AS first FROM turns WHERE {when} GROUP BY {key}"

Groups = Mapping[tuple[Any, ...], Mapping[str, Percentiles]]


@dataclass(frozen=True, slots=True)
class Tally:
    """Of a group of turns: how many there are, of how many conversations, and how many of them were what."""

    turns: int
    conversations: int
    counts: Mapping[str, int]

    def per_100(self, what: str) -> float:
        """How many of a hundred turns were so."""
        return 100 * self.counts[what] / self.turns if self.turns else 0.0


class Asking:
    """Puts questions to the tables, by one engine, over the days from ``first`` on.

    ``told`` is called before each question, with what it is about.
    """

    def __init__(self, tables: Insights, engine: str, first: str, told: Callable[[str], None]) -> None:
        self._tables, self._engine, self._first, self._told = tables, engine, first, told
        self._ready = bool(tables.dates("turns")) and set(tables.dates("turns")) <= set(tables.dates("histograms"))

    def times(self, keys: Sequence[str], where: str = "") -> Groups:
        """The percentiles of each stage by ``keys``."""
        self._told(f"times by {', '.join(keys)}" if keys else "times")
        rows = self._bins(keys, where)
        found: dict[tuple[Any, ...], dict[str, Percentiles]] = {}
        for (*key, stage), one in percentiles(rows).items():
            found.setdefault(tuple(key), {})[stage] = one
        return found

    def tallies(self, keys: Sequence[str], where: str = "") -> Mapping[tuple[Any, ...], Tally]:
        """What was counted, by ``keys``."""
        self._told(f"counts by {', '.join(keys)}" if keys else "counts")
        at = len(keys)
        found = {}
        for row in self._run(tallied(keys, self._when(where))):
            turns, conversations, *counts = map(_int, row[at:])
            found[tuple(row[:at])] = Tally(turns, conversations, dict(zip(COUNTED, counts, strict=True)))
        return found

    def outcomes(self) -> dict[str, int]:
        """How many turns ended how, the most frequent first."""
        rows = self._run(OUTCOMES.format(when=self._when("")))
        return {str(outcome): int(n) for outcome, n in sorted(rows, key=lambda row: -row[1])}

    def newest(self) -> int:
        """When the last turn ended, in microseconds since 1970; 0 without any."""
        return _int(next(iter(self._run(NEWEST.format(when=self._when("")))))[0])

    def first_days(self, keys: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """Which values of ``keys`` were there first on which day, but for the first day of all."""
        found: dict[str, list[tuple[str, str]]] = {}
        for key in keys:
            for value, date in self._run(FIRST_DAYS.format(key=key, when=self._when(""))):
                if date > self._first:
                    found.setdefault(date, []).append((key, str(value)))
        return found

    def grids(self) -> dict[str, Grid]:
        """Days and cells of each stage, for finding what changed."""
        self._told("days and cells")
        limits = bounds(self._bins((), ""))
        if not limits:
            return {}
        when = self._when("")
        source = f"(SELECT * FROM histograms WHERE {when})" if self._ready else f"({each(('date', *CELL), where=when)})"
        return grids(self._run(scores(f"{source} AS bins", limits)))

    def _bins(self, keys: Sequence[str], where: str) -> Rows:
        """The histogram of each stage by ``keys``; out of the daily ones if they have all that is asked for."""
        ask = stored if self._ready and _HELD.issuperset(keys) else histogram
        return self._run(ask(keys, where=self._when(where)))

    def _when(self, where: str) -> str:
        return f"date >= '{self._first}'" + (f" AND {where}" if where else "")

    def _run(self, sql: str) -> Rows:
        return run(sql, self._tables, self._engine)


def tallied(keys: Sequence[str], when: str) -> str:
    """The query: turns, conversations and what is counted, by ``keys``, of turns that meet a condition.

    It counts by conversation first. ``COUNT(DISTINCT conversation)`` would say the same, but no GPU takes that.
    """
    names = "".join(f"{key}, " for key in keys)
    flags = ", ".join(
        f"SUM(CAST(CASE WHEN {condition} THEN 1 ELSE 0 END AS BIGINT)) AS c{place}"
        for place, condition in enumerate(COUNTED.values())
    )
    sums = ", ".join(f"SUM(CAST(c{place} AS BIGINT)) AS c{place}" for place in range(len(COUNTED)))
    talks = f"SELECT {names}conversation, COUNT(*) AS n, {flags} FROM turns WHERE {when} GROUP BY {names}conversation"
    return f"SELECT {names}SUM(n) AS turns, COUNT(*) AS conversations, {sums} FROM ({talks}) AS talks" + (
        f" GROUP BY {', '.join(keys)}" if keys else ""
    )


def condition(where: Mapping[str, Any]) -> str:
    """The condition on a turn that it has these values of these keys."""
    return " AND ".join(f"{key} = {literal(value)}" for key, value in where.items())


def literal(value: Any) -> str:
    """A value in SQL: a number, or a text in quotes."""
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _int(value: Any) -> int:
    return int(value or 0)
