"""Turns that nobody spoke: as many as asked for, of given days, with faults planted where somebody looks for them.

For tests and benchmarks. A seed makes the same turns again. There are three sites, two languages and two models. A
conversation has a dozen turns, and is slower or faster than another as a whole, as real ones are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.insights.tables import LENGTHS, ORDER, ROW_GROUP, SCHEMAS, STAGES, Insights
from pipelines.telemetry.ledger import CONTRIBUTIONS

FIRST_DAY: Final = "2026-11-01"

TYPICAL: Final = dict(zip(CONTRIBUTIONS, (10, 280, 20, 120, 0, 30, 80, 30, 12), strict=True))
"""The median of each contribution, in milliseconds."""

SITES, LANGUAGES, LLMS = ("berlin", "wien", "lab"), ("en-US", "de-DE"), ("nova-7", "nova-8")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Slow:
    """A slow-down: ``stage`` takes ``ms`` longer from the day ``since`` on, where everything that is named is so."""

    stage: str
    ms: float
    since: str = ""
    model: str | None = None
    hour: int | None = None
    site: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """A share of the conversations, and what is different in it: a stage is slower, turns are cut off more often."""

    name: str
    share: float
    stage: str = "endpointing"
    ms: float = 0.0
    cutoffs: float = 0.0


@dataclass(frozen=True, slots=True)
class Making:
    """What is made: ``per_day`` turns on each of ``days`` days from ``first`` on."""

    per_day: int
    days: int = 1
    first: str = FIRST_DAY
    seed: int = 0
    slow: Sequence[Slow] = ()
    arms: Sequence[Arm] = ()
    turns: int = 12
    """Of a conversation, in the mean."""

    def dates(self) -> list[str]:
        """The days, in order."""
        first = dt.date.fromisoformat(self.first)
        return [str(first + dt.timedelta(days=day)) for day in range(self.days)]

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Each day and its turns."""
        for number, date in enumerate(self.dates()):
            yield date, _Day(self, number, date).table()


def write(making: Making, folder: Path) -> Insights:
    """Writes what is made as the turns of ``folder``."""
    found = Insights(folder)
    for date, table in making.tables():
        found.day("turns", date).mkdir(parents=True, exist_ok=True)
        file = found.day("turns", date) / "part-0.parquet"
        pq.write_table(table, file, compression="zstd", row_group_size=ROW_GROUP)
    return found


