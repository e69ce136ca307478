"""Loads on a virtual clock: what is in flight, what is noted, and what is left of a run that ends early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.benchmark.measure import Load
from nova.benchmark.workload import Conversation, Workload
from nova.errors import ModelError
from pipelines import virtual_time


class Simulated:
    """Answers with exact delays, in seconds; ``gate`` lets only so many answers run at once, as a server would."""

    name = "simulated"

    def __init__(self, first: float = 0.1, token: float = 0.01, tokens: int = 5, slots: int = 100) -> None:
        self.first, self.token, self.tokens = first, token, tokens
        self.failing: dict[int, Exception] = {}
        self.running = self.most = 0
        self.asked: list[int] = []
        self._gate = asyncio.Semaphore(slots)

    async def prepare(self, conversations: Sequence[Conversation]) -> None: ...

    async def ask(self, index: int, token: Callable[[], None]) -> None:
        self.asked.append(index)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            async with self._gate:
                await asyncio.sleep(self.first)
                if index in self.failing:
                    raise self.failing[index]
                for at in range(self.tokens):
                    await asyncio.sleep(self.token if at else 0)
                    token()
        finally:
            self.running -= 1


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a coroutine in virtual time, which the benchmark's clock shows, too."""
    clock = SimpleNamespace(perf_counter=lambda: asyncio.get_running_loop().time(), process_time=lambda: 0.0)
    monkeypatch.setattr("nova.benchmark.measure.time", clock)
    return virtual_time.run


def test_a_closed_load_keeps_as_many_in_flight(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def main() -> None:
        client = Simulated()
        load = Load(client, 10, 60.0)
        await load.closed(4)
        point = load.point(concurrency=4, server=None)
        assert sorted(client.asked) == list(range(10))
        assert client.most == 4
        assert (point.requests, point.failed, point.tokens, point.complete) == (10, 0, 50, True)
        assert point.seconds == pytest.approx(3 * 0.14)  # 4, 4 and 2 at once, each 0.1 s and four gaps
        assert point.requests_per_second == pytest.approx(10 / 0.42)
        assert point.tokens_per_second == pytest.approx(50 / 0.42)
        assert point.first_token is not None
        assert point.inter_token is not None
        assert point.whole is not None
        assert (point.first_token.p50, point.first_token.most) == pytest.approx((0.1, 0.1))
        assert (point.inter_token.n, point.inter_token.p95) == pytest.approx((40, 0.01))
        assert point.whole.p50 == pytest.approx(0.14)

    run(main())


def test_an_open_load_counts_from_when_a_request_was_due(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def main() -> None:
        load = Load(Simulated(first=1.0, tokens=1, slots=1), 3, 60.0)
        await load.open([0.0, 0.1, 0.2])
        point = load.point(rate=10.0, server=None)
        assert point.first_token is not None
        assert point.first_token.most == pytest.approx(2.8)  # due at 0.2, served third by a server of one at a time
        assert (point.load, point.rate, point.concurrency) == ("open", 10.0, None)

    run(main())


def test_what_the_model_refuses_is_noted_and_left_out(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def main() -> None:
        client = Simulated()
        client.failing = {1: ModelError("queue is full"), 2: ModelError("queue is full")}
        done = 0

        def one_more() -> None:
            nonlocal done
            done += 1

        load = Load(client, 4, 60.0, one_more)
        await load.closed(1)
        point = load.point(concurrency=1, server=None)
        assert (point.requests, point.failed, point.errors) == (2, 2, {"queue is full": 2})
        assert (point.tokens, done) == (10, 4)

    run(main())


def test_an_answer_that_never_ends(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def main() -> None:
        load = Load(Simulated(first=1e6), 2, 30.0)
        with pytest.raises(ModelError, match="none of 2 requests was answered: the answer did not end within 30 s"):
            await load.closed(2)
        assert load.seconds == pytest.approx(30.0)

    run(main())


def test_a_lost_server_ends_the_run_and_what_was_measured_stays(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    async def main() -> None:
        client = Simulated()
        lost = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "closed")
        client.failing = {3: lost}
        load = Load(client, 100, 60.0)
        with pytest.raises(grpc.aio.AioRpcError):
            await load.closed(1)
        point = load.point(concurrency=1, server=None)
        assert (point.requests, point.complete, client.running) == (3, False, 0)

    run(main())


def test_a_stopped_run_keeps_what_was_measured(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def main() -> None:
        client = Simulated()
        load = Load(client, 100, 60.0)
        task = asyncio.create_task(load.closed(2))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        point = load.point(concurrency=2, server=None)
        assert (point.requests, point.complete, client.running) == (6, False, 0)
        assert point.requests_per_second == pytest.approx(6 / 0.5)

    run(main())


def test_every_take_has_the_same_shapes_and_no_prompt_twice() -> None:
    workload = Workload(seed=3)
    first, second = workload.take(20), workload.take(20)

    def shape(conversation: Conversation) -> list[str]:
        return [message.content for message in conversation[1:]]

    assert [shape(c) for c in first] == [shape(c) for c in second] == [shape(c) for c in Workload(seed=3).take(20)]
    assert [shape(c) for c in first] != [shape(c) for c in Workload(seed=4).take(20)]
    assert len({c[0].content for c in first + second}) == 40
    assert len({len(c[0].content) for c in first + second}) == 1  # numbers do not make prompts longer
    assert len({len(c) for c in first}) > 2


@given(st.integers(0, 1000), st.floats(0.1, 1000.0))
def test_arrivals_come_in_order_at_their_rate(seed: int, rate: float) -> None:
    arrivals = list(Workload(seed).arrivals(400, rate))
    assert arrivals == sorted(arrivals)
    assert arrivals == list(Workload(seed).arrivals(400, rate))
    assert 400 / arrivals[-1] == pytest.approx(rate, rel=0.3)  # six standard deviations of the mean of 400 gaps
