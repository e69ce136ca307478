"""Two sessions at once over TLS against services of the test's own, with Triton's counters read before and after."""
# ruff: noqa: N802 - the methods' names are the protocols'

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from lab import Lab, config, serving
from rich.console import Console
from tritonclient.grpc import service_pb2 as pb

from pipelines.load.live import run_live
from pipelines.load.progress import ShownLoad
from pipelines.load.ramp import Plan, Ramp
from pipelines.load.results import LoadTest
from pipelines.load.table import show
from pipelines.replay import runner
from pipelines.scenarios.loading import load_scenario
from pipelines.settings.model import load_settings

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]
QUESTION = Path(__file__).parents[3] / "pipelines/soundbites/02_what_time.wav"


class CountingLab(Lab):
    """Counts its requests as Triton does, two in each batch and 5 ms of waiting each."""

    requests = 0
    keeps_statistics = True

    async def ModelStreamInfer(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        self.requests += 1
        async for answer in super().ModelStreamInfer(requests, context):
            yield answer

    async def ModelStatistics(self, request: Any, context: Any) -> Any:
        if not self.keeps_statistics:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        answer = pb.ModelStatisticsResponse()
        model = answer.model_stats.add(name=request.name, version="1", inference_count=self.requests)
        model.execution_count = self.requests // 2
        model.inference_stats.success.count = self.requests
        model.inference_stats.queue.ns = 5_000_000 * self.requests
        return answer


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "STAGGER_SECONDS", 0.3)
        yield


async def measured(lab: CountingLab, pki: Path, folder: Path, *streams: int) -> tuple[LoadTest, str]:
    async with serving(lab, pki) as port:
        ports = dict.fromkeys(("asr", "llm", "tts", "face"), port)
        settings = load_settings(config(folder, pki, ports, face__enabled=False), {}, {})
        ramp = Ramp(Plan(load_scenario(QUESTION), streams), settings)
        console = Console(file=io.StringIO(), width=100, highlight=False)
        with ShownLoad(console) as progress:
            await run_live(ramp, progress, cooldown=0.0)
    test = ramp.test()
    show(test, console)
    assert isinstance(console.file, io.StringIO)
    return test, console.file.getvalue()


@pytest.mark.side_by_side
async def test_sessions_at_once_over_tls(pki: Path, tmp_path: Path) -> None:
    lab = CountingLab()
    test, told = await measured(lab, pki, tmp_path, 2)
    (step,) = test.steps
    assert (step.streams, step.turns, step.missed) == (2, 2, 0), told
    assert set(step.figures) == {"e2e", "asr", "ttft", "first_clause", "ttfb"}
    assert step.keeps is not None
    assert step.keeps >= step.figures["e2e"].p50
    assert step.batching is not None
    assert step.batching.requests >= 2
    assert step.batching.requests < lab.requests  # the warm-up's were counted before
    assert step.batching.mean_queue == pytest.approx(0.005)
    assert step.generator is not None
    assert step.generator.process_cores
    assert "mean batch" in told
    assert test.environment
    assert test.config["llm"]["model"]


@pytest.mark.side_by_side
async def test_a_server_without_statistics_is_a_note(pki: Path, tmp_path: Path) -> None:
    lab = CountingLab()
    lab.keeps_statistics = False
    test, told = await measured(lab, pki, tmp_path, 1)
    assert test.notes == ("No counters of batching: the server keeps no statistics.",)
    assert test.steps[0].missed == 0, told
    assert test.steps[0].batching is None