class _Day:
    """One day's turns, column by column."""

    def __init__(self, making: Making, number: int, date: str) -> None:
        self.making, self.date, self.rows = making, date, making.per_day
        self.rng = np.random.default_rng((making.seed, number))
        rng, rows = self.rng, self.rows
        turns = rng.geometric(1 / making.turns, rows // max(1, making.turns // 2) + 20)
        while turns.sum() < rows:
            turns = np.concatenate([turns, rng.geometric(1 / making.turns, len(turns))])
        self.of = np.repeat(np.arange(len(turns)), turns)[:rows]
        self.conversations = int(self.of[-1]) + 1 if rows else 0
        self.turn = np.arange(rows) - np.concatenate([[0], np.cumsum(turns)])[self.of] + 1
        at = rng.beta(2, 2, self.conversations)[self.of] * 86_000e6 + self.turn * 9e6
        self.at = np.minimum(at, 86_399e6).astype(np.int64)
        self.hour = (self.at // 3_600_000_000).astype(np.int32)
        self.model, self.site = self._drawn(LLMS, (0.9, 0.1)), self._drawn(SITES, (0.6, 0.3, 0.1))
        self.language = self._drawn(LANGUAGES, (0.7, 0.3))
        shares = [arm.share for arm in making.arms]
        self.arm = self._drawn(("", *(arm.name for arm in making.arms)), (1 - sum(shares), *shares))

    def _drawn(self, names: Sequence[str], shares: Sequence[float]) -> npt.NDArray[np.str_]:
        """One of ``names`` for each conversation, copied to its turns."""
        chosen = self.rng.choice(len(names), self.conversations, p=shares)
        found: npt.NDArray[np.str_] = np.array(names)[chosen][self.of]
        return found

    def _chance(self, share: float) -> Mask:
        found: Mask = self.rng.random(self.rows) < share
        return found

    def table(self) -> pa.Table:
        """The turns, sorted by conversation."""
        rng, rows = self.rng, self.rows
        heard = self._chance(0.93)
        stages = self._stages()
        utterance = np.round(1e6 * np.exp(0.8 * rng.standard_normal(rows)) * 1.8).astype(np.int32)
        outcomes = ("replied", "interrupted", "reprompted", "dropped", "failed")
        cutoffs = self._chance(0.02)
        for arm in self.making.arms:
            cutoffs |= self._chance(arm.cutoffs) & (self.arm == arm.name)
        values: dict[str, Any] = {
            "conversation": _ids(self.making.seed, self.date, self.conversations)[self.of],
            "turn": self.turn,
            "date": np.full(rows, self.date),
            "hour": self.hour,
            "ended_at": self.at + _midnight(self.date),
            "site": self.site,
            "language": self.language,
            "llm_model": self.model,
            "arm": self.arm,
            "outcome": np.array(outcomes)[rng.choice(5, rows, p=(0.82, 0.08, 0.03, 0.06, 0.01))],
            "length": np.array([*LENGTHS, "long"])[np.searchsorted(list(LENGTHS.values()), utterance, side="right")],
            "utterance": utterance,
            "words": rng.poisson(7, rows),
            "speculations_started": rng.poisson(0.8, rows),
            "speculations_dropped": rng.poisson(0.2, rows),
            "false_cutoffs": cutoffs,
            "false_interruptions": self._chance(0.01),
            "underruns": self._chance(0.005),
            "faults": self._chance(0.01),
            "explored": np.zeros(rows, bool),
            "suspected_cutoff": self._chance(0.015),
            "since_heard": rng.exponential(4e6, rows).astype(np.int32),
        }
        given = {"mode": "server", "sophia": "0.1.0", "settings": "1f09ac77b1e0", "consent": "numbers"}
        given |= {"asr_model": "ears", "tts_model": "voice", "face_model": "face"}
        columns = []
        for field in SCHEMAS["turns"]:
            if field.name in STAGES:
                columns.append(pa.array(stages[field.name], field.type, mask=~heard))
            elif field.name in values:
                columns.append(pa.array(values[field.name]).cast(field.type))
            elif field.name in given:
                columns.append(pa.array(np.full(rows, given[field.name])).cast(field.type))
            else:
                columns.append(pa.array(np.zeros(rows, np.int32)).cast(field.type))
        found = pa.table(columns, schema=SCHEMAS["turns"])
        return found.sort_by([(key, "ascending") for key in ORDER["turns"]])

    def _stages(self) -> dict[str, npt.NDArray[np.int32]]:
        slower = np.exp(0.12 * self.rng.standard_normal(self.conversations))[self.of]
        found = {}
        for stage, typical in TYPICAL.items():
            value = np.zeros(self.rows)
            if typical:
                value += 1000 * typical * slower * np.exp(0.35 * self.rng.standard_normal(self.rows))
            if stage == "llm":
                value *= 1 + 0.25 * (self.model == LLMS[1])
            for slow in self.making.slow:
                if slow.stage == stage and self.date >= slow.since:
                    value += 1000 * slow.ms * self._where(slow)
            for arm in self.making.arms:
                if arm.stage == stage:
                    value += 1000 * arm.ms * (self.arm == arm.name)
            found[stage] = np.round(value).astype(np.int32)
        found["voice_to_voice"] = np.sum(list(found.values()), axis=0, dtype=np.int32)
        return found

    def _where(self, slow: Slow) -> Mask:
        found = np.ones(self.rows, bool)
        columns = (self.model, self.hour, self.site, self.language)
        for column, value in zip(columns, (slow.model, slow.hour, slow.site, slow.language), strict=True):
            if value is not None:
                found &= column == value
        return found


def _ids(seed: int, date: str, count: int) -> npt.NDArray[np.str_]:
    return np.array([f"{seed % 0xFFFF:04x}{date.replace('-', ''):0>8}{number:020x}" for number in range(count)])


def _midnight(date: str) -> int:
    day = dt.date.fromisoformat(date) - dt.date(1970, 1, 1)
    return day.days * 86_400_000_000
