"""A replay against real services: the ones that the settings name, or the embedded ones, over the network."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection
from contextlib import AsyncExitStack
from functools import partial

from nova.history import History
from pipelines.conversation.conversation import Parts
from pipelines.conversation.watcher import Watcher
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.failures import diagnose
from pipelines.home import home
from pipelines.machine.counters import MachineCounters, find_gpu
from pipelines.machine.environment import config_hash, environment
from pipelines.records.results import Run, Unit
from pipelines.replay.runner import Plan, Progress, Stage, run_all
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Scenario
from pipelines.services.connect import Services, connected, endpoints, warm_up
from pipelines.settings.model import Settings, shareable
from pipelines.telemetry.ledger import Ledger
from pipelines.telemetry.metrics import Metrics
from pipelines.telemetry.setup import Telemetry
from pipelines.telemetry.spans import Labels, TurnSpan
from sophia.silero import SileroModel, VoiceDetector
from sophia.sinks import NullSink
from sophia.turns import TurnTaking


class LiveParts:
    """Real services: each session has clients of its own. The voice is played to nobody, in real time."""

    def __init__(self, settings: Settings, services: list[Services]) -> None:
        self._settings = settings
        self._services = services
        self._model = SileroModel()

    def parts(self, caller: Caller, unit: Unit) -> Parts:
        settings, services = self._settings, self._services[unit.session]
        return Parts(
            source=caller,
            asr=services.new_recognizer(),
            detector=lambda emit: VoiceDetector(self._model, settings.microphone.vad, emit),
            turns=TurnTaking(settings.turns),
            llm=services.llm,
            history=History(settings.llm.persona, settings.llm.history_tokens),
            tts=services.tts,
            phrases=services.phrases,
            sink=NullSink(),
            face=services.face,
        )


def header(settings: Settings, scenario: Scenario, *, rounds: int, sessions: int) -> Run:
    """The run as it is known before its first turn."""
    config = shareable(settings)
    return Run(
        scenario=scenario.name,
        fingerprint=scenario.fingerprint,
        lines=scenario.lines,
        rounds=rounds,
        sessions=sessions,
        complete=False,
        config=config,
        config_hash=config_hash(config),
        environment=environment(),
    )


async def replay_live(
    settings: Settings,
    scenario: Scenario,
    *,
    rounds: int = 1,
    sessions: int = 1,
    progress: Progress | None = None,
    done: Collection[Unit] = (),
    dcgm: str | None = None,
    telemetry: Telemetry | None = None,
) -> Run:
    """Plays ``scenario`` against the services of ``settings``, starting the embedded ones if it says so.

    Units that are ``done`` are left out. ``dcgm`` is the URL of a DCGM exporter to ask for the GPUs' counters, where
    they are not this machine's; ``telemetry`` is for a process that replays more than once. The run is not ``complete``
    if a service was lost for good in the middle. Raises :class:`~.StageFailed` for a service that
    is not there at the beginning. Cancel it to interrupt it; what was played until then was told to ``progress``.
    """
    progress = progress or Progress()
    loop = asyncio.get_running_loop()
    plan = Plan(scenario, rounds, sessions, done)
    run = header(settings, scenario, rounds=rounds, sessions=sessions)
    async with AsyncExitStack() as stack:
        if settings.embedded:
            embedded = EmbeddedServices(settings, home(), progress.note)
            settings = (await stack.enter_async_context(embedded)).settings
        services = [await _connect(stack, settings, progress) for _ in range(sessions)]
        await _warm(services, settings, progress)
        if telemetry is None:
            telemetry = Telemetry(settings.telemetry, clock=loop.time, warn=progress.note)
            telemetry.install()
            stack.push_async_callback(telemetry.aclose)
        labels = Labels(settings.llm.model, settings.llm.backend, settings.asr.language, settings.tts.voice)
        span = telemetry.start_conversation(uuid.uuid4().hex, labels)
        stack.callback(span.end)
        for _ in range(sessions):
            stack.enter_context(telemetry.metrics.session())
        machine = MachineCounters(partial(find_gpu, dcgm))
        stage = Stage(LiveParts(settings, services), loop.time(), _Metered(telemetry.metrics), span)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(machine.run()), group.create_task(telemetry.metrics.watch_loop())]
            turns = await run_all(plan, stage, progress)
            for task in beside:
                task.cancel()
        for note in machine.notes:
            progress.note(note)
        for failure in stage.lost[-1:]:
            told = await diagnose(failure.cause, failure.service, endpoints(settings).get(failure.service))
            progress.note(f"{told.line} {told.hint}")
    return run.model_copy(
        update={"turns": tuple(turns), "complete": len(turns) == plan.lines, "counters": machine.counters(stage.began)}
    )


async def _connect(stack: AsyncExitStack, settings: Settings, progress: Progress) -> Services:
    def trouble(error: Exception, seconds: float) -> None:
        progress.note(f"asr: {error or type(error).__name__}; trying again in {seconds:.1f} s")

    return await stack.enter_async_context(connected(settings, trouble))


async def _warm(services: list[Services], settings: Settings, progress: Progress) -> None:
    """Warms the services up through the first session's clients; the canned phrases are the same for all."""
    first, *others = services
    for failure in await warm_up(first):
        if failure.service != "face":
            raise failure
        told = await diagnose(failure.cause, "face", endpoints(settings)["face"])
        progress.note(f"{told.line} The replay goes on without a face.")
        first.face = None
    for other in others:
        other.phrases = first.phrases
        if first.face is None:
            other.face = None


class _Metered(Watcher):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def turn(self, ledger: Ledger, span: TurnSpan | None) -> None:
        trace = span.trace_id if span else ""
        self._metrics.record(ledger, trace_id=trace, context=span.context if span else None)

    def fault(self, service: str, error: Exception) -> str:
        self._metrics.error(service)
        return super().fault(service, error)
