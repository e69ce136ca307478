"""Plays the soundbites with one configuration after the other, in processes of their own. Each run is simulated."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pipelines.command.parent import die_with_parent
from pipelines.replay.simulate import simulate
from pipelines.scenarios.scenario import Scenario
from pipelines.settings.model import Settings
from pipelines.simulation.profile import ServiceProfile
from pipelines.tune.score import Halves, NothingAnswered, Scores, scores


@dataclass(frozen=True, slots=True)
class Case:
    """What every configuration is tried on. Equal seeds draw equal delays for each, so that they can be compared."""

    scenario: Scenario
    profile: ServiceProfile
    halves: Halves
    rounds: int = 1
    seed: int = 0

    def score(self, settings: Settings) -> Scores | NothingAnswered:
        """Plays everything once; deterministic."""
        run = simulate(self.scenario, settings, self.profile, rounds=self.rounds, seed=self.seed, jobs=1)
        try:
            return scores(run.turns, self.halves)
        except NothingAnswered as nothing:
            return nothing


class Workers:
    """``jobs`` processes that score configurations; one job needs no process of its own.

    Leaving the context ends them at once, whatever they are doing.
    """

    def __init__(self, case: Case, jobs: int) -> None:
        self._case = case
        self._pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            spawn = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks without the threads
            self._pool = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin, initargs=(case,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()

    def evaluate(self, candidates: Sequence[Settings]) -> Iterator[Scores | NothingAnswered]:
        """The scores of each, in order, as they come."""
        if self._pool is None:
            yield from map(self._case.score, candidates)
            return
        futures: list[Future[Scores | NothingAnswered]] = [self._pool.submit(_score, one) for one in candidates]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


_case: Case


def _begin(case: Case) -> None:
    global _case  # noqa: PLW0603 - a worker's one state
    _case = case
    die_with_parent()  # who is killed cannot end its workers, and they would wait for work for ever
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's to answer


def _score(settings: Settings) -> Scores | NothingAnswered:
    return _case.score(settings)
