"""The takes that may be mined: those whose people agreed to their sound being kept, with what their ledgers tell."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pipelines.insights.mining.kinds import Turn
from pipelines.takes.reader import read_events
from pipelines.takes.sealing import SealError, opened
from pipelines.telemetry.ledger import Count, words_of
from sophia.events import Transcribed

DEEPEST: Final = 3
"""Folders below the one that is named in which takes may lie: by date, by conversation."""

MOST_BYTES: Final = 64 << 20
_LONGEST_TEXT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Told:
    """A take that may be mined: whose it is, the UTC date on which it began, and its turns in their order."""

    folder: Path
    conversation: str
    date: str
    site: str
    language: str
    turns: tuple[Turn, ...]


@dataclass(slots=True)
class Left:
    """How many takes were left out, and why."""

    without_consent: int = 0
    unnamed: int = 0
    unreadable: int = 0
    again: int = 0  # of a conversation that another take is of


def find(root: Path) -> list[Path]:
    """The takes in a folder and below it, in order of their names."""
    patterns = ("/".join(["*"] * depth + ["turns.jsonl"]) for depth in range(DEEPEST + 1))
    found = {path.parent for pattern in patterns for path in root.glob(pattern)}
    return sorted(folder for folder in found if (folder / "manifest.json").is_file())


def read(folder: Path, left: Left) -> Told | None:
    """The take in ``folder``; None if it may not be mined, or cannot, which ``left`` counts."""
    try:
        with opened(folder) as plain:
            return _read(plain, folder, left)
    except (SealError, OSError):
        left.unreadable += 1
        return None


def _read(folder: Path, named: Path, left: Left) -> Told | None:
    try:
        rows = list(_rows(folder / "turns.jsonl"))
    except OSError:
        rows = []
    conversation = next((row["conversation"] for row in rows if isinstance(row.get("conversation"), Mapping)), None)
    name = str(conversation.get("id", ""))[:64] if conversation else ""
    if conversation is None or not name.isalnum():
        left.unnamed += bool(rows)
        left.unreadable += not rows
        return None
    if conversation.get("consent") != "sound":
        left.without_consent += 1
        return None
    turns = [turn for row in rows if (turn := _turn(row))]
    turns.sort(key=lambda turn: turn.number)
    site, language = _word(conversation.get("site")), _word(conversation.get("language"))
    return Told(named, name, _date(conversation.get("began")), site, language, tuple(_with_finals(turns, folder)))


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The objects of a file of JSON lines, as far as it may be read; broken lines are left out."""
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES)
    for line in raw.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield row


def _turn(row: Mapping[str, Any]) -> Turn | None:
    number, outcome, counts = row.get("turn"), row.get("outcome"), row.get("counts")
    if not isinstance(number, int) or not isinstance(outcome, str):
        return None
    cutoffs = counts.get(Count.FALSE_CUTOFFS, 0) if isinstance(counts, Mapping) else 0
    user = words_of(row).get("user")
    faults = row.get("faults")
    return Turn(
        number=number,
        outcome=outcome,
        user=user[:_LONGEST_TEXT] if isinstance(user, str) else "",
        marks=_seconds(row.get("marks")),
        contributions=_seconds({"voice_to_voice": row.get("voice_to_voice"), **_object(row.get("contributions"))}),
        cutoffs=cutoffs if isinstance(cutoffs, int) else 0,
        faults=tuple(f"{_word(fault.get('service'))}: {_word(fault.get('kind'))}" for fault in _objects(faults)),
    )


def _seconds(value: object) -> dict[str, float]:
    found = {str(name): float(time) for name, time in _object(value).items() if isinstance(time, int | float)}
    return {name: time for name, time in found.items() if math.isfinite(time)}


def _date(value: object) -> str:
    """The UTC date of a time in ISO 8601; the first of all days where it is none, so that nobody keeps it for long."""
    try:
        return str(datetime.fromisoformat(str(value)).astimezone(UTC).date())
    except (ValueError, OverflowError):
        return "0001-01-01"


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _word(value: object) -> str:
    """One printable word: it goes into tables and names of files."""
    return "".join(c for c in str(value or "") if c.isalnum() or c in "-_.")[:40]


def _with_finals(turns: Sequence[Turn], folder: Path) -> Iterator[Turn]:
    """The turns, each with the finals that came from its voice on until the next voice of a turn."""
    finals = list(_finals(folder))
    starts = sorted(turn.marks["voice_start"] for turn in turns if "voice_start" in turn.marks)
    until = dict(pairwise([*starts, math.inf]))
    for turn in turns:
        since = turn.marks.get("voice_start", math.inf)
        its = tuple((stable, text) for at, stable, text in finals if since <= at < until.get(since, math.inf))
        yield replace(turn, finals=its)


def _finals(folder: Path) -> Iterator[tuple[float, str, str]]:
    """When each final came, the stable text before it, and its own; as far as the events can be read."""
    stable = ""
    with suppress(OSError, ValueError):
        for event in read_events(folder):
            if isinstance(event, Transcribed):
                if event.transcript.final:
                    yield event.at, stable, event.transcript.text
                    stable = ""
                elif event.transcript.stable:
                    stable = event.transcript.text
