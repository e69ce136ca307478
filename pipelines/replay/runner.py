"""Plays a scenario as often and as many times side by side as asked, and hands over each turn as it is judged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pipelines.failures import StageFailed
from pipelines.records.results import Turn, Unit
from pipelines.replay.conductor import Played, play
from pipelines.replay.sessions import Sessions
from pipelines.scenarios.scenario import Scenario

STAGGER_SECONDS = 4.0
"""Sessions begin within this time of each other, or all callers would speak in one breath."""

MOST_LOST = 3
"""Playings in a row that lose a service for good, before the session is given up."""

RETRY_SECONDS = 2.0
"""Pause after a playing that lost a service."""


class Progress:
    """Told how a run goes; does nothing. All methods are quick."""

    def begin(self, lines: int) -> None:
        """So many lines are to come."""

    def turn(self, turn: Turn) -> None:
        """A line was played and judged."""

    def unit(self, unit: Unit, turns: list[Turn]) -> None:
        """A talk was played to its end; these are all of its lines."""

    def note(self, line: str) -> None:
        """Something worth knowing, in one line."""


@dataclass(slots=True)
class Plan:
    """What is to be run: every talk of ``scenario`` ``rounds`` times in each of ``sessions``, less what is ``done``."""

    scenario: Scenario
    rounds: int = 1
    sessions: int = 1
    done: Collection[Unit] = ()
    seed: int = 0

    def of(self, session: int) -> Iterator[Unit]:
        """The units of one session, in order."""
        units = (
            Unit(talk, number, session) for number in range(self.rounds) for talk in range(len(self.scenario.talks))
        )
        return (unit for unit in units if unit not in self.done)

    @property
    def lines(self) -> int:
        """Lines that are to come."""
        units = (unit for session in range(self.sessions) for unit in self.of(session))
        return sum(len(self.scenario.talks[unit.talk].lines) for unit in units)


@dataclass(slots=True)
class Stage:
    """Where units are played: where sessions come from, and the run's beginning in ``loop.time()``."""

    sessions: Sessions
    began: float
    lost: list[StageFailed] = field(default_factory=list)
    """Services that were lost for good, the last one last."""


async def run_session(plan: Plan, session: int, stage: Stage, progress: Progress) -> list[Turn]:
    """Plays one session's units one after the other.

    A service that is lost costs its lines; the next unit tries again. After :data:`MOST_LOST` in a row the session
    ends early: what is missing then is not in the result.
    """
    found: list[Turn] = []
    lost_in_a_row = 0
    for unit in plan.of(session):
        played: Played = await play(plan.scenario.talks[unit.talk], unit, stage.sessions, stage.began)
        for turn in played.turns:
            progress.turn(turn)
        found += played.turns
        progress.unit(unit, played.turns)
        if played.lost is None:
            lost_in_a_row = 0
            continue
        stage.lost.append(played.lost)
        lost_in_a_row += 1
        if lost_in_a_row == MOST_LOST:
            return found
        await asyncio.sleep(RETRY_SECONDS)
    return found


async def run_all(plan: Plan, stage: Stage, progress: Progress) -> list[Turn]:
    """Plays all sessions side by side, staggered by chance (seeded); turns in the order of session, round, talk."""
    chance = random.Random(plan.seed)
    starts = [0.0, *sorted(chance.uniform(0, STAGGER_SECONDS) for _ in range(plan.sessions - 1))]

    async def later(session: int) -> list[Turn]:
        await asyncio.sleep(starts[session])
        return await run_session(plan, session, stage, progress)

    progress.begin(plan.lines)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(later(session)) for session in range(plan.sessions)]
    return [turn for task in tasks for turn in task.result()]
