"""Where a question is answered: one SQL text, several engines, the same rows from each.

The text keeps to what all engines do alike: integers, CASE, GROUP BY, UNION ALL, COUNT, SUM, MIN, MAX. Its tables are
those of :data:`pipelines.insights.tables.SCHEMAS`, by name. The rows come back in one order, whatever made them.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.insights.tables import SCHEMAS, Insights

_NAMES = re.compile(r"\b(" + "|".join(SCHEMAS) + r")\b")


class EngineError(Exception):
    """An engine cannot answer; the message is one line that says what to change."""

    kind = "settings"

    def __init__(self, line: str) -> None:
        self.lines = (line,)
        super().__init__(line)


@dataclass(frozen=True, slots=True)
class Rows:
    """What was found, sorted. ``note`` is one line about the engine that answered, if there is something to say."""

    names: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    note: str = ""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def text(self) -> str:
        """The rows as JSON lines: the same bytes from every engine."""
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (self.names, *self.rows))


def run(sql: str, tables: Insights, engine: str = "duckdb") -> Rows:
    """Answers ``sql`` over ``tables``. Raises :class:`EngineError` where the engine cannot.

    ``engine`` is ``duckdb``, the default.
    """
    if engine != "duckdb":
        raise EngineError(f"There is no engine {engine!r}; name duckdb")
    names, rows = _duckdb(sql, tables)
    return Rows(tuple(names), sorted(rows, key=_order))


def asked(sql: str) -> list[str]:
    """The tables that a text speaks of."""
    return sorted(set(_NAMES.findall(sql)))


def _duckdb(sql: str, tables: Insights) -> tuple[list[str], list[tuple[Any, ...]]]:
    import duckdb  # noqa: PLC0415 - the other engines do without

    with tempfile.TemporaryDirectory(prefix="insights-") as spare, duckdb.connect() as connection:
        connection.execute("SET temp_directory = ''")
        for name in asked(sql):
            # A file without rows gives the columns of today to days that were written before there were those.
            pattern = Path(spare) / f"{name}.parquet"
            pq.write_table(SCHEMAS[name].empty_table(), pattern)
            files = [str(pattern), *map(str, tables.files(name))]
            relation = connection.read_parquet(files, union_by_name=True, hive_partitioning=False)
            relation.create_view(name)
        found = connection.execute(sql)
        return [column[0] for column in found.description or ()], found.fetchall()


def _order(row: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    """Nothing comes before everything else."""
    return tuple((value is not None, value) for value in row)
