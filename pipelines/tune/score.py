"""How good a run was, in the three numbers that pull against each other; and which lines are tuned on.

Half of the lines are tuned on, the others only validate what was found. All lines are played in every run, so that
conversations stay whole, but what becomes of the validation half never reaches the search.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from pipelines.records.results import Turn
from pipelines.scenarios.scenario import Line, Scenario, ScenarioError

PAUSE: Final = 0.2
"""A silence between two words of a line from which it could be cut off; shorter ones are stops and plosives."""

FEWEST_LINES: Final = 8
"""Fewer than four lines a half say nothing about other lines."""

FEWEST_PAUSES: Final = 4
"""Lines with a pause inside that are needed: two for each half. Without any, the shortest pauses always win."""

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Score:
    """What is held against a configuration; seconds, and counts for each 100 lines.

    ``voice_to_voice`` is the mean. The median is blind to pauses that fewer than half of the lines meet, and the 95th
    percentile to all others; a setting that the measure does not see would drift to its bound. Both are told beside.
    """

    lines: int
    voice_to_voice: float
    p50: float
    p95: float
    false_cutoffs: float
    wasted: float
    failed: int

    @property
    def objectives(self) -> tuple[float, float, float]:
        """Voice-to-voice, false cut-offs, wasted speculation: less is better."""
        return self.voice_to_voice, self.false_cutoffs, self.wasted


@dataclass(frozen=True, slots=True)
class Scores:
    """Of the half that is tuned on, and of the other."""

    tuned: Score
    validated: Score

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scores:
        """The other way round; raises ``TypeError`` or ``KeyError`` for anything else."""
        return cls(Score(**data["tuned"]), Score(**data["validated"]))


class NothingAnswered(Exception):
    """No line was answered, so there is no latency; the message says why."""


@dataclass(frozen=True, slots=True)
class Halves:
    """The lines that are tuned on, and those that validate."""

    tuned: frozenset[Key]
    validated: frozenset[Key]


def split(scenario: Scenario) -> Halves:
    """Deals the lines out by turns, the ones with a pause inside by its length, so that both halves hold all kinds.

    Raises :class:`ScenarioError` if there are too few lines, or too few that could be cut off.
    """
    everything = [((talk.name, place), line) for talk in scenario.talks for place, line in enumerate(talk.lines)]
    heard = [(key, line) for key, line in everything if line.words and line.reaction == "reply"]
    paused = sorted(((key, line) for key, line in heard if _pause(line) >= PAUSE), key=lambda item: _pause(item[1]))
    if len(heard) < FEWEST_LINES:
        raise ScenarioError(
            f"{scenario.name} has {len(heard)} lines with a transcript that want a reply; tuning needs "
            f"{FEWEST_LINES}, half of them to validate what was found. `bundled` has enough."
        )
    if len(paused) < FEWEST_PAUSES:
        raise ScenarioError(
            f"{scenario.name} has {len(paused)} lines with a pause of {PAUSE} s or more between two words; tuning "
            f"needs {FEWEST_PAUSES}: with nothing to cut off, the shortest pauses always win. `bundled` has enough."
        )
    chosen = {key for key, _ in paused}
    strata = (
        [key for key, _ in paused],
        [key for key, _ in heard if key not in chosen],
        [key for key, line in everything if not (line.words and line.reaction == "reply")],
    )
    tuned = frozenset(key for stratum in strata for key in stratum[::2])
    return Halves(tuned, frozenset(key for key, _ in everything) - tuned)


def scores(turns: Iterable[Turn], halves: Halves) -> Scores:
    """The scores of a run's turns; raises :class:`NothingAnswered` if a half has no answered line."""
    turns = list(turns)
    return Scores(
        _score([turn for turn in turns if turn.key in halves.tuned]),
        _score([turn for turn in turns if turn.key in halves.validated]),
    )


def _score(turns: Sequence[Turn]) -> Score:
    latencies = [turn.voice_to_voice for turn in turns if turn.voice_to_voice is not None]
    if not latencies:
        reasons = sorted({turn.reason for turn in turns if turn.reason})
        raise NothingAnswered(f"no line was answered ({'; '.join(reasons[:3]) or 'no reason was kept'})")
    cut = sum(max(turn.false_cutoffs, turn.outcome == "cut off") for turn in turns)
    p50, p95 = np.quantile(latencies, (0.5, 0.95))
    return Score(
        lines=len({turn.key for turn in turns}),
        voice_to_voice=float(np.mean(latencies)),
        p50=float(p50),
        p95=float(p95),
        false_cutoffs=100 * cut / len(turns),
        wasted=100 * sum(turn.speculations_dropped for turn in turns) / len(turns),
        failed=sum(turn.outcome in {"missed", "disturbed"} for turn in turns),
    )


def _pause(line: Line) -> float:
    """The longest silence between two of its words, in seconds."""
    return max((later.start - earlier.end for earlier, later in pairwise(line.words)), default=0.0)
