"""A replay against simulated services on the virtual clock: the same loop, no waiting, and always the same result.

Every figure that comes out is one of simulated services. With one session, playings of a talk are independent. They are
shared out among processes, and the result does not depend on how many there are.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines import virtual_time
from pipelines.command.parent import die_with_parent
from pipelines.machine.environment import config_hash, project_version
from pipelines.records.results import Run, Turn, Unit
from pipelines.replay.conductor import play
from pipelines.replay.runner import Plan, Progress, Stage, run_all
from pipelines.replay.sessions import SimulatedSessions
from pipelines.scenarios.scenario import Scenario
from pipelines.settings.model import Settings, shareable
from pipelines.simulation.judged import judge_for
from pipelines.simulation.profile import ServiceProfile
from pipelines.simulation.services import SimulatedComponents

WORTH_A_PROCESS = 60
"""Lines below which a second process would take longer to start than it saves."""

SIDE_BY_SIDE = 16
"""Playings on one clock: the voice detector judges their frames in one batch, which halves what a turn costs.

They share no services. It must not depend on the number of processes: a shared clock rounds times in its own way.
"""

Group = Sequence[Unit]
Results = list[tuple[list[Turn], float]]
"""For each unit its turns, and how long it took on its clock."""

PAUSE_SECONDS = 1.0
"""Between two playings, on the run's clock."""


@dataclass(frozen=True, slots=True)
class _World:
    """What every playing needs."""

    scenario: Scenario
    settings: Settings
    profile: ServiceProfile
    seed: int


def simulate(
    scenario: Scenario,
    settings: Settings,
    profile: ServiceProfile,
    *,
    rounds: int = 1,
    sessions: int = 1,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Plays ``scenario`` with services as slow as ``profile`` says. Equal arguments give equal runs, to the byte.

    ``jobs`` is how many processes share the work (default: one for each processor; 1 where it is not worth it, and
    always with several sessions, which share their services and so one clock). Raises ``SettingsError`` where the
    settings want a turn model on audio that is not there.
    """
    judge_for(settings)  # a process of a pool could not say what is missing
    progress = progress or Progress()
    plan = Plan(scenario, rounds, sessions, seed=seed)
    world = _World(scenario, settings, profile, seed)
    turns = _together(world, plan, progress) if sessions > 1 else _in_groups(world, plan, jobs, progress)
    config = shareable(settings)
    return Run(
        scenario=scenario.name,
        fingerprint=scenario.fingerprint,
        lines=scenario.lines,
        rounds=rounds,
        sessions=sessions,
        simulated=profile.name,
        config=config,
        config_hash=config_hash(config),
        environment={"services": "simulated", "profile": profile.name, "seed": seed, "version": project_version()},
        turns=tuple(turns),
    )


def _together(world: _World, plan: Plan, progress: Progress) -> list[Turn]:
    async def run() -> list[Turn]:
        return await run_all(
            plan, Stage(SimulatedSessions(_components(world)), asyncio.get_running_loop().time()), progress
        )

    return virtual_time.run(run())


def _in_groups(world: _World, plan: Plan, jobs: int | None, progress: Progress) -> list[Turn]:
    progress.begin(plan.lines)
    units = list(plan.of(0))
    groups = [units[first : first + SIDE_BY_SIDE] for first in range(0, len(units), SIDE_BY_SIDE)]
    if jobs is None:
        jobs = (os.cpu_count() or 1) if plan.lines >= WORTH_A_PROCESS else 1
    turns: list[Turn] = []
    clock = 0.0
    with _playing(world, groups, jobs) as played:
        for group, results in zip(groups, played, strict=True):
            for unit, (found, seconds) in zip(group, results, strict=True):
                placed = [turn.model_copy(update={"at": turn.at + clock}) for turn in found]
                clock += seconds + PAUSE_SECONDS
                for turn in placed:
                    progress.turn(turn)
                progress.unit(unit, placed)
                turns += placed
    return turns


@contextmanager
def _playing(world: _World, groups: Sequence[Group], jobs: int) -> Iterator[Iterator[Results]]:
    if jobs <= 1 or len(groups) == 1:
        components = _components(world)
        yield (_play(world, components, group) for group in groups)
        return
    context = multiprocessing.get_context("spawn")  # whatever threads this process has, a fork could not
    with ProcessPoolExecutor(min(jobs, len(groups)), context, _enter, (world,)) as pool:
        try:
            yield pool.map(_play_here, groups)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _components(world: _World) -> SimulatedComponents:
    return SimulatedComponents(world.profile, world.settings, world.scenario, world.seed)


def _play(world: _World, components: SimulatedComponents, group: Group) -> Results:
    async def one(unit: Unit) -> tuple[list[Turn], float]:
        played = await play(world.scenario.talks[unit.talk], unit, SimulatedSessions(components.apart()), 0.0)
        return played.turns, asyncio.get_running_loop().time()

    async def all_of_them() -> Results:
        async with asyncio.TaskGroup() as tasks:
            playing = [tasks.create_task(one(unit)) for unit in group]
        return [task.result() for task in playing]

    return virtual_time.run(all_of_them())


_here: tuple[_World, SimulatedComponents] | None = None
"""In a worker process: what it plays."""


def _enter(world: _World) -> None:
    global _here  # noqa: PLW0603 - a process of a pool has no other place
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends it without a word
    _here = world, _components(world)


def _play_here(group: Group) -> Results:
    assert _here is not None
    return _play(*_here, group)
