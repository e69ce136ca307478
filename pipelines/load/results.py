"""What a load test found: one record for each step of so many sessions at once, and the test they belong to.

All times are seconds. Plain data, written as JSON and CSV.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nova.services.triton_statistics import ModelStatistics
from pipelines.load.generator import Generator
from pipelines.load.measures import MEASURES, kept, latencies, steady, wants_reply
from pipelines.records.results import Run, Turn
from pipelines.telemetry.ledger import CONTRIBUTIONS

SCHEMA: Final = 1
"""Version of these records; raised when a reader of older files would misread a newer one."""

GIVEN_UP: Final = "the session was given up, a service being lost"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Figure(_Record):
    """A latency of one step: every value, and what stands in the table."""

    mean: float
    p50: float
    p95: float
    values: tuple[float, ...] = Field(description="one for each turn that has it, in the order in which they were said")

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure | None:
        """Mean and quantiles (interpolated) of ``values``; None if there are none."""
        if not values:
            return None
        p50, p95 = (float(value) for value in np.quantile(values, [0.5, 0.95]))
        return cls(mean=statistics.fmean(values), p50=p50, p95=p95, values=tuple(values))


class Batching(_Record):
    """What Triton counted of the language model in one step; see :mod:`nova.services.triton_statistics`."""

    requests: int
    failures: int
    executions: int
    mean_batch: float | None = Field(description="prompts for each call of the backend")
    mean_queue: float | None = Field(description="seconds that a request waited in the server")
    mean_compute: float | None = Field(description="seconds that a request was computed")

    @classmethod
    def of(cls, counted: ModelStatistics) -> Batching:
        """The counters of one step."""
        return cls(
            requests=counted.requests,
            failures=counted.failures,
            executions=counted.executions,
            mean_batch=counted.mean_batch_size,
            mean_queue=counted.mean_queue,
            mean_compute=counted.mean_compute,
        )


class Step(_Record):
    """So many sessions at once."""

    streams: int
    rounds: int
    complete: bool = Field(True, description="false: it was interrupted, and these are the turns so far")
    seconds: float = Field(description="from the first line's beginning to the last one's")
    turns: int = Field(description="lines that were due and want a reply")
    measured: int = Field(description="of these, answered and said while all sessions were talking: the latencies")
    steady: bool = Field(True, description="false: all sessions never talked at once, and every turn is measured")
    missed: int = Field(description="of the turns, those that got no reply after their end")
    reasons: dict[str, int] = Field(default_factory=dict, description="why they were missed, and how often")
    underruns: int
    false_cutoffs: int = Field(description="endpoints decided before the last voiced sample")
    keeps: float | None = Field(
        description="voice-to-voice that 95 % kept to, missed turns being endless; None: it is endless"
    )
    figures: dict[str, Figure] = Field(description="by key of pipelines.load.measures.MEASURES")
    contributions: dict[str, float] = Field(description="mean by stage of the ledger; they add up to the mean of E2E")
    batching: Batching | None = None
    generator: Generator | None = Field(None, description="None: simulated")

    @classmethod
    def of(cls, run: Run, pause: float, batching: Batching | None = None, *, interrupted: bool = False) -> Step:
        """The step that ``run`` was; ``pause`` is :func:`pipelines.load.measures.recogniser_pause`.

        Lines that have no record, in a run that nobody ``interrupted``, are those of sessions that were given up
        because a service was lost.
        """
        due = [turn for turn in run.turns if wants_reply(turn)]
        unsaid = run.lines * run.rounds * run.sessions - len(run.turns) if not interrupted else 0
        together = steady(due)
        window = together or due
        found = [latencies(turn, pause) for turn in window]
        reasons = Counter(turn.reason or "no reason is known" for turn in due if turn.outcome != "answered")
        if unsaid:
            reasons[GIVEN_UP] = unsaid
        begun = [turn.at for turn in run.turns]
        return cls(
            streams=run.sessions,
            rounds=run.rounds,
            complete=not interrupted,
            seconds=max(begun) - min(begun) if begun else 0.0,
            turns=len(due) + unsaid,
            measured=sum(1 for turn in window if turn.outcome == "answered"),
            steady=bool(together) or not due,
            missed=reasons.total(),
            reasons=dict(reasons.most_common()),
            underruns=sum(turn.underruns for turn in run.turns),
            false_cutoffs=sum(turn.false_cutoffs for turn in run.turns),
            keeps=kept(window, unsaid),
            figures={
                measure.key: figure
                for measure in MEASURES
                if (figure := Figure.of([one[measure.key] for one in found if measure.key in one]))
            },
            contributions=_contributions(window),
            batching=batching,
            generator=Generator.of(run),
        )

    def within(self, limit: float) -> bool:
        """Whether 95 % of the turns were answered within ``limit`` seconds."""
        return self.keeps is not None and self.keeps <= limit


class LoadTest(_Record):
    """A whole load test, its steps in the order in which they were run."""

    schema_: int = Field(SCHEMA, alias="schema")
    kind: Literal["sophia-load"] = "sophia-load"
    scenario: str
    fingerprint: str = Field(description="of everything that was played and expected")
    simulated: str | None = Field(None, description="the profile whose delays were simulated; None: real services")
    until_p95: float | None = Field(None, description="the limit that the ramp was to stop at")
    complete: bool = Field(True, description="false: it was interrupted")
    config: dict[str, Any] = Field(default_factory=dict, description="effective settings, without secrets")
    config_hash: str = ""
    environment: dict[str, Any] = Field(default_factory=dict, description="machine, commit, versions, date")
    notes: tuple[str, ...] = ()
    definitions: dict[str, str] = Field(
        default_factory=lambda: {measure.key: measure.ours for measure in MEASURES}, description="of the figures"
    )
    steps: tuple[Step, ...] = ()

    def holds(self, limit: float) -> int:
        """The most streams that kept to ``limit`` seconds, as did every smaller number that was tried; 0 if none."""
        most = 0
        for step in sorted(self.steps, key=lambda step: step.streams):
            if not step.within(limit):
                break
            most = step.streams
        return most


def as_csv(test: LoadTest) -> str:
    """The steps as a table, one row each: seconds with all their digits, empty where nothing was measured."""
    rows = [_row(step) for step in test.steps]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["streams"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(step: Step) -> dict[str, object]:
    row: dict[str, object] = {
        "streams": step.streams,
        "turns": step.turns,
        "measured": step.measured,
        "missed": step.missed,
        "underruns": step.underruns,
        "false_cutoffs": step.false_cutoffs,
        "keeps_p95": step.keeps,
    }
    for measure in MEASURES:
        figure = step.figures.get(measure.key)
        for name in ("mean", "p50", "p95"):
            row[f"{measure.key}_{name}"] = getattr(figure, name) if figure else None
    row |= {f"stage_{name}": step.contributions.get(name) for name in CONTRIBUTIONS}
    batching = step.batching
    row |= {
        f"triton_{name}": getattr(batching, name) if batching else None
        for name in ("requests", "failures", "executions", "mean_batch", "mean_queue", "mean_compute")
    }
    row |= {
        name: getattr(step.generator, name) if step.generator else None
        for name in ("lag", "process_cores", "machine_cpu", "stolen")
    }
    return row


def _contributions(turns: Sequence[Turn]) -> dict[str, float]:
    """The mean of each stage over the turns whose time adds up."""
    told = [turn.contributions for turn in turns if turn.contributions]
    return {name: statistics.fmean(one.get(name, 0.0) for one in told) for name in CONTRIBUTIONS} if told else {}
