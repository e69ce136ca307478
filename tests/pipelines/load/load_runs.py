"""Runs made by hand, for the tests beside this file: every figure in them is known."""

from __future__ import annotations

from typing import Any

from pipelines.records.results import Counter, Run, Turn
from pipelines.telemetry.ledger import CONTRIBUTIONS

STAGES = dict.fromkeys(CONTRIBUTIONS, 0.05)
MARKS = {
    "voice_end": 1.2,
    "transcript": 1.27,
    "started": 1.3,
    "first_token": 1.42,
    "first_clause": 1.5,
    "first_audio": 1.58,
    "played": 1.6,
}
"""Instants from the line's first sample; the line's voice ends at 1.0, the recogniser waits 0.24 s."""


def turn(at: float = 0.0, *, session: int = 0, wait: float | None = 0.4, **more: Any) -> Turn:
    """A line that was answered after ``wait`` seconds; None: it was missed."""
    given: dict[str, Any] = {
        "talk": "questions",
        "line": 0,
        "name": "what_time",
        "round": 0,
        "session": session,
        "at": at,
        "seconds": 1.2,
        "voiced": (0.1, 1.0),
        "outcome": "missed" if wait is None else "answered",
        "reason": "nothing was understood" if wait is None else "",
        "voice_to_voice": wait,
        "contributions": {} if wait is None else STAGES,
        "marks": {} if wait is None else MARKS,
    }
    return Turn.model_validate({**given, **more})


def run(turns: list[Turn], *, sessions: int = 1, rounds: int | None = None, **more: Any) -> Run:
    """A run of these turns, of a scenario with one line."""
    given: dict[str, Any] = {
        "scenario": "questions",
        "fingerprint": "f",
        "lines": 1,
        "rounds": len(turns) // sessions if rounds is None else rounds,
        "sessions": sessions,
        "turns": tuple(turns),
        "config": {"language": "en-US"},
        "config_hash": "c",
    }
    return Run.model_validate({**given, **more})


def counters(lag_ms: float = 2.0, machine: float = 40.0, stolen: float = 1.0) -> tuple[Counter, ...]:
    """The machine's counters over three seconds; the first sample lies before the run."""
    times = (-0.5, 1.0, 2.0, 3.0)
    series = {
        "event loop lag, worst": ("ms", 900.0, lag_ms),
        "cpu of this process": ("%", 400.0, 50.0),
        "cpu of the machine": ("%", 100.0, machine),
        "cpu stolen": ("%", 100.0, stolen),
    }
    return tuple(
        Counter(name=name, unit=unit, times=times, values=(before, value, value, value))
        for name, (unit, before, value) in series.items()
    )
