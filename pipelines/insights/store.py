"""Keeps the tables of a folder: a day's file is merged with what is new, and takes the old one's place at once.

A row is known by its key (:data:`pipelines.insights.tables.ORDER`), and the first of a key stands. So what was taken in
before changes nothing, not even a byte. A file without news is not written again. The days of a merge are noted in
:data:`UNFINISHED` before it begins. After a crash, each table is whole, and :meth:`Store.begin` has those days derived
again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.insights.errors import StoreError
from pipelines.insights.queries import histogram
from pipelines.insights.tables import ORDER, ROW_GROUP, SCHEMAS, Insights

UNFINISHED: Final = "unfinished"
"""The file that names the days of a merge which is under way."""

AGAIN: Final = 2_000_000
"""Microseconds after her first sample in which a user who speaks again was perhaps cut off."""

_BESIDE = ("dropped", "joined")
_CELLS = ("date", "hour", "site", "language", "llm_model", "length")


class Store:
    """Writes the tables of ``tables.folder``, which nobody else may write meanwhile. Use :func:`opened`."""

    def __init__(self, tables: Insights) -> None:
        self.tables = tables
        self.written: set[str] = set()
        """Days of which a file was written."""

    def begin(self, dates: Iterable[str]) -> None:
        """Notes the days that are about to change, and derives those anew that a crash left behind."""
        left = self._noted()
        self._note(left | set(dates))
        for date in left:
            self.derive(date)

    def finish(self) -> None:
        """All days are written."""
        (self.tables.folder / UNFINISHED).unlink(missing_ok=True)

    def merge(self, name: str, date: str, fresh: pa.Table) -> int:
        """Adds rows to a day; returns how many were not there."""
        raw = self._read(name, date)
        there = today(name, raw)
        fresh = _without_repetitions(name, fresh)
        if name != "conversations" and raw is not None and raw.schema.names == there.schema.names:
            keys = list(ORDER[name])
            if fresh.select(keys).equals(there.select(keys)):
                return 0  # the first of each key stands, so nothing can change
        merged = _without_repetitions(name, pa.concat_tables([there, fresh]))
        if name == "turns":
            merged = _suspected(merged)
        if raw is None or raw.schema.names != merged.schema.names or not merged.equals(there):
            self._write(name, date, merged)
        return len(merged) - len(there)

    def derive(self, date: str) -> None:
        """Makes the day's histograms out of its turns."""
        raw = self._read("turns", date)
        if raw is None:
            return
        counted = today("histograms", histograms(today("turns", raw)))
        there = self._read("histograms", date)
        if there is None or not counted.equals(today("histograms", there)):
            self._write("histograms", date, counted)

    def erase(self, conversations: Collection[str]) -> int:
        """Takes every row of these conversations out, and counts the histograms of their days again.

        Returns how many rows went.
        """
        gone, names = 0, pa.array(sorted(conversations), pa.string())
        for name in (name for name in SCHEMAS if "conversation" in SCHEMAS[name].names):
            for date in self.tables.dates(name):
                there = today(name, self._read(name, date))
                kept = there.filter(pc.invert(pc.is_in(there["conversation"], names)))
                if len(kept) < len(there):
                    self.begin([date])
                    gone += len(there) - len(kept)
                    self._put(name, date, _suspected(kept) if name == "turns" else kept)
                    if name == "turns":
                        self.derive(date)
                        if not len(kept):
                            self._put("histograms", date, SCHEMAS["histograms"].empty_table())
        self.finish()
        return gone

    def retire(self, date: str, fewest: int) -> int:
        """Lets a day's rows go; its histograms stay, of cells with at least ``fewest`` conversations.

        Returns how many rows went.
        """
        turns = self._read("turns", date)
        if turns is not None:
            self._put("histograms", date, histograms(_of_many(today("turns", turns), fewest)))
        gone = 0
        for name in (name for name in SCHEMAS if "conversation" in SCHEMAS[name].names):
            gone += len(today(name, self._read(name, date)))
            self._put(name, date, SCHEMAS[name].empty_table())
        return gone

    def expire(self, today_is: str) -> int:
        """Forgets recordings that were to be kept until before ``today_is``; returns how many."""
        gone = 0
        for date in self.tables.dates("recordings"):
            there = today("recordings", self._read("recordings", date))
            kept = there.filter(pc.greater_equal(there["expires"], today_is))
            if len(kept) < len(there):
                gone += len(there) - len(kept)
                self._put("recordings", date, kept)
        return gone

    def _put(self, name: str, date: str, table: pa.Table) -> None:
        """Writes a day; one without rows is no day."""
        if len(table):
            self._write(name, date, table)
            return
        day = self.tables.day(name, date)
        (day / "part-0.parquet").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            day.rmdir()

    def _read(self, name: str, date: str) -> pa.Table | None:
        try:
            return pq.ParquetFile(self.tables.day(name, date) / "part-0.parquet").read()
        except FileNotFoundError:
            return None
        except pa.ArrowInvalid as error:
            where = self.tables.day(name, date)
            raise StoreError(f"{where} is damaged ({error}); delete it, and take its ledgers in again") from error

    def _write(self, name: str, date: str, table: pa.Table) -> None:
        """At once or not at all, for its owner alone."""
        day = self.tables.day(name, date)
        day.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = day / ".part-0.new"
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                pq.write_table(table, file, compression="zstd", row_group_size=ROW_GROUP)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, day / "part-0.parquet")
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        self.written.add(date)

    def _noted(self) -> set[str]:
        try:
            return set((self.tables.folder / UNFINISHED).read_text("ascii").split())
        except FileNotFoundError:
            return set()

    def _note(self, dates: set[str]) -> None:
        fresh = self.tables.folder / f".{UNFINISHED}.new"
        fresh.write_text("\n".join(sorted(dates)), "ascii")
        os.replace(fresh, self.tables.folder / UNFINISHED)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """The store of ``folder``, which is made where it is missing. Raises :class:`StoreError` while another has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"Another program writes into {folder}; wait for it to end") from error
        yield Store(Insights(folder))


def today(name: str, table: pa.Table | None) -> pa.Table:
    """A table with the columns of today's schema; those that it lacks are empty."""
    schema = SCHEMAS[name]
    if table is None:
        return schema.empty_table()
    if table.schema.equals(schema, check_metadata=True):
        return table
    columns = [table[f.name].cast(f.type) if f.name in table.schema.names else _empty(f, len(table)) for f in schema]
    return pa.table(columns, schema=schema)


