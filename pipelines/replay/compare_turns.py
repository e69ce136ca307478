"""Two runs as arrays: what is compared of each turn, and what is left of it when the line's own part is taken off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.records.results import Run, Turn
from pipelines.telemetry.ledger import CONTRIBUTIONS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

VOICE_TO_VOICE: Final = "voice-to-voice"
BARGE_IN: Final = "barge-in"
TIMES: Final = (VOICE_TO_VOICE, *CONTRIBUTIONS, BARGE_IN)
"""Measured in seconds, one value a turn at most."""

TRIMMED: Final = 0.1
"""Share of a line's values at each end that do not count for its level."""

CLIPPED: Final = 0.1
"""Share of the residuals at each end that are clipped before they are averaged, so that no outlier rules a round."""

TAIL: Final = 0.9
"""The tail is what lies above this quantile of all residuals."""


def _missed(turn: Turn) -> float:
    return np.nan if turn.outcome in {"ignored", "disturbed"} else float(turn.outcome == "missed")


def _unexpected(turn: Turn) -> float:
    return np.nan if turn.as_expected is None or turn.outcome != "answered" else float(not turn.as_expected)


def _disturbed(turn: Turn) -> float:
    return float(turn.outcome == "disturbed") if turn.outcome in {"ignored", "disturbed"} else np.nan


def _word_errors(turn: Turn) -> float:
    return np.nan if turn.word_errors is None or not turn.words else float(turn.word_errors)


WORD_ERRORS: Final = "word errors"
COUNTS: Final[Mapping[str, Callable[[Turn], float]]] = {
    "missed turns": _missed,
    "false cut-offs": lambda turn: float(turn.false_cutoffs),
    "unexpected replies": _unexpected,
    "disturbed lines": _disturbed,
    WORD_ERRORS: _word_errors,
}
"""What is counted, and a turn's count; NaN where it cannot happen. More is worse."""

MEASURES: Final = (*TIMES, *COUNTS)


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of both runs, in arrays of one row each.

    ``values`` has a column for each of :data:`MEASURES`, NaN where the turn has none; ``words`` are the transcript's.
    ``line`` numbers the lines of both runs, from 0; ``round`` the rounds of each run, those of each session for
    themselves, from 0. ``new`` is false for the baseline.
    """

    values: Floats
    words: Floats
    line: Ints
    round: Ints
    new: Bools

    @classmethod
    def of(cls, base: Run, new: Run) -> Turns:
        """Takes what is compared out of two runs."""
        rows = [(turn, False) for turn in base.turns] + [(turn, True) for turn in new.turns]
        lines: dict[tuple[str, int], int] = {}
        rounds: dict[bool, dict[tuple[int, int], int]] = {False: {}, True: {}}
        return cls(
            values=np.array([_values(turn) for turn, _ in rows], np.float64).reshape(len(rows), len(MEASURES)),
            words=np.array([turn.words for turn, _ in rows], np.float64),
            line=np.array([lines.setdefault(turn.key, len(lines)) for turn, _ in rows], np.int64),
            round=np.array(
                [rounds[late].setdefault((turn.session, turn.round), len(rounds[late])) for turn, late in rows],
                np.int64,
            ),
            new=np.array([late for _, late in rows], np.bool_),
        )

    @property
    def lines(self) -> int:
        """How many lines there are in either run."""
        return int(self.line.max()) + 1

    @property
    def rounds(self) -> tuple[int, int]:
        """How many rounds the baseline has and the new run, each session's counted."""
        return int(self.round[~self.new].max()) + 1, int(self.round[self.new].max()) + 1

    def residuals(self) -> Floats:
        """``values`` less the line's own level, so that lines can be pooled; NaN where one run has no value.

        The level is the trimmed mean over both runs of a time, and the mean of a count. Both runs count alike:
        residuals from the baseline's own level would lie closer together in the baseline, and any new run look worse.
        (Residuals from a median avoid 0, and their own median is drawn towards it.)
        """
        left = np.full_like(self.values, np.nan)
        order = np.argsort(self.line, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(self.line[order])) + 1):
            values, new = self.values[rows], self.new[rows]
            known = np.isfinite(values)
            both = known[new].any(axis=0) & known[~new].any(axis=0)
            level = np.where(np.arange(len(MEASURES)) < len(TIMES), _middles(values), _means(values))
            left[rows] = np.where(both, values - level, np.nan)
        return left


def scores(residuals: Floats) -> Floats:
    """What is averaged by round and tested: a column for each of :data:`MEASURES`, and one for the tail.

    Residuals of times are clipped (see :data:`CLIPPED`). The tail is how far voice-to-voice lies above the quantile
    :data:`TAIL` of all its residuals.
    """
    found = np.column_stack([residuals, np.full(len(residuals), np.nan)])
    for column in range(len(TIMES)):
        known = np.isfinite(residuals[:, column])
        if known.any():
            values = residuals[known, column]
            found[known, column] = np.clip(values, *np.quantile(values, [CLIPPED, 1 - CLIPPED]))
            if column == 0:
                found[known, -1] = np.maximum(values - np.quantile(values, TAIL), 0.0)
    return found


def by(units: Ints, values: Floats, size: int) -> Floats:
    """The mean of each column of ``values`` over the rows of each unit (0 to ``size``); NaN where there is none."""
    found = np.zeros((size, values.shape[1]))
    known = np.isfinite(values)
    count = np.zeros_like(found)
    np.add.at(found, units, np.where(known, values, 0.0))
    np.add.at(count, units, known)
    return np.where(count > 0, found / np.maximum(count, 1), np.nan)


def _values(turn: Turn) -> list[float]:
    parts = turn.contributions
    times = [turn.voice_to_voice, *(parts.get(stage, 0.0) if parts else None for stage in CONTRIBUTIONS), turn.barge_in]
    known = [np.nan if time is None or not math.isfinite(time) else time for time in times]
    return known + [count(turn) for count in COUNTS.values()]


def _middles(values: Floats) -> Floats:
    """The mean of each column without its :data:`TRIMMED` highest and lowest values; NaN does not count."""
    ordered = np.sort(values, axis=0)
    n = np.isfinite(values).sum(axis=0)
    cut = (n * TRIMMED).astype(np.int64)
    place = np.arange(len(values))[:, None]
    kept = (place >= cut) & (place < n - cut)
    middles: Floats = np.where(kept, ordered, 0.0).sum(axis=0) / np.maximum(n - 2 * cut, 1)
    return middles


def _means(values: Floats) -> Floats:
    known = np.isfinite(values)
    means: Floats = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return means
