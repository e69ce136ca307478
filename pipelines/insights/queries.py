"""Percentiles of durations by integer histograms, as plain SQL that every engine reads alike.

A bin is an integer: a duration below 256 µs is its own bin, and a longer one keeps its upper :data:`BITS` + 1 binary
digits. So a bin is at most 1/128 as wide as its lower edge, and its middle is off by less than 0.4 %. All that needs is
``<``, ``-`` and ``%``. What lasts 134 s or more is one bin. Counts of bins add up over hours, days, sites and machines,
and what is taken out of the turns can be taken out of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.insights.tables import STAGES

BITS: Final = 7
"""A bin is at most 2**-BITS of its lower edge wide."""

TOP: Final = 1 << 27
"""Microseconds, 134 s: this long and longer is one bin."""

FIRST: Final = 1 << (BITS + 1)
"""Microseconds below which every value is a bin of its own."""

USUAL: Final = (0.5, 0.9, 0.95, 0.99)


def binned(column: str) -> str:
    """The bin of a column of microseconds, as an SQL expression."""
    steps = range(BITS + 2, TOP.bit_length())
    cases = " ".join(f"WHEN {column} < {1 << k} THEN {column} - {column} % {1 << (k - 1 - BITS)}" for k in steps)
    return f"CASE WHEN {column} < {FIRST} THEN {column} {cases} ELSE {TOP} END"


def histogram(keys: Sequence[str], stages: Iterable[str] = STAGES, *, where: str = "") -> str:
    """How many turns lie in each bin of each stage, by ``keys``, which are columns of the turns.

    ``where`` is a condition on turns. The columns are the keys, ``stage``, ``bin`` and ``n``.
    """
    names = "".join(f"{key}, " for key in keys)
    extra = f" AND ({where})" if where else ""
    return " UNION ALL ".join(
        f"SELECT {names}'{stage}' AS stage, {binned(stage)} AS bin, COUNT(*) AS n FROM turns "
        f"WHERE {stage} IS NOT NULL{extra} GROUP BY {names}{binned(stage)}"
        for stage in stages
    )


def each(keys: Sequence[str], *, where: str = "") -> str:
    """The same before anything is counted: a row for each turn and stage, whose ``n`` is 1."""
    names = "".join(f"{key}, " for key in keys)
    extra = f" AND ({where})" if where else ""
    return " UNION ALL ".join(
        f"SELECT {names}'{stage}' AS stage, {binned(stage)} AS bin, CAST(1 AS BIGINT) AS n FROM turns "
        f"WHERE {stage} IS NOT NULL{extra}"
        for stage in STAGES
    )


def stored(keys: Sequence[str], *, where: str = "") -> str:
    """The same out of the daily histograms, for keys that they have."""
    names = "".join(f"{key}, " for key in keys)
    extra = f" WHERE {where}" if where else ""
    return f"SELECT {names}stage, bin, SUM(n) AS n FROM histograms{extra} GROUP BY {names}stage, bin"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """How many durations there were, and the asked percentiles of them in microseconds."""

    n: int
    values: tuple[int, ...]


def percentiles(rows: Iterable[Sequence[Any]], which: Sequence[float] = USUAL) -> dict[tuple[Any, ...], Percentiles]:
    """The percentiles of each group out of rows ``(key…, bin, n)``; the stage is the last of the keys.

    Each is the middle of the bin that holds the value of that rank.
    """
    groups: dict[tuple[Any, ...], dict[int, int]] = {}
    for *key, found, n in rows:
        bins = groups.setdefault(tuple(key), {})
        bins[found] = bins.get(found, 0) + n
    return {key: _of(bins, which) for key, bins in sorted(groups.items(), key=lambda group: repr(group[0]))}


def middle(found: int) -> int:
    """The middle of a bin, in microseconds; of the last one, its lower edge."""
    if not FIRST <= found < TOP:
        return found
    return found + (1 << (found.bit_length() - 1 - BITS)) // 2


def _of(bins: dict[int, int], which: Sequence[float]) -> Percentiles:
    total = sum(bins.values())
    ranks = [max(1, -(-round(share * 10_000) * total // 10_000)) for share in which]
    values, seen, waiting = [], 0, sorted(range(len(ranks)), key=ranks.__getitem__)
    for found in sorted(bins):
        seen += bins[found]
        while waiting and ranks[waiting[0]] <= seen:
            values.append((waiting.pop(0), middle(found)))
    return Percentiles(total, tuple(value for _, value in sorted(values)))
