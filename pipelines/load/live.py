"""A load test against real services: the ones that the settings name, or the embedded ones, over the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import grpc.aio

from nova.errors import ModelError
from nova.services.triton_statistics import ModelStatistics, model_statistics
from pipelines.load.progress import LoadProgress
from pipelines.load.ramp import Ramp
from pipelines.records.results import Turn
from pipelines.replay.live import header, replay_live
from pipelines.replay.runner import Progress
from pipelines.services.channels import metadata_for, open_channel
from pipelines.settings.model import Settings
from pipelines.talk.runtime import Runtime

COOLDOWN_SECONDS = 5.0
"""Pause between two steps, in which queues run empty."""

COUNTED_SECONDS = 0.3
"""Pause after a step's last turn: Triton counts a request some milliseconds after its answer."""

ReadStatistics = Callable[[], Awaitable[ModelStatistics | None]]


async def run_live(ramp: Ramp, progress: LoadProgress, *, cooldown: float) -> None:
    """Runs the steps of ``ramp``, which is told what came of each; ``cooldown`` is the rest between two, in seconds.

    Cancel it to interrupt it: the turns of the step that was going on are taken, too. Raises
    :class:`~pipelines.conversation.generation.StageFailed` for a service that is not there when a step begins.
    """
    settings, plan = ramp.settings, ramp.plan
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(Runtime(settings, sessions=max(plan.streams), notice=progress.note))
        settings = runtime.settings
        read = await stack.enter_async_context(_statistics(settings, ramp.note))
        for number, streams in enumerate(ramp.steps()):
            if number:
                await asyncio.sleep(cooldown)
            progress.step(streams)
            said = _Step(progress, read)
            try:
                run = await replay_live(runtime, plan.scenario, rounds=plan.rounds, sessions=streams, progress=said)
            except asyncio.CancelledError:
                run = header(settings, plan.scenario, rounds=plan.rounds, sessions=streams)
                if said.turns:
                    progress.finished(ramp.take(run.model_copy(update={"turns": tuple(said.turns)}), interrupted=True))
                raise
            await asyncio.sleep(COUNTED_SECONDS)
            before, after = said.before and await said.before, await read()
            progress.finished(ramp.take(run, counted=after.since(before) if after and before else None))


@asynccontextmanager
async def _statistics(settings: Settings, note: Callable[[str], None]) -> AsyncIterator[ReadStatistics]:
    """How to read the counters of the mind's model; gives None, and a note, where they are not to be had."""

    async def nothing() -> None:
        return None

    if settings.llm.backend != "triton":
        note(f"No counters of batching: the mind's backend is {settings.llm.backend}, which keeps none that we read.")
        yield nothing
        return
    endpoint = settings.llm.endpoint
    async with open_channel(endpoint) as channel:

        async def read() -> ModelStatistics | None:
            try:
                return await model_statistics(channel, settings.llm.model, metadata_for(endpoint))
            except ModelError as error:
                note(f"No counters of batching: {error}.")
            except grpc.aio.AioRpcError as error:  # a mind that is down is told by the replay, and better
                note(f"No counters of batching: the mind did not tell them ({error.code().name.lower()}).")
            return None

        yield read


class _Step(Progress):
    """Passes everything on, keeps the turns for a step that is interrupted, and reads the counters at its beginning.

    They are read when it begins, for then nobody has asked the model anything yet.
    """

    def __init__(self, inner: Progress, read: ReadStatistics) -> None:
        self.turns: list[Turn] = []
        self.before: asyncio.Future[ModelStatistics | None] | None = None
        self._inner = inner
        self._read = read

    def begin(self, lines: int) -> None:
        self.before = asyncio.ensure_future(self._read())
        self._inner.begin(lines)

    def turn(self, turn: Turn) -> None:
        self.turns.append(turn)
        self._inner.turn(turn)

    def note(self, line: str) -> None:
        self._inner.note(line)
