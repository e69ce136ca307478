"""Ledger lines of conversations in two arms, as the server writes them; times in seconds since the epoch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.telemetry.ledger import Count, Ledger, Outcome, Silence
from pipelines.telemetry.provenance import Provenance, ledger_line


def conversation(name: int, arm: str, began: float, turns: Iterable[Ledger]) -> list[str]:
    """The lines of one conversation."""
    provenance = Provenance(
        id=f"{name:032x}", began=datetime.fromtimestamp(began, UTC), loop_time=0.0, language="en-US", arm=arm
    )
    return [json.dumps(ledger_line(replace(turn, turn=n), provenance, words=False)) for n, turn in enumerate(turns, 1)]


def turn(
    at: float, wait: float = 0.5, *, outcome: str = "replied", cut: bool = False, interrupted: float | None = None
) -> Ledger:
    """A turn whose voice ends ``at`` seconds after the conversation began; ``interrupted`` after her first sample."""
    ledger = Ledger(1, {"voice_start": at - 1, "voice_end": at, "played": at + wait, "end": at + wait + 2})
    ledger.outcome = Outcome(outcome)
    ledger.silences.append(Silence(at, 0.28, 0.28, "complete", "endpoint"))
    if cut:
        ledger.count(Count.FALSE_CUTOFFS)
    if interrupted is not None:
        ledger.decide(at + wait + interrupted, "interrupt", "he speaks")
    return ledger


def write(folder: Path, lines: Iterable[str]) -> Path:
    """A day file of these lines."""
    folder.mkdir(exist_ok=True)
    with (folder / "day.jsonl").open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    return folder
