"""A replay against real services: the ones that the settings name, or the embedded ones, over the network."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial

from pipelines.machine.counters import MachineCounters, find_gpu
from pipelines.machine.environment import config_hash, environment
from pipelines.records.results import Run, Unit
from pipelines.replay.runner import Plan, Progress, Stage, run_all
from pipelines.replay.sessions import LiveSessions
from pipelines.scenarios.scenario import Scenario
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.settings.model import Settings, shareable
from pipelines.talk.runtime import Runtime


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
    runtime: Runtime,
    scenario: Scenario,
    *,
    rounds: int = 1,
    sessions: int = 1,
    progress: Progress | None = None,
    done: Collection[Unit] = (),
    dcgm: str | None = None,
) -> Run:
    """Plays ``scenario`` against the services of ``runtime``, in ``sessions`` side by side.

    Units that are ``done`` are left out. ``dcgm`` is the URL of a DCGM exporter to ask for the GPUs' counters, where
    they are not this machine's. The run is not ``complete`` if a service was lost for good in the middle. Cancel it to
    interrupt it; what was played until then was told to ``progress``.
    """
    progress = progress or Progress()
    plan = Plan(scenario, rounds, sessions, done)
    run = header(runtime.asked, scenario, rounds=rounds, sessions=sessions)
    if runtime.faceless:
        progress.note(f"{runtime.faceless.line} The replay goes on without a face.")
    machine = MachineCounters(partial(find_gpu, dcgm))
    stage = Stage(LiveSessions(runtime, progress.note), asyncio.get_running_loop().time())
    async with asyncio.TaskGroup() as group:
        beside = group.create_task(machine.run())
        turns = await run_all(plan, stage, progress)
        beside.cancel()
    for note in machine.notes:
        progress.note(note)
    for failure in stage.lost[-1:]:
        told = await diagnose(failure.cause, failure.service, endpoints(runtime.settings).get(failure.service))
        progress.note(f"{told.line} {told.hint}")
    return run.model_copy(
        update={"turns": tuple(turns), "complete": len(turns) == plan.lines, "counters": machine.counters(stage.began)}
    )
