"""Reads a take back: its events as the very objects that were told, and the ledgers that follow from them."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nova.tools import ToolCall
from pipelines.conversation.book import TurnBook
from pipelines.conversation.events import Happening
from pipelines.failures import RecordedFailure
from pipelines.takes.writer import VIEWS, kind_of
from pipelines.telemetry.ledger import Ledger
from sophia.decisions import Wait
from sophia.floor_policy import FloorPolicy
from sophia.transcripts import Transcript, Word


def _kinds() -> dict[str, type]:
    """Every class of event and decision by the name that it has in ``events.jsonl``."""
    return {kind_of(cls): cls for cls in typing.get_args(Happening) if cls not in VIEWS}


KINDS = _kinds()


def read_events(folder: Path) -> Iterator[Happening]:
    """The events and decisions of a take, in their order.

    Raises ``OSError`` if there is no ``events.jsonl``, and ``ValueError`` for a line that is none of ours, with its
    number: it was cut short, or written by another version.
    """
    with (folder / "events.jsonl").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                yield _event(KINDS[row["kind"]], row["data"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{folder / 'events.jsonl'}, line {number}: not an event of this version") from error


def ledgers(folder: Path) -> list[Ledger]:
    """The ledgers of a take, computed again from its events. Raises what :func:`read_events` does."""
    book = TurnBook()
    return [ledger for event in read_events(folder) for ledger in book.tell(event)]


def _event(cls: type, data: Mapping[str, Any]) -> Happening:
    fields = dict(data)
    if "error" in fields:
        fields["error"] = RecordedFailure(**fields["error"])
    if "transcript" in fields:
        heard = dict(fields["transcript"])
        heard["words"] = tuple(Word(**word) for word in heard["words"])
        fields["transcript"] = Transcript(**heard)
    if "call" in fields:
        fields["call"] = ToolCall(**fields["call"])
    if fields.get("wait"):
        fields["wait"] = Wait(**fields["wait"])
    if "policy" in fields:
        fields["policy"] = FloorPolicy(**fields["policy"])
    if unknown := fields.keys() - {field.name for field in dataclasses.fields(cls)}:
        raise ValueError(f"unknown: {unknown}")
    event: Happening = cls(**fields)
    return event