def histograms(turns: pa.Table) -> pa.Table:
    """The daily histograms of turns, in order."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("turns", turns)
        found = connection.sql(f"{histogram(_CELLS)} ORDER BY {', '.join(ORDER['histograms'])}")
        return today("histograms", found.to_arrow_table())


def _of_many(turns: pa.Table, fewest: int) -> pa.Table:
    """The turns of those cells in which there are enough conversations for nobody to be told by them."""
    cells = ", ".join(_CELLS)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("turns", turns)
        found = connection.sql(
            f"SELECT turns.* FROM turns JOIN (SELECT {cells} FROM turns GROUP BY {cells} "
            f"HAVING COUNT(DISTINCT conversation) >= {fewest}) USING ({cells})"
        ).to_arrow_table()
    return today("turns", found)


def _empty(field: pa.Field, rows: int) -> pa.Array:
    return pa.nulls(rows, field.type)


def _without_repetitions(name: str, table: pa.Table) -> pa.Table:
    """Sorted by its key; of several rows with one key, the first stands. A conversation has its highest turn."""
    keys = ORDER[name]
    table = table.take(pc.sort_indices(table, [(key, "ascending") for key in keys])).combine_chunks()
    if len(table) < 2:
        return table
    first = np.ones(len(table), bool)
    first[1:] = np.any([_differs(table[key]) for key in keys], axis=0)
    if first.all():
        return table
    found = table.filter(pa.array(first))
    if name == "conversations":
        turns = np.maximum.reduceat(table["turns"].to_numpy(), np.flatnonzero(first))
        found = _with(found, {"turns": pa.array(turns)})
    return found


def _suspected(turns: pa.Table) -> pa.Table:
    """Turns after whose first sample the user soon spoke again, though nothing was reopened."""
    if not len(turns):
        return turns
    ended = turns["ended_at"].to_numpy()
    heard, voice = (_known(turns[name]) for name in ("since_heard", "since_voice"))
    turn, cutoffs = turns["turn"].to_numpy(), _known(turns["false_cutoffs"])
    beside = pc.is_in(turns["outcome"], pa.array(_BESIDE)).to_numpy()
    gap = (ended[1:] - voice[1:]) - (ended[:-1] - heard[:-1])  # nan where either is unknown
    follows = ~_differs(turns["conversation"]) & (turn[1:] == turn[:-1] + 1) & ~beside[1:]
    found = np.zeros(len(turns), bool)
    found[:-1] = follows & (gap > 0) & (gap <= AGAIN) & (np.nan_to_num(cutoffs[:-1]) == 0)
    return _with(turns, {"suspected_cutoff": pa.array(found)})


def _known(column: pa.ChunkedArray) -> Any:
    return column.to_numpy().astype(np.float64)


def _differs(column: pa.ChunkedArray) -> Any:
    """Whether each value but the first is another than that before it."""
    return pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy()


def _with(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), values.cast(table.schema.field(place).type))
    return table
