"""Ledgers of conversations that nobody had, as the writers of ledgers write them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.telemetry.ledger import CHAIN, VOICE_END, Count, Ledger, Outcome, Silence
from pipelines.telemetry.provenance import Models, Provenance, ledger_line

SECRET = "xylophone"
"""A word of a user's, which no table may hold."""

BEGAN = dt.datetime(2026, 11, 30, 21, 0, 0, 123456, dt.UTC)
LOOP_TIME = 1000.0


def conversation(number: int = 1, **changes: Any) -> Provenance:
    """A conversation; its id says its number."""
    given: dict[str, Any] = {"site": "berlin", "language": "en-US", "settings": "1f09ac77b1e0"}
    given |= {"models": Models(asr="parakeet", llm="nova-8", tts="magpie", face="a2f")}
    return Provenance(f"{number:032x}", **{"began": BEGAN, "loop_time": LOOP_TIME} | given | changes)


def ledger(turn: int = 1, *, start: float = 1001.0, marks: Mapping[str, float] | None = None) -> Ledger:
    """A turn that went well, 0.1 s a stage; ``marks`` takes the place of its instants."""
    found = Ledger(turn, user=f"my {SECRET}, please", reply=f"Your {SECRET}.", outcome=Outcome.REPLIED)
    if marks is None:
        chain = {name: start + 2.0 + 0.1 * number for number, name in enumerate(CHAIN, 1)}
        marks = {"voice_start": start, VOICE_END: start + 2.0, **chain, "end": start + 5.0}
    for name, at in marks.items():
        found.mark(name, at)
    found.decide(start + 2.5, "start", f"she said {SECRET}")
    found.fail(start + 2.6, "face", f"could not say {SECRET}", "lost")
    found.count(Count.TOKENS, 7)
    found.silences.append(Silence(start + 1.0, 0.25, 0.3, "open", "voice", False))
    return found


def line(turn: Ledger, of: Provenance | None = None) -> dict[str, Any]:
    """A line as it is written, with its words."""
    return ledger_line(turn, of or conversation(), words=True)


def write(file: Path, lines: Iterable[Mapping[str, Any] | str | bytes]) -> Path:
    """A file of lines; text and bytes are written as they are."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        for one in lines:
            raw = one if isinstance(one, bytes) else one.encode() if isinstance(one, str) else json.dumps(one).encode()
            opened.write(raw + b"\n")
    return file


def talk(number: int = 1, turns: int = 3, **changes: Any) -> list[dict[str, Any]]:
    """The lines of a whole conversation, a turn every ten seconds."""
    of = conversation(number, **changes)
    return [line(ledger(turn, start=LOOP_TIME + 10.0 * turn), of) for turn in range(1, turns + 1)]
