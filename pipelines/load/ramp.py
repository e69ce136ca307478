"""The steps of a load test: how many sessions, for how long, when it is enough, and what was found so far.

No services and no clock here: whoever runs the steps asks :class:`Ramp` what comes next and tells it what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nova.services.triton_statistics import ModelStatistics
from pipelines.load.measures import recogniser_pause
from pipelines.load.results import Batching, LoadTest, Step
from pipelines.machine.environment import config_hash
from pipelines.records.results import Run
from pipelines.scenarios.scenario import Scenario
from pipelines.settings.model import Settings, shareable

REPLY_SECONDS = 4.0
"""What a reply and the waits around it take, about; for telling how many rounds fill a given time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``streams`` are the numbers of sessions at once, in the order in which they are tried.

    ``until_p95`` (seconds) ends the ramp after the first step that does not keep to it.
    """

    scenario: Scenario
    streams: tuple[int, ...]
    rounds: int = 1
    until_p95: float | None = None
    seed: int = 0


@dataclass(slots=True)
class Ramp:
    """A load test while it is run. ``simulated`` names the profile; ``notes`` are worth telling, one line each."""

    plan: Plan
    settings: Settings
    simulated: str | None = None
    notes: list[str] = field(default_factory=list)
    _steps: list[Step] = field(default_factory=list)
    _environment: dict[str, Any] = field(default_factory=dict)
    _interrupted: bool = False

    def steps(self) -> Iterator[int]:
        """The numbers of sessions that are to be tried, one after the other, as long as it makes sense."""
        for streams in self.plan.streams:
            yield streams
            if self._steps and self.plan.until_p95 is not None and not self._steps[-1].within(self.plan.until_p95):
                return

    def take(self, run: Run, *, counted: ModelStatistics | None = None, interrupted: bool = False) -> Step:
        """What came of a step; ``counted`` is what Triton counted in it."""
        batching = None if counted is None else Batching.of(counted)
        step = Step.of(run, recogniser_pause(self.settings.asr), batching, interrupted=interrupted)
        self._steps.append(step)
        self._environment = run.environment
        return step

    def interrupt(self) -> None:
        """It ends before its time."""
        self._interrupted = True

    def note(self, line: str) -> None:
        """Something worth telling, once."""
        if line not in self.notes:
            self.notes.append(line)

    def test(self) -> LoadTest:
        """Everything that was found so far."""
        scenario, config = self.plan.scenario, shareable(self.settings)
        return LoadTest(
            scenario=scenario.name,
            fingerprint=scenario.fingerprint,
            simulated=self.simulated,
            until_p95=self.plan.until_p95,
            complete=not self._interrupted,
            config=config,
            config_hash=config_hash(config),
            environment=self._environment,
            notes=(*scenario.notes, *self.notes),
            steps=tuple(self._steps),
        )


def rounds_for(scenario: Scenario, seconds: float) -> int:
    """How many rounds of ``scenario`` last about so many seconds; at least one."""
    lines = [line for talk in scenario.talks for line in talk.lines]
    one = sum(line.seconds + max(0.0, line.cue.seconds) + REPLY_SECONDS for line in lines)
    return max(1, math.ceil(seconds / one)) if one else 1
