"""``manifest.csv`` or ``manifest.yaml`` beside WAV files: what is said in them and how they are played.

``docs/scenarios.md`` tells the columns. Columns that only document a recording are known and overlooked; any other
unknown column is a mistake, for it is more likely a misspelt one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from pipelines.scenarios.script import read_places
from pipelines.scenarios.spec import LineSpec, Talk, TalkSpec, Unreadable, mistakes, printable
from pipelines.settings.layers import MAX_BYTES, did_you_mean

NAMES: Final = ("manifest.csv", "manifest.yaml", "manifest.yml")

DOCUMENTATION: Final = frozenset(
    {
        "sample_rate_hz", "sample_rate", "channels", "seconds", "duration", "source", "speaker", "gender", "accent",
        "license", "comment", "notes",
    }
)  # fmt: skip
"""Columns that say something about a recording that the loop has no use for."""

COLUMNS: Final = (
    "file",
    *(name for name in LineSpec.model_fields if name not in ("wav", "say", "voice", "speed")),
    "talk",
)

_MOST = 10_000


def read_manifest(path: Path) -> list[Talk]:
    """The talks of a manifest, lines in its order. Raises :class:`Unreadable` with every mistake, its line and column.

    Lines without a ``talk`` belong to the talk that is named like the folder.
    """
    rows = _csv(path) if path.suffix.lower() == ".csv" else _yaml(path)
    wrong: list[str] = []
    talks: dict[str, list[tuple[LineSpec, str]]] = {}
    unnamed = printable(path.absolute().parent.name) or "talk"
    for place, row in rows:
        talk = printable(str(row.pop("talk", None) or ""))[:80].strip() or unnamed[:80].strip()
        if "file" in row:
            row["wav"] = row.pop("file")
        else:
            wrong.append(f"{place}: file is missing")
            continue
        try:
            talks.setdefault(talk, []).append((LineSpec.model_validate(row), place))
        except ValidationError as error:
            told = mistakes(error.errors(), LineSpec, "a line", lambda loc: "")
            wrong += [f"{place}: {line.replace('wav', 'file', 1) if line.startswith('wav') else line}" for line in told]
    if wrong:
        raise Unreadable(wrong)
    if not talks:
        raise Unreadable([f"{path} names no file"])
    return [
        Talk(TalkSpec(name=name, lines=tuple(line for line, _ in lines)), [place for _, place in lines])
        for name, lines in talks.items()
    ]


def _csv(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Place and filled cells of each row. Commas, semicolons or tabs, as spreadsheets write them."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise Unreadable([f"{path} cannot be read: {error.strerror or error}"]) from None
    except UnicodeDecodeError as error:
        raise Unreadable([f"{path} is not a text file: byte {error.start} is not UTF-8"]) from None
    if len(raw) > MAX_BYTES:
        raise Unreadable([f"{path} is larger than {MAX_BYTES >> 20} MiB; that is no manifest"])
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows: list[tuple[str, dict[str, Any]]] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        used, wrong = _columns(names, f"{path}:1")
        if "file" not in names:
            wrong.append(f"{path}:1: the column file is missing")
        if wrong:
            raise Unreadable(wrong)
        before = reader.line_num
        for cells in reader:
            place, before = f"{path}:{before + 1}", reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(names):
                raise Unreadable([f"{place}: there are {len(cells)} cells for {len(names)} columns; quote the commas"])
            filled = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
            rows.append((place, {name: cell for name, cell in filled.items() if name in used}))
            if len(rows) > _MOST:
                raise Unreadable([f"{path} has more than {_MOST} lines"])
    except csv.Error as error:
        raise Unreadable([f"{path}:{reader.line_num}: this is not CSV: {error}"]) from None
    return rows


def _yaml(path: Path) -> list[tuple[str, dict[str, Any]]]:
    values, places = read_places(path)
    lines = values.get("lines")
    if set(values) != {"lines"} or not isinstance(lines, list):
        raise Unreadable([f"{path}: a manifest is a list under the one key lines: - file: a.wav"])
    rows: list[tuple[str, dict[str, Any]]] = []
    wrong: list[str] = []
    for number, row in enumerate(lines):
        place = places.of("lines", number)
        if not isinstance(row, Mapping):
            wrong.append(f"{place}: a line is a mapping: file: a.wav")
            continue
        used, unknown = _columns(list(row), place)
        wrong += unknown
        rows.append((place, {name: cell for name, cell in row.items() if name in used and cell is not None}))
    if wrong:
        raise Unreadable(wrong)
    return rows


def _columns(names: Sequence[str], place: str) -> tuple[set[str], list[str]]:
    """Those of the columns that mean something here, and what is wrong with the others."""
    wrong = [
        f"{place}: the column {name!r} is there twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    for name in names:
        if name not in COLUMNS and name not in DOCUMENTATION:
            guess = did_you_mean(name, (*COLUMNS, *DOCUMENTATION))
            known = f"; did you mean {guess}?" if guess else f"; there are {', '.join(COLUMNS)}"
            wrong.append(f"{place}: unknown column {name!r}{known}")
    return set(names) & set(COLUMNS), wrong
