"""A hard case as a folder of soundbites with their manifest: what replay plays, as it was said then."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipelines.scenarios.recorded import line_name
from pipelines.scenarios.scenario import Cue, Line, Talk
from pipelines.takes.tool_results import FILE as TOOLS
from pipelines.takes.tool_results import ToolResult, written
from sophia.audio import EAR_RATE
from sophia.wav import wav_bytes

MANIFEST: Final = "manifest.csv"
_COLUMNS: Final = ("file", "name", "talk", "language", "transcript", "pause", "over", "gap", "reaction", "comment")


@dataclass(frozen=True, slots=True)
class Case:
    """A hard case as it is kept. ``why`` says by kind what makes it one; ``half`` is what it is used for.

    ``date`` is the day on which its conversation began, in UTC: its sound is kept as long as the conversation's.
    """

    name: str
    half: str
    conversation: str
    turn: int
    date: str
    why: dict[str, str]
    site: str
    language: str
    length: str
    text: str
    take: Path


def lines_of(talk: Talk, turn: int, kinds: Sequence[str]) -> list[Line]:
    """The lines of the case: the turn's, what it was said over or right after, and what was said over its reply.

    What was ``repeated`` is there twice. Empty where its sound is lost.
    """
    names = [line.name for line in talk.lines]
    if line_name(turn) not in names:
        return []
    first = last = names.index(line_name(turn))
    while first > 0 and talk.lines[first].cue.kind != "reply":
        first -= 1
    if last + 1 < len(names) and ("repeated" in kinds or talk.lines[last + 1].cue.kind != "reply"):
        last += 1
    lines = list(talk.lines[first : last + 1])
    lines[0] = replace(lines[0], cue=Cue())
    return lines


def write_case(case: Case, lines: Sequence[Line], root: Path, tools: Sequence[ToolResult] = ()) -> list[dict[str, str]]:
    """Writes the case's folder below ``root``, for its owner alone; returns its rows for a manifest in ``root``.

    ``tools`` is what tools said in the whole talk; what they said in these lines is kept.
    """
    folder = root / case.name
    for made in (root, folder):
        made.mkdir(mode=0o700, exist_ok=made is root)
    rows = []
    for line in lines:
        _private(folder / f"{line.name}.wav", wav_bytes(line.pcm, EAR_RATE))
        cue = {"pause": "", "over": "", "gap": ""}
        cue["pause" if line.cue.kind == "reply" else line.cue.kind] = f"{line.cue.seconds:.3f}"
        rows.append(
            {
                "file": f"{line.name}.wav",
                "name": f"{case.name}/{line.name}",
                "talk": case.name,
                "language": case.language,
                "transcript": line.transcript or "",
                **cue,
                "reaction": line.reaction,
                "comment": "; ".join(f"{kind}: {why}" for kind, why in case.why.items()),
            }
        )
    names = {line.name for line in lines}
    _private(folder / TOOLS, written(said for said in tools if line_name(said.turn) in names).encode())
    write_manifest(folder / MANIFEST, rows)
    return [{**row, "file": f"{case.name}/{row['file']}"} for row in rows]


def write_manifest(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Writes the rows as replay reads them."""
    _private(path, table(_COLUMNS, rows).encode())


def table(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> str:
    """Rows as CSV, a line each."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
