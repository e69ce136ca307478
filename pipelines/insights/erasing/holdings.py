"""What lies in a folder, and how a conversation is found and taken out of it, kind by kind.

======================  =============================================  ===========================================
kind                    how it is known                                what is taken out
======================  =============================================  ===========================================
tables                  folders of :data:`~…tables.SCHEMAS` by date    rows; histograms are counted again
a take                  ``manifest.json`` and ``turns.jsonl``          the whole folder
hard cases              ``cases.csv``                                  the cases, and their rows
a training set          ``manifest.json`` that tells ``made_of``       the whole folder: chats have no names
a run of a replay       ``run.json``                                   the whole folder: it can be made again
ledgers, other lines    ``*.jsonl``, ``*.csv``                         the lines that hold the id
a file named by the id  its name, such as a key                        the file
======================  =============================================  ===========================================

An adapter that was trained tells ``made_of`` as well. What a model has learned cannot be taken out; it is named.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipelines.insights.erasing.erased import LIST, RECEIPTS, digest
from pipelines.insights.mining.folders import MANIFEST
from pipelines.insights.mining.mine import CLUSTERS, HALVES, INDEX
from pipelines.insights.tables import SCHEMAS
from pipelines.settings.outputs import write_bytes
from pipelines.takes.daybook import LOCK, alone_in

MADE_OF: Final = "made_of"
_LINES: Final = (".jsonl", ".csv")


@dataclass(slots=True)
class Gone:
    """What was taken out, by kind, which ``models`` have learned from it, and which files hold the id even now."""

    by_kind: Counter[str] = field(default_factory=Counter)
    models: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)


def is_tables(folder: Path) -> bool:
    """Whether a folder holds tables."""
    return any((folder / name).is_dir() and any((folder / name).glob("date=*")) for name in SCHEMAS)


def take_out(place: Path, ids: frozenset[str], gone: Gone) -> None:
    """Takes the conversations out of everything below ``place`` but tables. Raises ``OSError``."""
    digests = {digest(name) for name in ids}
    for here, folders, files in os.walk(place):
        folder = Path(here)
        folders[:] = sorted(name for name in folders if not (folder / name).is_symlink())
        if is_tables(folder):
            folders[:] = [name for name in folders if name not in (*SCHEMAS, RECEIPTS)]
        if kind := _whole(folder, set(files), ids, digests, gone):
            shutil.rmtree(folder)
            gone.by_kind[kind] += 1
            folders.clear()
            continue
        if INDEX in files:
            gone.by_kind["hard cases"] += take_out_cases(folder, lambda row: row.get("conversation") in ids)
        with alone_in(folder) if LOCK in files and not is_tables(folder) else nullcontext():
            for name in files:
                _file(folder / name, ids, gone)


def still_there(place: Path, words: frozenset[str]) -> Iterator[Path]:
    """The files and folders below ``place`` whose names or bytes hold one of ``words``."""
    needles = [word.encode() for word in words]
    for here, folders, files in os.walk(place):
        folder = Path(here)
        yield from (folder / name for name in folders if any(word in name for word in words))
        for name in files:
            path = folder / name
            if any(word in name for word in words) or (path.is_file() and _holds(path, needles)):
                yield path


def _whole(folder: Path, files: set[str], ids: frozenset[str], digests: set[str], gone: Gone) -> str:
    """What kind of thing a folder is that goes as a whole; empty where it stays."""
    needles = [name.encode() for name in ids]
    manifests = [name for name in files if name.startswith("manifest") and name.endswith(".json")]
    if any(digests.intersection(_strings(_json(folder / name).get(MADE_OF))) for name in manifests):
        if "train.jsonl" in files:
            return "training sets"
        gone.models.append(folder)
    if {"manifest.json", "turns.jsonl"} <= files and (folder.name in ids or _holds(folder / "turns.jsonl", needles)):
        return "takes"
    if "run.json" in files and any(_holds(folder / name, needles) for name in files):
        return "runs"
    return "folders" if any(name in folder.name for name in ids) else ""


def take_out_cases(folder: Path, which: Callable[[Mapping[str, str]], bool]) -> int:
    """Takes hard cases out of their folder, and their rows out of its lists; returns how many."""
    with (folder / INDEX).open(encoding="utf-8", newline="") as file:
        named = [row for row in csv.DictReader(file) if which(row)]
    for row in named:
        name, half = row.get("case") or "", row.get("half") or ""
        if half in HALVES and name and Path(name).name == name:
            shutil.rmtree(folder / half / name, ignore_errors=True)
    names = [row["case"].encode() for row in named if row.get("case")]
    for path in (folder / INDEX, folder / CLUSTERS, *(folder / half / MANIFEST for half in HALVES)):
        if names and path.is_file():
            _without(path, names)
    return len(named)


def _file(path: Path, ids: frozenset[str], gone: Gone) -> None:
    if path.is_symlink() or not path.is_file() or path.name == LIST:
        return
    if any(name in path.name for name in ids):
        path.unlink()
        gone.by_kind["files"] += 1
    elif path.suffix in _LINES and (dropped := _without(path, [name.encode() for name in ids])):
        gone.by_kind["lines"] += dropped


def _without(path: Path, needles: list[bytes]) -> int:
    """Takes lines out of a file, at once or not at all; returns how many."""
    if not _holds(path, needles):
        return 0
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not any(needle in line for needle in needles)]
    write_bytes(path, b"".join(kept), private=True)
    return len(lines) - len(kept)


def _holds(path: Path, needles: list[bytes]) -> bool:
    """Whether one of the needles is in a file, which may be large."""
    longest = max(map(len, needles), default=0)
    before = b""
    with suppress(FileNotFoundError), path.open("rb") as file:
        while block := file.read(1 << 20):
            text = before + block
            if any(needle in text for needle in needles):
                return True
            before = text[-longest:]
    return False


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _strings(value: object) -> set[str]:
    return {item for item in value if isinstance(item, str)} if isinstance(value, list) else set()
