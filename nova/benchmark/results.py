"""What a benchmark found, as plain records that are written as JSON. Times are seconds, rates are for each second."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

SCHEMA: Final = 1
"""Version of these records; raised when a reader of older files would misread a newer one."""


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Spread(Record):
    """Quantiles of a sample, interpolated linearly between its values."""

    n: int
    p50: float
    p90: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """The quantiles of ``values``; None if there are none."""
        if not values:
            return None
        p50, p90, p95, p99, most = (float(q) for q in np.quantile(values, (0.5, 0.9, 0.95, 0.99, 1.0)))
        return cls(n=len(values), p50=p50, p90=p90, p95=p95, p99=p99, most=most)


class ServerSide(Record):
    """What Triton counted meanwhile, see :class:`nova.services.triton_statistics.ModelStatistics`."""

    requests: int
    executions: int
    mean_batch_size: float | None
    mean_queue: float | None
    mean_compute: float | None
    batches: dict[int, int] = Field(description="executions by batch size")


class Point(Record):
    """One load, measured with one client. ``token`` stands for a piece of text as the server streamed it."""

    client: str
    load: Literal["closed", "open"] = Field(description="closed: so many at once; open: arrivals at a rate")
    concurrency: int | None = Field(None, description="of a closed load")
    rate: float | None = Field(None, description="of an open load, requests for each second on average")
    requests: int = Field(description="requests that were answered")
    failed: int
    errors: dict[str, int] = Field(default_factory=dict, description="how often each error came")
    complete: bool = Field(True, description="false: stopped before all requests were made")
    seconds: float = Field(description="from the first request to the last answer")
    tokens: int
    requests_per_second: float
    tokens_per_second: float
    first_token: Spread | None = Field(description="from the request (open load: from its due time)")
    inter_token: Spread | None = Field(description="all gaps between two tokens of one answer")
    whole: Spread | None = Field(description="from the request, as above, to the end of its answer")
    cpu_per_request: float = Field(description="processor time of this process, the client's, for each request")
    server: ServerSide | None = Field(None, description="None where the server does not tell")


class Median(Record):
    """The median over rounds, with the 95 % confidence interval that the ranks of the rounds give it.

    The interval assumes nothing of the distribution: the median lies between the k-th smallest and the k-th largest of
    n values but for the chance that a fair coin shows fewer than k heads, or tails, in n throws. With fewer than six
    rounds even the extremes are less certain than that; they are given then.
    """

    n: int
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Median:
        """``values`` are one for each round, at least one."""
        ranked, n = sorted(values), len(values)
        k, tail = 1, 2**-n
        while k < (n + 1) // 2 and (tail := tail + math.comb(n, k) / 2**n) <= 0.025:
            k += 1
        return cls(n=n, median=float(np.median(ranked)), low=ranked[k - 1], high=ranked[n - k])


class Batched(Record):
    """So many prompts given at once, against the same number one after another."""

    size: int
    how: Literal["tensor", "streams", "requests"] = Field(
        description="one request with all prompts, or as many streams or requests at once for the server to batch"
    )
    rounds: int
    sequential: Median = Field(description="prompts for each second")
    batched: Median = Field(description="prompts for each second")
    speedup: Median = Field(description="batched to sequential within a round")
    mean_batch_size: float | None = Field(None, description="executed by the server for the batches; None: not told")


class Compared(Record):
    """The clients at one concurrency, in interleaved rounds. Ratios are ours to theirs within a round."""

    concurrency: int
    rounds: int
    requests: int = Field(description="of each client in each round")
    rates: dict[str, list[float]] = Field(description="requests for each second in each round, by client")
    requests_per_second: dict[str, Median] = Field(description="by client")
    tokens_per_second: dict[str, Median] = Field(description="by client")
    first_token: dict[str, Median] = Field(description="median of a round, by client")
    cpu_per_request: dict[str, Median] = Field(description="by client")
    request_ratio: dict[str, Median] = Field(description="our requests_per_second to that of the other client")
    token_ratio: dict[str, Median] = Field(description="our tokens_per_second to that of the other client")
    best_ratio: dict[str, float] = Field(
        description="our requests_per_second to the other client's, each at the 90th percentile of its rounds: other "
        "work on the machine only ever slows a round down, so the best rounds are the least disturbed"
    )


class Report(BaseModel):
    """A run. Grows while it is measured, so that what was measured is kept when it is stopped."""

    model_config = ConfigDict(extra="forbid")

    version: int = SCHEMA
    environment: dict[str, Any] = Field(description="date, commit, machine and versions")
    server: str = Field(description="name and version as the server tells them")
    model: str
    decoupled: bool
    max_batch_size: int
    simulated: str = Field("", description="what of the served model is not real, and empty if nothing is known")
    max_tokens: int
    seed: int
    interrupted: bool = False
    points: list[Point] = Field(default_factory=list)
    batches: list[Batched] = Field(default_factory=list)
    compared: list[Compared] = Field(default_factory=list)
    missed: list[str] = Field(default_factory=list, description="thresholds that were not kept")
