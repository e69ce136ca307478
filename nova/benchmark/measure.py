"""Puts one client under one load and notes when each request, token and end came.

A closed load keeps so many requests in flight; an open one lets them arrive at a rate, whatever the server makes of it.
In an open load a request's time counts from when it was due, so that waiting behind slow ones is not left out.

Instants are taken from ``time.perf_counter``: uvloop's own clock ticks in milliseconds, which is a token's time here.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from nova.benchmark.clients import Client
from nova.benchmark.results import Point, ServerSide, Spread
from nova.errors import MindError, ModelError
from nova.services.triton_statistics import ModelStatistics


@dataclass(slots=True)
class Answer:
    """One request: instants of ``time.perf_counter``."""

    asked: float
    tokens: list[float] = field(default_factory=list)
    ended: float | None = None
    error: str = ""


class Load:
    """One client's requests 0 to ``requests`` - 1, of which each may take ``limit`` seconds.

    What was noted stays in ``answers`` when the run is cancelled. Transport errors end the run and are raised; what
    the model refuses is noted and the run goes on, unless nothing at all is answered: then :class:`ModelError` is
    raised with the first reason.
    """

    def __init__(self, client: Client, requests: int, limit: float, done: Callable[[], None] = lambda: None) -> None:
        self.client = client
        self.requests = requests
        self.answers: list[Answer] = []
        self.seconds = 0.0
        self.cpu = 0.0
        self._limit = limit
        self._done = done

    async def closed(self, concurrency: int) -> None:
        """Keeps ``concurrency`` requests in flight until all are answered."""
        indexes = iter(range(self.requests))

        async def worker() -> None:
            for index in indexes:
                await self._one(index, time.perf_counter())

        await self._timed(worker() for _ in range(min(concurrency, self.requests)))

    async def open(self, arrivals: Iterable[float]) -> None:
        """Sends each request at its time of ``arrivals``, in seconds from now."""
        begun = time.perf_counter()

        async def one(index: int, due: float) -> None:
            await asyncio.sleep(due - time.perf_counter())
            await self._one(index, due)

        await self._timed(one(index, begun + at) for index, at in enumerate(itertools.islice(arrivals, self.requests)))

    async def _timed(self, tasks: Iterable[Coroutine[Any, Any, None]]) -> None:
        begun, cpu = time.perf_counter(), time.process_time()
        try:
            async with asyncio.TaskGroup() as group:
                for task in tasks:
                    group.create_task(task)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            self.seconds, self.cpu = time.perf_counter() - begun, time.process_time() - cpu
        if self.answers and all(answer.error for answer in self.answers):
            raise ModelError(f"none of {len(self.answers)} requests was answered: {self.answers[0].error}")

    async def _one(self, index: int, asked: float) -> None:
        answer = Answer(asked)
        now, tokens = time.perf_counter, answer.tokens
        try:
            async with asyncio.timeout(self._limit):
                await self.client.ask(index, lambda: tokens.append(now()))
        except TimeoutError:
            answer.error = f"the answer did not end within {self._limit:g} s"
        except MindError as error:
            answer.error = str(error)
        else:
            answer.ended = now()
        self.answers.append(answer)
        self._done()

    def point(self, *, concurrency: int | None = None, rate: float | None = None, server: ServerSide | None) -> Point:
        """What was measured, also of a run that was stopped."""
        good = [answer for answer in self.answers if not answer.error]
        tokens = sum(len(answer.tokens) for answer in good)
        seconds = max(self.seconds, 1e-9)
        return Point(
            client=self.client.name,
            load="closed" if rate is None else "open",
            concurrency=concurrency,
            rate=rate,
            requests=len(good),
            failed=len(self.answers) - len(good),
            errors=dict(Counter(answer.error for answer in self.answers if answer.error)),
            complete=len(self.answers) == self.requests,
            seconds=self.seconds,
            tokens=tokens,
            requests_per_second=len(good) / seconds,
            tokens_per_second=tokens / seconds,
            first_token=Spread.of([answer.tokens[0] - answer.asked for answer in good if answer.tokens]),
            inter_token=Spread.of([b - a for answer in good for a, b in itertools.pairwise(answer.tokens)]),
            whole=Spread.of([answer.ended - answer.asked for answer in good if answer.ended is not None]),
            cpu_per_request=self.cpu / max(1, len(good)),
            server=server,
        )


def told(before: ModelStatistics | None, after: ModelStatistics | None) -> ServerSide | None:
    """What the server counted between two readings, if it tells."""
    if before is None or after is None:
        return None
    grown = after.since(before)
    return ServerSide(
        requests=grown.requests,
        executions=grown.executions,
        mean_batch_size=grown.mean_batch_size,
        mean_queue=grown.mean_queue,
        mean_compute=grown.mean_compute,
        batches=dict(grown.batches),
    )
