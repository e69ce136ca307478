"""Whether the machine that ran the load kept up: only then are the figures the services'.

Read from the counters that every run keeps of its machine, see :mod:`pipelines.machine.counters`.
"""

from __future__ import annotations

import statistics
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from pipelines.machine.counters import WORST_LAG
from pipelines.machine.host import MACHINE_CPU, PROCESS_CPU, STOLEN
from pipelines.machine.series import Quantity
from pipelines.records.results import Run
from sophia.audio import FRAME_SECONDS

BUSY: Final = 0.9
"""Share of all cores, on average over a step, from which the machine counts as saturated."""

LATE: Final = FRAME_SECONDS
"""Seconds that the event loop may be late; beyond, callers' frames leave late and latencies grow by it."""

GIVEN_AWAY: Final = 0.05
"""Share of the machine that its host may give to others before latencies show it."""


class Generator(BaseModel):
    """What one step cost the machine that ran it; None where that cannot be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lag: float | None = Field(
        None, description="worst lag of the event loop in a second: 95th percentile of all seconds"
    )
    process_cores: float | None = Field(
        None, description="cores that this process used: callers and loop, not the services"
    )
    machine_cpu: float | None = Field(None, description="share of all cores in use, by whomever")
    stolen: float | None = Field(None, description="share of the machine that its host gave to others")

    @classmethod
    def of(cls, run: Run) -> Generator | None:
        """What ``run`` cost; None if nobody counted, as where services are simulated."""
        if not run.counters:
            return None
        lags = _values(run, WORST_LAG)
        return cls(
            lag=float(np.quantile(lags, 0.95)) / 1000 if lags else None,
            process_cores=_share(run, PROCESS_CPU),
            machine_cpu=_share(run, MACHINE_CPU),
            stolen=_share(run, STOLEN),
        )

    def trouble(self) -> str:
        """Why the figures may be this machine's and not the services'; empty if it kept up."""
        found = []
        if self.lag is not None and self.lag > LATE:
            found.append(f"the event loop was {self.lag * 1000:.0f} ms late")
        if self.machine_cpu is not None and self.machine_cpu > BUSY:
            found.append(f"{self.machine_cpu:.0%} of this machine's cores were in use")
        if self.stolen is not None and self.stolen > GIVEN_AWAY:
            found.append(f"its host gave {self.stolen:.0%} of it to others")
        return ", ".join(found)


def _values(run: Run, quantity: Quantity) -> list[float]:
    """The samples of ``quantity`` from the run's beginning on; connecting and warming up lie before it."""
    return [
        value
        for counter in run.counters
        if counter.name == quantity.name
        for time, value in zip(counter.times, counter.values, strict=True)
        if time > 0
    ]


def _share(run: Run, quantity: Quantity) -> float | None:
    values = _values(run, quantity)
    return statistics.fmean(values) / 100 if values else None
