"""The benchmark's three parts: one client under growing load, batches against one after another, clients compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import grpc
import numpy as np

from nova.benchmark.clients import Client
from nova.benchmark.measure import Load, told
from nova.benchmark.results import Batched, Compared, Median, Point, Report
from nova.benchmark.workload import Workload
from nova.services.triton_client import Metadata, TritonMind
from nova.services.triton_statistics import ModelStatistics, StatisticsUnavailable, model_statistics

SETTLE = 0.05
"""Seconds that Triton is given to count a request whose answer has come; its counters lag by milliseconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. ``compare`` runs the other clients, too, at each ``concurrency``."""

    concurrency: Sequence[int] = (1, 2, 4, 8, 16)
    rates: Sequence[float] = ()
    batch: Sequence[int] = ()
    compare: bool = False
    requests: int = 64
    rounds: int = 6
    warm_up: int = 4
    seed: int = 1

    def work(self, clients: int) -> int:
        """All requests, but for those of the warm-up, if ``clients`` are compared."""
        compared = self.rounds * clients * self.requests * len(self.concurrency) if self.compare else 0
        return self.requests * (len(self.concurrency) + len(self.rates)) + 2 * self.rounds * sum(self.batch) + compared


@dataclass(frozen=True, slots=True)
class Target:
    """The served model. ``clients`` begin with ours, which asks by ``mind``; the others are for comparison.

    ``limit`` is the longest time for one answer in seconds.
    """

    mind: TritonMind
    channel: grpc.aio.Channel
    clients: Sequence[Client]
    limit: float
    metadata: Callable[[], Metadata] = tuple


class Suite:
    """Measures ``target`` by ``plan`` and fills ``report`` as it goes.

    ``progress`` is called with a line about what is measured and the number of answers since its last call.
    """

    def __init__(
        self,
        plan: Plan,
        target: Target,
        report: Report,
        progress: Callable[[str, int], None] = lambda line, done: None,
    ) -> None:
        self.report = report
        self._plan, self._progress = plan, progress
        self._clients, self._mind = target.clients, target.mind
        self._channel, self._metadata, self._limit = target.channel, target.metadata, target.limit
        self._workload = Workload(plan.seed)

    async def run(self) -> None:
        """All parts. Raises what the loads raise; what was measured until then is in the report."""
        plan = self._plan
        await self._warm_up()
        for concurrency in plan.concurrency:
            await self._closed(concurrency)
        for rate in plan.rates:
            await self._open(rate)
        for size in plan.batch:
            await self._batches(size)
        for concurrency in plan.concurrency if plan.compare else ():
            await self._compare(concurrency)

    async def _warm_up(self) -> None:
        self._progress("warming up", 0)
        await self._mind.warm_up()
        for client in self._clients:
            load = await self._load(client, self._plan.warm_up, "warming up", counts=False)
            await load.closed(1)

    async def _closed(self, concurrency: int) -> None:
        load = await self._load(self._clients[0], self._plan.requests, f"{concurrency} at once")
        await self._point(load, lambda: load.closed(concurrency), concurrency, None)

    async def _open(self, rate: float) -> None:
        load = await self._load(self._clients[0], self._plan.requests, f"{rate:g} requests/s arrive")
        arrivals = self._workload.arrivals(self._plan.requests, rate)
        await self._point(load, lambda: load.open(arrivals), None, rate)

    async def _point(
        self, load: Load, run: Callable[[], Awaitable[None]], concurrency: int | None, rate: float | None
    ) -> None:
        server = None
        before = await self._counted()
        try:
            await run()
            await asyncio.sleep(SETTLE)
            server = told(before, await self._counted())
        finally:
            if load.answers:
                self.report.points.append(load.point(concurrency=concurrency, rate=rate, server=server))

    async def _load(self, client: Client, requests: int, line: str, *, counts: bool = True) -> Load:
        self._progress(line, 0)
        await client.prepare(self._workload.take(requests))
        return Load(client, requests, self._limit, lambda: self._progress(line, int(counts)))

    async def _batches(self, size: int) -> None:
        sequential: list[float] = []
        batched: list[float] = []
        inferences = executions = 0
        try:
            for turn in range(self._plan.rounds):
                self._progress(f"batch of {size}", 0)
                for together in (False, True) if turn % 2 else (True, False):
                    before = await self._counted() if together else None
                    rate = await self._prompts(size, together=together)
                    (batched if together else sequential).append(rate)
                    if before is not None:
                        await asyncio.sleep(SETTLE)
                        after = await self._counted()
                        grown = after.since(before) if after else before.since(before)
                        inferences, executions = inferences + grown.inferences, executions + grown.executions
                    self._progress(f"batch of {size}", size)
        finally:
            if rounds := min(len(sequential), len(batched)):
                self.report.batches.append(
                    Batched(
                        size=size,
                        how=self._how(),
                        rounds=rounds,
                        sequential=Median.of(sequential),
                        batched=Median.of(batched),
                        speedup=Median.of([b / s for b, s in zip(batched, sequential, strict=False)]),
                        mean_batch_size=inferences / executions if executions else None,
                    )
                )

    def _how(self) -> Literal["tensor", "streams", "requests"]:
        if self.report.decoupled:
            return "streams"
        return "tensor" if self.report.max_batch_size > 0 else "requests"

    async def _prompts(self, size: int, *, together: bool) -> float:
        """Prompts answered for each second, ``size`` of them together or one after another."""
        conversations = self._workload.take(size)
        begun = time.perf_counter()
        if together:
            await self._mind.complete(conversations)
        else:
            for conversation in conversations:
                await self._mind.complete([conversation])
        return size / (time.perf_counter() - begun)

    async def _compare(self, concurrency: int) -> None:
        found: dict[str, list[Point]] = {client.name: [] for client in self._clients}
        try:
            for turn in range(self._plan.rounds):
                for client in in_turn(self._clients, turn):  # interleaved, so that other work on the machine hits all
                    load = await self._load(client, self._plan.requests, f"{client.name}, {concurrency} at once")
                    await load.closed(concurrency)
                    found[client.name].append(load.point(concurrency=concurrency, server=None))
        finally:
            rounds = min(len(points) for points in found.values())
            if rounds:
                kept = {name: points[:rounds] for name, points in found.items()}
                self.report.compared.append(compared(concurrency, kept, self._clients[0].name))

    async def _counted(self) -> ModelStatistics | None:
        try:
            return await model_statistics(self._channel, self._mind.settings.model, self._metadata)
        except StatisticsUnavailable:
            return None


def in_turn(clients: Sequence[Client], turn: int) -> list[Client]:
    """The clients in the order of a round: each begins equally often, and follows each other equally often."""
    first = turn % len(clients)
    order = [*clients[first:], *clients[:first]]
    return order[::-1] if turn // len(clients) % 2 else order


def compared(concurrency: int, rounds: dict[str, list[Point]], ours: str) -> Compared:
    """The clients' rounds put together; ``rounds`` holds as many points of each, in the order of the rounds."""

    def each(value: Callable[[Point], float]) -> dict[str, Median]:
        return {name: Median.of([value(point) for point in points]) for name, points in rounds.items()}

    def to_others(value: Callable[[Point], float]) -> dict[str, Median]:
        return {
            name: Median.of([value(a) / value(b) for a, b in zip(rounds[ours], points, strict=True)])
            for name, points in rounds.items()
            if name != ours
        }

    rates = {name: [point.requests_per_second for point in points] for name, points in rounds.items()}
    best = {name: float(np.quantile(values, 0.9)) for name, values in rates.items()}
    return Compared(
        concurrency=concurrency,
        rounds=len(rounds[ours]),
        requests=rounds[ours][0].requests,
        rates=rates,
        requests_per_second=each(lambda point: point.requests_per_second),
        tokens_per_second=each(lambda point: point.tokens_per_second),
        first_token=each(lambda point: point.first_token.p50 if point.first_token else 0.0),
        cpu_per_request=each(lambda point: point.cpu_per_request),
        request_ratio=to_others(lambda point: point.requests_per_second),
        token_ratio=to_others(lambda point: point.tokens_per_second),
        best_ratio={name: best[ours] / value for name, value in best.items() if name != ours},
    )
