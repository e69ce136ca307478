"""Looks for better settings on half of the conversations, and holds what was found against the other half."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.records.results import Run
from pipelines.replay.compare import Comparison, Incomparable, compare
from pipelines.replay.simulate import simulate
from pipelines.scenarios.scenario import Scenario
from pipelines.settings.model import Settings
from pipelines.settings.tunable import Range, Value, apply
from pipelines.simulation.profile import ServiceProfile
from pipelines.tune.knee import knee
from pipelines.tune.score import Halves, Score
from pipelines.tune.search import Limit, Search, Trial
from pipelines.tune.workers import Case, Workers

CUT_OFFS: Final = "false cut-offs"
"""The measure's name in a comparison of replays."""

AGAIN: Final = 3
"""Recommendations that are freed of idle changes, if each time another point is recommended afterwards."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How to try: a search of ``trials`` and a proof of ``rounds``, the same way for each ``seed``."""

    profile: ServiceProfile
    trials: int = 60
    rounds: int = 5
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the search recommends: changes by key (was, now), and what they did on the half it saw."""

    changes: Mapping[str, tuple[Value, Value]]
    before: Score
    after: Score
    trials: int


@dataclass(frozen=True, slots=True)
class Proof:
    """How a candidate did on the half that the search did not see. ``why`` says what does not hold, if anything."""

    comparison: Comparison | None
    why: str
    runs: tuple[Run, Run] | None = None

    @property
    def holds(self) -> bool:
        """Better in wait or cut-offs, and worse in nothing."""
        return not self.why

    def lines(self) -> list[str]:
        """The comparison in words."""
        return list(self.comparison.lines()) if self.comparison else [self.why]


def tune(
    settings: Settings,
    found: Sequence[Range],
    scenario: Scenario,
    how: Tried,
    told: Callable[[int, Trial | None], None] = lambda number, trial: None,
) -> Candidate | None:
    """The recommended changes; None if the current settings are. ``told`` of each trial, with how many there are.

    Raises :class:`~pipelines.tune.score.NothingAnswered` if nothing answers.
    """
    keys = frozenset((talk.name, place) for talk in scenario.talks for place in range(len(talk.lines)))
    case = Case(scenario, how.profile, Halves(keys, keys), 1, how.seed)
    with Workers(case, how.jobs) as workers:
        search = Search(settings, found, workers.evaluate, seed=how.seed)
        limit = Limit(how.trials)

        def each(trial: Trial | None) -> None:
            told(len(search.trials), trial)

        search.run(limit, each)
        for _ in range(AGAIN):
            chosen = knee(search.front, search.trials[0])
            search.without_idle_changes(chosen, limit, each)
            if knee(search.front, search.trials[0]).number == chosen.number:
                break
        chosen = knee(search.front, search.trials[0])
        changes = search.changes(chosen)
        if not changes:
            return None
        before, after = search.trials[0].scores.tuned, chosen.scores.tuned
        return Candidate(changes, before, after, len(search.trials))


def prove(settings: Settings, candidate: Candidate, scenario: Scenario, how: Tried) -> Proof:
    """Replays ``scenario`` with both settings, and compares."""
    other = apply(settings, {key: now for key, (_, now) in candidate.changes.items()})
    runs = [
        simulate(scenario, one, how.profile, rounds=how.rounds, seed=how.seed + 1, jobs=how.jobs)
        for one in (settings, other)
    ]
    try:
        found = compare(runs[0], runs[1], seed=how.seed)
    except Incomparable as error:
        return Proof(None, f"the two runs cannot be compared: {error}")
    return Proof(found, _objection(found), (runs[0], runs[1]))


def _objection(found: Comparison) -> str:
    if found.regressions:
        return "; ".join(str(one) for one in found.regressions)
    cut = found.count(CUT_OFFS)
    if found.verdict == "faster" or (cut is not None and cut.verdict == "better"):
        return ""
    return f"the other half shows no gain: {found.verdict}"
