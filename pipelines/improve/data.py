"""What the tables of insights know of conversations and silences, as the judge and the proposal want it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.improve.measures import FIRST_SECOND, QUIET, Conversation, Turn, over
from pipelines.insights.engines import run
from pipelines.insights.tables import Insights

_TURNS = """
SELECT conversation, turn, ended_at, arm, site, language, outcome, voice_to_voice, false_cutoffs, suspected_cutoff,
       false_interruptions, words
FROM turns
WHERE {where}
"""

_INTERRUPTED = """
SELECT decisions.conversation, decisions.turn, MIN(decisions.elapsed) AS elapsed
FROM decisions
WHERE decisions.kind = 'interrupt'
GROUP BY decisions.conversation, decisions.turn
"""

_SILENCES = """
SELECT sounds, explored, ended_by, threshold, length, COUNT(*) AS n
FROM silences
WHERE threshold IS NOT NULL
GROUP BY sounds, explored, ended_by, threshold, length
"""


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """So many silences alike; times in µs. See :class:`pipelines.telemetry.ledger.Silence`."""

    sounds: str
    explored: bool
    ended_by: str
    threshold: int
    length: int
    number: int


def conversations(
    tables: Insights, *, version: str | None = None, now: int | None = None, since: int = 0
) -> list[Conversation]:
    """The conversations that are over: those of the two arms of ``version``, or all, which then count as control.

    Those that began before ``since`` (µs since the epoch, as ``now``) are left out. ``now`` None: all are over.
    """
    where = "ended_at IS NOT NULL" if version is None else f"arm IN ('canary:{version}', 'control:{version}')"
    if not tables.files("turns"):
        return []
    at_once = _interrupted(tables)
    found: dict[tuple[str, str, str, str], list[Turn]] = defaultdict(list)
    for name, number, ended, arm, site, language, outcome, wait, cut, suspected, false, words in run(
        _TURNS.format(where=where), tables
    ):
        begun = at_once.get((name, number))
        early = outcome == "interrupted" and wait is not None and begun is not None and begun - wait < FIRST_SECOND
        found[name, arm, site, language].append(
            Turn(ended, outcome, wait, bool(cut or suspected), early, false or 0, words)
        )
    until = max((turn.ended for turns in found.values() for turn in turns), default=0) + QUIET if now is None else now
    return list(_over(found, until, since))


def silences(tables: Insights) -> list[SilenceRow]:
    """Every silence that could have ended a turn, counted."""
    if not tables.files("silences"):
        return []
    return [
        SilenceRow(sounds or "", bool(explored), ended_by or "", threshold, length, number)
        for sounds, explored, ended_by, threshold, length, number in run(_SILENCES, tables)
    ]


def _interrupted(tables: Insights) -> dict[tuple[str, int], int]:
    if not tables.files("decisions"):
        return {}
    return {(name, turn): elapsed for name, turn, elapsed in run(_INTERRUPTED, tables)}


def _over(found: dict[tuple[str, str, str, str], list[Turn]], until: int, since: int) -> Iterator[Conversation]:
    for (name, arm, site, language), turns in found.items():
        canary = arm.startswith("canary:")
        one = over(name, turns, canary=canary, stratum=f"{site} {language}", now=until, since=since)
        if one is not None:
            yield one
