"""Lets go of what was kept for long enough: voices first, then words, then the numbers of each turn."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pipelines.insights.erasing.holdings import is_tables, take_out_cases
from pipelines.insights.mining.mine import INDEX
from pipelines.insights.store import opened
from pipelines.insights.tables import SCHEMAS, Insights
from pipelines.settings.insights import RetentionSettings
from pipelines.takes.daybook import LOCK, alone_in
from pipelines.takes.sealing import throw_key_away

FEWEST: Final = 10
"""Conversations that a cell of a histogram must be of to stay for ever; with fewer, it tells of somebody."""

Class = Literal["sound", "words", "numbers"]
CLASSES: Final[tuple[Class, ...]] = ("sound", "words", "numbers")

_DAY = re.compile(r"\d{4}-\d\d-\d\d(?=\.)")
_SOUND = re.compile(r"(user|reply)\.wav(\.|\Z)")


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is kept: what class it is of, the day that it is of, and where it lies."""

    kind: Class
    day: dt.date
    path: Path


def held(places: Sequence[Path]) -> Iterator[Held]:
    """What is kept below ``places``, one by one."""
    for place in places:
        for here, folders, files in os.walk(place):
            folder = Path(here)
            folders.sort()
            if is_tables(folder):
                tables = Insights(folder)
                dates = {date for name in SCHEMAS if name != "histograms" for date in tables.dates(name)}
                yield from (Held("numbers", day, folder) for date in sorted(dates) if (day := _day(date)))
            if {"manifest.json", "turns.jsonl"} <= set(files) and (day := _began(folder / "manifest.json")):
                yield Held("words", day, folder)
                yield from (Held("sound", day, folder / name) for name in sorted(files) if _SOUND.match(name))
                folders.clear()
                continue
            if INDEX in files:
                yield from (Held("sound", day, folder) for day in _days_of_cases(folder / INDEX))
            yield from (
                Held("numbers", day, folder / name)
                for name in sorted(files)
                if name.endswith(".jsonl") and (dated := _DAY.match(name)) and (day := _day(dated.group()))
            )


def oldest(places: Sequence[Path]) -> dict[Class, dt.date]:
    """The oldest day of each class that anything is kept of."""
    found: dict[Class, dt.date] = {}
    for one in held(places):
        found[one.kind] = min(found.get(one.kind, one.day), one.day)
    return found


def purge(places: Sequence[Path], keep: RetentionSettings, today: dt.date) -> Counter[Class]:
    """Lets go of what is older than ``keep`` says, and returns how many things went, by class.

    Histograms stay, of cells with at least :data:`FEWEST` conversations. Raises ``StoreError`` and ``OSError``.
    """
    days = {"sound": keep.sound, "words": keep.words, "numbers": keep.numbers}
    due = [one for one in held(places) if one.day + dt.timedelta(days=days[one.kind]) < today]
    gone: Counter[Class] = Counter()
    for one in due:
        if one.path.exists():
            gone[one.kind] += _let_go(one)
    for folder in {one.path for one in held(places) if is_tables(one.path)}:
        with opened(folder) as store:
            gone["sound"] += store.expire(str(today))
    return gone


def _let_go(one: Held) -> int:
    folder = one.path
    if is_tables(folder):
        with opened(folder) as store:
            return store.retire(str(one.day), FEWEST)
    if (folder / INDEX).is_file():
        return take_out_cases(folder, lambda row: row.get("date") == str(one.day))
    if folder.is_dir():
        throw_key_away(folder)
        shutil.rmtree(folder)
    elif (folder.parent / LOCK).exists():
        with alone_in(folder.parent):
            folder.unlink(missing_ok=True)
    else:
        folder.unlink(missing_ok=True)
    return 1


def _days_of_cases(index: Path) -> list[dt.date]:
    with index.open(encoding="utf-8", newline="") as file:
        days = {_day(row.get("date") or "") for row in csv.DictReader(file)}
    return sorted(day for day in days if day)


def _began(manifest: Path) -> dt.date | None:
    try:
        began = json.loads(manifest.read_bytes())["began"]
        return dt.datetime.fromisoformat(began).astimezone(dt.UTC).date()
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
