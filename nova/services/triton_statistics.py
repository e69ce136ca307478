"""What Triton itself counted of a model: how requests were batched, how long they waited, how long they were computed.

The counters grow since the server's start. What happened during a measurement is the difference of two readings. They
are read with the statistics call of KServe v2, which an operator may restrict and a stand-in may not have.

Two traps. ``inferences`` counts prompts and ``requests`` counts requests: one request with eight prompts is eight and
one. And an execution is a call of the backend. For a backend that batches in flight, as language models do, the batch
size tells how many requests *came* together. More of them may have *run* together. Compute ends there when the call
returns, not with the last token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from nova.errors import ModelError

_NANO = 1e-9


class StatisticsUnavailable(ModelError):
    """The server does not tell its statistics; the message says why."""


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """A model's counters, all of its versions together. Times are sums over requests, in seconds."""

    model: str
    inferences: int = 0
    """prompts answered"""
    executions: int = 0
    """calls of the backend; each answered a batch of prompts"""
    requests: int = 0
    """requests that succeeded"""
    failures: int = 0
    """requests that did not"""
    queue: float = 0.0
    """waiting for a batch and for a free instance"""
    compute: float = 0.0
    """taking in, computing and giving out"""
    batches: Mapping[int, int] = field(default_factory=dict)
    """executions by batch size"""

    @property
    def mean_batch_size(self) -> float | None:
        """Prompts for each execution; None if nothing was executed."""
        return self.inferences / self.executions if self.executions else None

    @property
    def mean_queue(self) -> float | None:
        """Seconds that a request waited in the server; None if there was none."""
        return self.queue / self.requests if self.requests else None

    @property
    def mean_compute(self) -> float | None:
        """Seconds that a request was computed; None if there was none."""
        return self.compute / self.requests if self.requests else None

    def since(self, before: ModelStatistics) -> ModelStatistics:
        """What was counted after ``before``, an earlier reading of the same model.

        Counters that went back mean that the server was started again: then it is all that was counted since.
        """
        if self.executions < before.executions or self.requests < before.requests:
            return self
        grown = Counter(self.batches)
        grown.subtract(before.batches)
        return ModelStatistics(
            self.model,
            self.inferences - before.inferences,
            self.executions - before.executions,
            self.requests - before.requests,
            self.failures - before.failures,
            self.queue - before.queue,
            self.compute - before.compute,
            {size: count for size, count in sorted(grown.items()) if count > 0},
        )


async def model_statistics(
    channel: grpc.aio.Channel,
    model: str,
    metadata: Callable[[], Sequence[tuple[str, str]]] = tuple,
    *,
    timeout: float = 5.0,
) -> ModelStatistics:
    """The counters of ``model`` as they are now; ``metadata`` is called for the request's.

    A request may be counted some milliseconds after its answer has come. Raises :class:`StatisticsUnavailable` where
    the server does not tell them, and lets every other ``grpc.aio.AioRpcError`` through, such as for an unknown model.
    """
    stub: Any = GRPCInferenceServiceStub(channel)
    try:
        answer = await stub.ModelStatistics(
            pb.ModelStatisticsRequest(name=model), timeout=timeout, metadata=tuple(metadata())
        )
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            raise StatisticsUnavailable("the server keeps no statistics") from None
        if "restricted" in (error.details() or ""):
            raise StatisticsUnavailable("the server restricts its statistics") from None
        raise
    return _sum(model, answer.model_stats)


def _sum(model: str, versions: Sequence[Any]) -> ModelStatistics:
    batches: Counter[int] = Counter()
    nanoseconds = {"queue": 0, "compute": 0}
    for version in versions:
        for batch in version.batch_stats:
            batches[int(batch.batch_size)] += int(batch.compute_infer.count)
        stats = version.inference_stats
        nanoseconds["queue"] += stats.queue.ns
        nanoseconds["compute"] += stats.compute_input.ns + stats.compute_infer.ns + stats.compute_output.ns
    return ModelStatistics(
        model,
        sum(version.inference_count for version in versions),
        sum(version.execution_count for version in versions),
        sum(version.inference_stats.success.count for version in versions),
        sum(version.inference_stats.fail.count for version in versions),
        nanoseconds["queue"] * _NANO,
        nanoseconds["compute"] * _NANO,
        dict(sorted(batches.items())),
    )
