"""A replayed turn as the ledger that it was written from, so that traces show it as a live turn is shown.

Times are seconds from the run's beginning.
"""

from __future__ import annotations

import math
from typing import Any, Final

from pipelines.records.results import Turn
from pipelines.telemetry import names
from pipelines.telemetry.ledger import INSTANTS, VOICE_END, Count, Ledger, Outcome

CONTENT: Final = frozenset(
    {names.REPLAY + "reason", names.REPLAY + "transcript", names.REPLAY + "heard", names.REPLAY + "reply"}
)
"""Attributes that hold or may quote what was said."""

LONGEST: Final = 1e8
"""Seconds, three years: what lies beyond is no time of a run, and is brought back to it."""

_FACTS = (
    "talk", "line", "name", "round", "session", "outcome", "reason", "residue", "end_error", "transcript", "heard",
    "reply", "word_errors", "words", "as_expected", "sound_seconds", "wasted_seconds", "lip_skew", "face_missing",
)  # fmt: skip


def placed(seconds: float) -> float:
    """``seconds`` where formats without negative, endless and undefined times can hold it."""
    return min(max(seconds, 0.0), LONGEST) if math.isfinite(seconds) else 0.0


def ledger_of(turn: Turn) -> Ledger:
    """The ledger of ``turn``, its voice ending where the voice in the audio ends.

    So its contributions are the record's, and tile the stretch from the last voiced sample to the first audible one.
    """
    ledger = Ledger(turn.line + 1, user=turn.heard, reply=turn.reply, lip_skew=turn.lip_skew)
    ledger.face_missing = turn.face_missing
    for name, at in turn.marks.items():
        if name in INSTANTS and math.isfinite(at):
            ledger.mark(name, placed(turn.at + at))
    if turn.voiced is not None and turn.contributions:
        end = turn.at + turn.voiced[1]
        ledger.mark(VOICE_END, placed(end), replace=True)
        ledger.mark("captured", placed(end + turn.contributions.get("capture", 0.0)), replace=True)
    for decision in turn.decisions:
        ledger.decide(placed(turn.at + decision.at), decision.kind, decision.reason)
    for fault in turn.faults:
        ledger.fail(placed(turn.at + fault.at), fault.kind, fault.reason)
    ledger.counts.update(
        {
            Count.SPECULATIONS_STARTED: turn.speculations,
            Count.SPECULATIONS_DROPPED: turn.speculations_dropped,
            Count.WASTED_TOKENS: turn.wasted_tokens,
            Count.TOKENS: turn.tokens,
            Count.FALSE_CUTOFFS: turn.false_cutoffs,
            Count.BACKCHANNELS: turn.backchannels,
            Count.UNDERRUNS: turn.underruns,
        }
    )
    if turn.outcome == "answered":
        ledger.outcome = Outcome.INTERRUPTED if "silenced" in ledger.marks else Outcome.REPLIED
    elif turn.outcome == "missed" and turn.faults:
        ledger.outcome = Outcome.FAILED
    return ledger


def attributes(turn: Turn) -> dict[str, Any]:
    """What the record says of ``turn``, under telemetry's names where it has one; nothing empty or endless."""
    facts = {names.REPLAY + name: getattr(turn, name) for name in _FACTS}
    facts |= {
        names.VOICE_TO_VOICE: turn.voice_to_voice,
        names.FACE_LATENESS: turn.face_lateness,
        names.BARGE_IN_LATENCY: turn.barge_in,
        **{names.CONTRIBUTION + stage: seconds for stage, seconds in turn.contributions.items()},
    }
    return {name: value for name, value in facts.items() if value not in (None, "") and _told(value)}


def extent(turn: Turn, ledger: Ledger) -> tuple[float, float]:
    """From the user's first sound to the last thing that happened; ``ledger`` is :func:`ledger_of` ``turn``."""
    first, last = turn.voiced or (0.0, turn.seconds)
    marks = ledger.marks.values()
    start, end = placed(turn.at + first), placed(turn.at + last)
    return min([start, *marks]), max([start, end, *marks])


def _told(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
