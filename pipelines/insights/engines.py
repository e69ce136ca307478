"""Where a question is answered: one SQL text, several engines, the same rows from each.

The text keeps to what all engines do alike: integers, CASE, GROUP BY, UNION ALL, COUNT, SUM, MIN, MAX. Its tables are
those of :data:`pipelines.insights.tables.SCHEMAS`, by name. A column of int32 is added up as
``SUM(CAST(x AS BIGINT))``, for Polars would do it in 32 bits; and nothing is divided. The rows come back in one order,
whatever made them.

An engine that had to make do, such as one without a GPU, says so in one line. It never does so silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.command.endings import say
from pipelines.insights import polars_engine, spark_engine
from pipelines.insights.errors import EngineError
from pipelines.insights.tables import SCHEMAS, Insights, asked

ENGINES: Final = "duckdb, polars, polars-gpu, local[N] or spark://HOST:PORT"

Tell = Callable[[str], None]

_SPARK = re.compile(r"local(\[(\d+|\*)\])?|spark://[^\s/]+")
_TYPES: Final = {pa.string(): "VARCHAR", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN"}
_told: set[str] = set()


@dataclass(frozen=True, slots=True)
class Rows:
    """What was found, sorted."""

    names: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def text(self) -> str:
        """The rows as JSON lines: the same bytes from every engine."""
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (self.names, *self.rows))


def check(engine: str) -> str:
    """``engine``, if it is one; the ``type`` of an argument. Raises :class:`EngineError`."""
    if engine not in ("duckdb", "polars", "polars-gpu") and not _SPARK.fullmatch(engine):
        raise EngineError(f"There is no engine {engine!r}; name {ENGINES}")
    return engine


def run(sql: str, tables: Insights, engine: str = "duckdb", tell: Tell = say) -> Rows:
    """Answers ``sql`` over ``tables``. Raises :class:`EngineError` where the engine cannot.

    ``engine`` is one of :data:`ENGINES`; DuckDB is the default. ``polars-gpu`` asks a GPU through cudf-polars. Where
    there is none, the CPU answers. ``tell`` is told so, in one line, once in a process.
    """
    check(engine)
    if engine == "duckdb":
        names, rows = _duckdb(sql, tables)
    elif engine.startswith("polars"):
        names, rows = polars_engine.answer(sql, tables, _once(tell), gpu=engine == "polars-gpu")
    else:
        names, rows = spark_engine.answer(sql, tables, _once(tell), engine)
    return Rows(tuple(names), _sorted(rows))


def _duckdb(sql: str, tables: Insights) -> tuple[list[str], list[tuple[Any, ...]]]:
    import duckdb  # noqa: PLC0415 - the other engines do without

    with duckdb.connect() as connection:
        connection.execute("SET temp_directory = ''; SET enable_progress_bar = false")
        for name in asked(sql):
            connection.execute(f"CREATE VIEW {name} AS {_view(name, tables.files(name))}")
        found = connection.execute(sql)
        return [column[0] for column in found.description or ()], found.fetchall()


def _view(name: str, files: Sequence[Path]) -> str:
    """A table's rows with the columns of today. Of each kind of older file, those that it lacks are empty.

    DuckDB's own ``union_by_name`` does the same, and takes a gigabyte for some hundred files.
    """
    kinds: dict[tuple[str, ...], list[str]] = {(): []}
    for file in files:
        kinds.setdefault(tuple(pq.read_schema(file).names), []).append(str(file).replace("'", "''"))
    parts = []
    for there, named in kinds.items():
        columns = ", ".join(
            field.name if field.name in there else f"CAST(NULL AS {_TYPES[field.type]}) AS {field.name}"
            for field in SCHEMAS[name]
        )
        listed = ", ".join(f"'{file}'" for file in named)
        source = f"FROM read_parquet([{listed}], hive_partitioning = false)" if named else "WHERE false"
        parts.append(f"SELECT {columns} {source}")
    return " UNION ALL ".join(parts if len(parts) == 1 else parts[1:])


def _once(tell: Tell) -> Tell:
    def told(line: str) -> None:
        if line not in _told:
            _told.add(line)
            tell(line)

    return told


def _sorted(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    try:
        return sorted(rows)
    except TypeError:  # nothing stands beside something
        return sorted(rows, key=_order)


def _order(row: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    """Nothing comes before everything else."""
    return tuple((value is not None, value) for value in row)
