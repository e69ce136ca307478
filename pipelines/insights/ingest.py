"""Takes ledgers and takes into the tables. Whatever was taken in before changes nothing.

Lines are read one by one, and held as columns until :data:`MOST_HELD` turns are together. Then they are merged into
their days, and the memory is free again. A conversation that goes on over midnight stands in two days.
"""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.insights.batch import Batch
from pipelines.insights.erasing.erased import digest, erased
from pipelines.insights.lines import Line, read
from pipelines.insights.sources import Source, recording
from pipelines.insights.store import Store, opened

AT_ONCE: Final = 8192
"""Lines that are made columns together."""

MOST_HELD: Final = 262_144
"""Turns that wait in memory for their days to be written."""

UNPLACED: Final = "without an id, a date or possible times"
ERASED: Final = "of conversations that were erased"

Progress = Callable[[str, int], None]
"""Is told what is done, and how many bytes further that is."""


@dataclass(slots=True)
class Taken:
    """What came of it. ``unreadable`` are files, and why; ``refused`` counts lines by what is wrong with them."""

    files: int = 0
    turns: int = 0
    new: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    without_consent: int = 0
    days: list[str] = field(default_factory=list)


def ingest(sources: Sequence[Source], folder: Path, *, keep_sound: int, progress: Progress = lambda *_: None) -> Taken:
    """Takes ``sources`` into the tables of ``folder``; recordings expire ``keep_sound`` days after they began.

    Raises ``StoreError`` if another program writes there, and ``OSError`` if the disk refuses. A source that cannot be
    read is noted.
    """
    with opened(folder) as store, _without_collector():
        return _Ingest(store, keep_sound, progress).run(sources)


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Lines hold no circles. Looking for some, in millions of objects that come and go, costs a fifth of the time."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


class _Ingest:
    def __init__(self, store: Store, keep_sound: int, progress: Progress) -> None:
        self._store, self._keep_sound, self._progress = store, keep_sound, progress
        self._taken = Taken()
        self._erased = erased(store.tables.folder)
        self._batch = Batch()
        self._held: dict[str, list[pa.Table]] = {}
        self._waiting = 0

    def run(self, sources: Sequence[Source]) -> Taken:
        for source in sources:
            try:
                self._take(source)
            except OSError as error:
                if error.filename is None or not str(error.filename).startswith(str(source.take or source.file)):
                    raise  # not the source's fault, but the disk's
                self._taken.unreadable.append(f"{error.filename}: {error.strerror}")
        self._convert()
        self._merge()
        self._taken.days = sorted(self._store.written)
        return self._taken

    def _take(self, source: Source) -> None:
        last: Line | None = None
        for line in read(source.file, self._taken.refused, lambda size: self._progress("reading", size)):
            if self._erased and digest(line.conversation.id) in self._erased:
                self._taken.refused[ERASED] += 1
            elif self._batch.add(line):
                last = line
            if len(self._batch) >= AT_ONCE:
                self._convert()
                if self._waiting >= MOST_HELD:
                    self._merge()
        self._taken.files += 1
        if source.take and last:
            found = recording(source.take, last.conversation, self._keep_sound, self._hashed)
            self._taken.without_consent += last.conversation.consent != "sound"
            if len(found):
                self._held.setdefault("recordings", []).append(found)

    def _hashed(self, size: int) -> None:
        self._progress("reading sound", 0)

    def _convert(self) -> None:
        for name, table in self._batch.tables().items():
            self._held.setdefault(name, []).append(table)
            self._waiting += len(table) if name == "turns" else 0
        self._taken.refused.update({UNPLACED: self._batch.refused} if self._batch.refused else {})
        self._batch = Batch()

    def _merge(self) -> None:
        """Brings what is held into its days."""
        tables = {name: pa.concat_tables(parts) for name, parts in self._held.items()}
        dates = {date for table in tables.values() for date in pc.unique(table["date"]).to_pylist()}
        self._store.begin(dates)
        for date in sorted(dates):
            self._progress(f"writing {date}", 0)
            for name, table in tables.items():
                fresh = table.filter(pc.equal(table["date"], date))
                if len(fresh):
                    self._taken.new[name] += self._store.merge(name, date, fresh)
            self._store.derive(date)
        self._store.finish()
        self._taken.turns += self._waiting
        self._held, self._waiting = {}, 0
