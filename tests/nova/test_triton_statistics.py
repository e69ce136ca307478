# ruff: noqa: N802 - the fake's method names are the protocol's

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from nova.services.triton_statistics import ModelStatistics, StatisticsUnavailable, model_statistics


@dataclass
class Counting(pb_grpc.GRPCInferenceServiceServicer):
    """A Triton that tells what it is given to tell, or refuses."""

    answer: pb.ModelStatisticsResponse = field(default_factory=pb.ModelStatisticsResponse)
    refusal: tuple[grpc.StatusCode, str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    asked: str = ""

    async def ModelStatistics(self, request: Any, context: Any) -> Any:
        self.metadata = dict(context.invocation_metadata())
        self.asked = request.name
        if self.refusal is not None:
            await context.abort(*self.refusal)
        return self.answer

    def tell(self, version: str, *, batches: dict[int, int], requests: int, failed: int = 0, queue: int = 0) -> None:
        told = self.answer.model_stats.add(name="nova", version=version)
        told.inference_count = sum(size * count for size, count in batches.items())
        told.execution_count = sum(batches.values())
        told.inference_stats.success.count = requests
        told.inference_stats.fail.count = failed
        told.inference_stats.queue.count = requests
        told.inference_stats.queue.ns = queue
        told.inference_stats.compute_input.ns = 1_000_000
        told.inference_stats.compute_infer.ns = 8_000_000
        told.inference_stats.compute_output.ns = 1_000_000
        for size, count in batches.items():
            told.batch_stats.add(batch_size=size).compute_infer.count = count


@pytest.fixture
async def server() -> AsyncIterator[tuple[Counting, grpc.aio.Channel]]:
    counting = Counting()
    served = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(counting, served)
    port = served.add_insecure_port("127.0.0.1:0")
    await served.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield counting, channel
    await served.stop(0)


async def test_batches_queue_and_compute(server: tuple[Counting, grpc.aio.Channel]) -> None:
    counting, channel = server
    counting.tell("1", batches={1: 4, 16: 1}, requests=10, failed=2, queue=50_000_000)
    found = await model_statistics(channel, "nova", lambda: (("traceparent", "00-1"),))
    assert (counting.asked, counting.metadata["traceparent"]) == ("nova", "00-1")
    assert (found.inferences, found.executions, found.requests, found.failures) == (20, 5, 10, 2)
    assert found.mean_batch_size == 4.0
    assert found.mean_queue == pytest.approx(0.005)  # by request, not by prompt
    assert found.mean_compute == pytest.approx(0.001)
    assert found.batches == {1: 4, 16: 1}


async def test_all_versions_count(server: tuple[Counting, grpc.aio.Channel]) -> None:
    counting, channel = server
    counting.tell("1", batches={1: 2}, requests=2, queue=4_000_000)
    counting.tell("2", batches={1: 1, 3: 1}, requests=4, queue=2_000_000)
    found = await model_statistics(channel, "nova")
    assert (found.inferences, found.executions, found.batches) == (6, 4, {1: 3, 3: 1})
    assert found.mean_queue == pytest.approx(0.001)


async def test_what_was_counted_meanwhile(server: tuple[Counting, grpc.aio.Channel]) -> None:
    counting, channel = server
    counting.tell("1", batches={1: 4}, requests=4, queue=1_000_000)
    before = await model_statistics(channel, "nova")
    counting.answer.Clear()
    counting.tell("1", batches={1: 4, 8: 2}, requests=20, queue=33_000_000)
    grown = (await model_statistics(channel, "nova")).since(before)
    assert (grown.inferences, grown.executions, grown.batches) == (16, 2, {8: 2})
    assert grown.mean_batch_size == 8.0
    assert grown.mean_queue == pytest.approx(0.002)


def test_nothing_happened() -> None:
    same = ModelStatistics("nova", 3, 2, 3, 0, 0.1, 0.2, {1: 1, 2: 1})
    nothing = same.since(same)
    assert (nothing.mean_batch_size, nothing.mean_queue, nothing.mean_compute, nothing.batches) == (None,) * 3 + ({},)


def test_a_server_that_was_started_again_counts_from_its_start() -> None:
    before = ModelStatistics("nova", 100, 50, 100, 0, 1.0, 2.0, {2: 50})
    after = ModelStatistics("nova", 3, 3, 3, 0, 0.1, 0.2, {1: 3})
    assert after.since(before) == after


@given(st.dictionaries(st.integers(1, 64), st.integers(1, 50)), st.dictionaries(st.integers(1, 64), st.integers(1, 50)))
def test_the_difference_is_what_was_added(first: dict[int, int], more: dict[int, int]) -> None:
    def reading(*batches: dict[int, int]) -> ModelStatistics:
        together: dict[int, int] = {}
        for part in batches:
            for size, count in part.items():
                together[size] = together.get(size, 0) + count
        prompts = sum(size * count for size, count in together.items())
        return ModelStatistics("nova", prompts, sum(together.values()), prompts, batches=together)

    grown = reading(first, more).since(reading(first))
    assert grown.batches == dict(sorted(more.items()))
    assert grown.mean_batch_size == reading(more).mean_batch_size


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        ((grpc.StatusCode.UNIMPLEMENTED, "unknown"), "keeps no statistics"),
        ((grpc.StatusCode.UNAVAILABLE, "This protocol is restricted, expecting header 'x'"), "restricts"),
    ],
)
async def test_a_server_that_does_not_tell(
    server: tuple[Counting, grpc.aio.Channel], refusal: tuple[grpc.StatusCode, str], says: str
) -> None:
    counting, channel = server
    counting.refusal = refusal
    with pytest.raises(StatisticsUnavailable, match=says):
        await model_statistics(channel, "nova")


async def test_an_unknown_model_is_the_transports_error(server: tuple[Counting, grpc.aio.Channel]) -> None:
    counting, channel = server
    counting.refusal = (grpc.StatusCode.NOT_FOUND, "requested model 'x' is not found")
    with pytest.raises(grpc.aio.AioRpcError, match="not found"):
        await model_statistics(channel, "x")
