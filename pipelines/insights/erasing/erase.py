"""Erases conversations, or a person's: from tables, ledgers, takes, soundbites, keys, training sets and runs."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.insights.erasing.erased import RECEIPTS, digest, erased, remember
from pipelines.insights.erasing.holdings import Gone, is_tables, still_there, take_out
from pipelines.insights.store import opened
from pipelines.settings.outputs import write_bytes


def erase(tables: Path, places: Sequence[Path], ids: frozenset[str], *, person: str = "") -> Gone:
    """Erases the conversations ``ids`` from ``tables`` and from everything below ``places``; returns what went.

    What still holds an id afterwards, or the pseudonym ``person``, is in :attr:`Gone.left`. The ids are first noted
    among the erased, so an interrupted run is finished by :func:`again`. Raises ``StoreError`` and ``OSError``.
    """
    remember(tables, ids)
    gone = Gone()
    words = frozenset({*ids, *([person] if person else [])})
    everywhere = _places(tables, places)
    for place in everywhere:
        for folder in (place, *(path for path in place.rglob("*") if path.is_dir())):
            if is_tables(folder):
                with opened(folder) as store:
                    gone.by_kind["rows"] += store.erase(ids)
        take_out(place, ids, gone)
    gone.left = sorted({path for place in everywhere for path in still_there(place, words)})
    return gone


def again(tables: Path, places: Sequence[Path]) -> frozenset[str]:
    """The conversations below ``places`` that were erased before, and have come back, as from a backup."""
    gone = erased(tables)
    return frozenset(name for name, _ in _named(_places(tables, places)) if digest(name) in gone)


def conversations_of(tables: Path, places: Sequence[Path], person: str) -> frozenset[str]:
    """The conversations of a person, by the pseudonym, in tables, ledgers and takes."""
    return frozenset(name for name, whose in _named(_places(tables, places)) if person and whose == person)


def write_receipt(tables: Path, ids: frozenset[str], gone: Gone, *, now: dt.datetime | None = None) -> Path:
    """Writes what was erased, and when, without saying whose: a file for who asked, and for who must prove it."""
    at = now or dt.datetime.now(dt.UTC)
    receipt = {
        "erased_at": at.isoformat(timespec="seconds"),
        "conversations": sorted(digest(name) for name in ids),
        "taken_out": dict(sorted(gone.by_kind.items())),
        "models_that_learned_from_it": [str(path) for path in gone.models],
        "still_there": len(gone.left),
    }
    folder = tables / RECEIPTS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{at:%Y-%m-%d}-{secrets.token_hex(4)}.json"
    write_bytes(path, (json.dumps(receipt, indent=2) + "\n").encode(), private=True)
    return path


def _places(tables: Path, places: Sequence[Path]) -> list[Path]:
    """Each place once, and none that lies within another."""
    whole = sorted({path.resolve() for path in (tables, *places) if path.exists()})
    return [path for path in whole if not any(other in path.parents for other in whole)]


def _named(places: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Conversations and whose they are, wherever they are named."""
    for place in places:
        for path in sorted(place.rglob("*")):
            if path.suffix == ".jsonl" and path.is_file():
                yield from _in_lines(path)
            elif path.suffix == ".parquet" and path.parent.parent.name == "conversations":
                rows = pq.read_table(path, columns=["conversation", "person"])
                yield from zip(rows["conversation"].to_pylist(), rows["person"].to_pylist(), strict=True)


def _in_lines(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        for line in file:
            if b'"conversation"' not in line:
                continue
            try:
                told = json.loads(line)
            except (ValueError, RecursionError):
                continue
            conversation = told.get("conversation") if isinstance(told, dict) else None
            if isinstance(conversation, dict):
                yield str(conversation.get("id", "")), str(conversation.get("person", ""))
