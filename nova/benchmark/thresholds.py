"""Limits that make a benchmark a test: what a load, a batch or the comparison must keep, from a YAML file.

``missed`` tells what was not kept, in lines for people. A limit on something that is not measured is a mistake in the
file and no pass: ``unmeasured`` finds those before anything is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from nova.benchmark.results import Batched, Compared, Point, Report

Seconds = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]


class _Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LoadLimits(_Limits):
    """For one load. Times are the most, rates the least."""

    first_token_p50: Seconds | None = Field(None, description="seconds at most")
    first_token_p95: Seconds | None = Field(None, description="seconds at most")
    inter_token_p50: Seconds | None = Field(None, description="seconds at most")
    inter_token_p95: Seconds | None = Field(None, description="seconds at most")
    whole_p95: Seconds | None = Field(None, description="seconds at most")
    requests_per_second: Rate | None = Field(None, description="at least")
    tokens_per_second: Rate | None = Field(None, description="at least")
    failed: int | None = Field(None, ge=0, description="failed requests at most")


class BatchLimits(_Limits):
    """For one batch size."""

    speedup: Rate | None = Field(None, description="batched to sequential, median of the rounds, at least")


class RatioLimits(_Limits):
    """For our client against another at every concurrency, at least.

    Missed where the whole 95 % interval of the rounds' median lies below, so that noise alone seldom makes a miss.
    """

    requests: Rate | None = None
    tokens: Rate | None = None


class Thresholds(_Limits):
    """All limits. Keys are the concurrency, the rate of arrivals, the batch size and the name of the other client."""

    concurrency: dict[int, LoadLimits] = Field(default_factory=dict, description="limits by requests at once")
    rate: dict[float, LoadLimits] = Field(default_factory=dict, description="limits by requests for each second")
    batch: dict[int, BatchLimits] = Field(default_factory=dict, description="limits by batch size")
    compared: dict[str, RatioLimits] = Field(default_factory=dict, description="limits by the other client's name")

    def unmeasured(
        self, concurrency: Sequence[int], rates: Sequence[float], batch: Sequence[int], clients: Sequence[str]
    ) -> list[str]:
        """A line for each limit on what is not going to be measured."""
        pairs: tuple[tuple[str, Sequence[object], Sequence[object], str], ...] = (
            ("concurrency", tuple(self.concurrency), concurrency, "--concurrency"),
            ("rate", tuple(self.rate), rates, "--rate"),
            ("batch", tuple(self.batch), batch, "--batch"),
            ("compared", tuple(self.compared), clients, "--compare"),
        )
        return [
            f"{section}.{key} has limits but is not measured: add it to {option}, or take the limits out."
            for section, wanted, given, option in pairs
            for key in wanted
            if key not in given
        ]

    def missed(self, report: Report) -> list[str]:
        """A line for each limit that ``report`` does not keep."""
        found: list[str] = []
        for point in report.points:
            limits = (
                self.rate.get(point.rate) if point.rate is not None else self.concurrency.get(point.concurrency or 0)
            )
            if limits is not None:
                found += _load(point, limits)
        for batched in report.batches:
            found += _batch(batched, self.batch.get(batched.size, BatchLimits()))
        for compared in report.compared:
            for client, ratios in self.compared.items():
                found += _ratios(compared, client, ratios)
        return found


def name_of(point: Point) -> str:
    """A load in words."""
    return f"{point.rate:g} requests/s" if point.rate is not None else f"{point.concurrency} at once"


def _load(point: Point, limits: LoadLimits) -> Iterator[str]:
    where = name_of(point)
    for name in ("first_token_p50", "first_token_p95", "inter_token_p50", "inter_token_p95", "whole_p95"):
        most = getattr(limits, name)
        if most is None:
            continue
        spread, quantile = getattr(point, name[:-4]), name[-3:]
        said = name.replace("_", " ")
        if spread is None:
            yield f"{where}: {said} was not measured, because there were too few tokens."
        elif (value := getattr(spread, quantile)) > most:
            yield f"{where}: {said} is {value * 1000:.1f} ms, more than {most * 1000:g} ms."
    for name in ("requests_per_second", "tokens_per_second"):
        least, value = getattr(limits, name), getattr(point, name)
        if least is not None and value < least:
            yield f"{where}: {name.replace('_per_second', '/s')} is {value:.1f}, less than {least:g}."
    if limits.failed is not None and point.failed > limits.failed:
        yield f"{where}: {point.failed} requests failed, more than {limits.failed}."


def _batch(batched: Batched, limits: BatchLimits) -> Iterator[str]:
    if limits.speedup is not None and batched.speedup.median < limits.speedup:
        yield f"batch of {batched.size}: speed-up is {batched.speedup.median:.2f}, less than {limits.speedup:g}."


def _ratios(compared: Compared, client: str, limits: RatioLimits) -> Iterator[str]:
    for what, ratios, least in (
        ("requests/s", compared.request_ratio, limits.requests),
        ("tokens/s", compared.token_ratio, limits.tokens),
    ):
        if least is not None and (ratio := ratios[client]).high < least:
            where = f"{compared.concurrency} at once"
            yield f"{where}: {what} are {ratio.low:.2f} to {ratio.high:.2f} of {client}'s, less than {least:g}."
