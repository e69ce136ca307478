"""Looks for better settings with Optuna: several goals at once, the same way each time, resumable.

Trials are asked for in generations of a fixed size and told in order. How many trials there were before seeds each
generation's sampler. So neither the number of processes nor a pause in between changes what is found.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import optuna
from optuna.distributions import IntDistribution
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from pipelines.settings.model import Settings
from pipelines.settings.tunable import Range, Value, apply
from pipelines.tune.score import NothingAnswered, Scores

GENERATION: Final = 8
"""Trials that are asked for at once: so many processes can be busy; more would leave the sampler more in the dark."""

SILENT: Final = "silent"
"""Marks a trial with which nothing was answered: it failed, but there is no use in trying it again."""

Evaluate = Callable[[Sequence[Settings]], Iterator[Scores | NothingAnswered]]
"""Plays the soundbites with each of the settings; the scores in the same order."""


class StudyError(Exception):
    """A study file cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Something that was tried. Numbers count from 0, the current configuration."""

    number: int
    values: Mapping[str, Value]
    scores: Scores


@dataclass(frozen=True, slots=True)
class Limit:
    """When a search ends: after so many trials, the current configuration among them, or when ``over`` says so."""

    trials: int
    over: Callable[[], bool] = lambda: False


class Search:
    """A study of ``ranges`` around ``settings``.

    ``file`` keeps it; a study found there goes on. ``identity`` is what a study has to have in common with this one to
    be the same, by name. Raises :class:`StudyError` for a file that is another study, or none.
    """

    def __init__(
        self,
        settings: Settings,
        ranges: Sequence[Range],
        evaluate: Evaluate,
        *,
        seed: int = 0,
        file: Path | None = None,
        identity: Mapping[str, str] | None = None,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._settings = settings
        self._ranges = ranges
        self._evaluate = evaluate
        self._seed = seed
        self._distributions = {one.key: IntDistribution(0, len(one.values) - 1) for one in ranges}
        self._study = _open(file, dict(identity or {}))
        self._trials: dict[int, Trial] = {}  # by the study's number, which counts failed trials too
        self._silent = 0  # trials that answered nothing
        for frozen in self._study.get_trials(deepcopy=False):
            if frozen.state == TrialState.COMPLETE:
                values = {one.key: one.values[frozen.params[one.key]] for one in ranges}
                self._keep(frozen.number, values, Scores.from_dict(frozen.user_attrs["scores"]))
            elif SILENT in frozen.user_attrs:
                self._silent += 1

    @property
    def trials(self) -> list[Trial]:
        """Everything that was tried and could be scored; the first is the current configuration."""
        return list(self._trials.values())

    @property
    def front(self) -> list[Trial]:
        """The trials that no other is better than in every way, by latency.

        None of them fails more lines than the current configuration; of equals the one that changes least is kept.
        """
        best: dict[tuple[float, ...], Trial] = {}
        for trial in sorted(
            (self._trials[frozen.number] for frozen in self._study.best_trials), key=lambda t: t.number
        ):
            rival = best.get(trial.scores.tuned.objectives)
            if rival is None or len(self.changes(trial)) < len(self.changes(rival)):
                best[trial.scores.tuned.objectives] = trial
        return [best[objectives] for objectives in sorted(best)]

    def changes(self, trial: Trial) -> dict[str, tuple[Value, Value]]:
        """What the trial changes: from what the configuration says, to what."""
        return {
            one.key: (one.current, trial.values[one.key])
            for one in self._ranges
            if trial.values[one.key] != one.current
        }

    def run(self, limit: Limit, told: Callable[[Trial | None], None] = lambda _: None) -> None:
        """Tries until ``limit``; ``told`` of each trial, of None where nothing was answered.

        Raises :class:`NothingAnswered` if not even the current configuration answers. A ``KeyboardInterrupt`` passes
        through; what was tried until then is kept.
        """
        if not self._trials:
            self._try({one.key: one.current for one in self._ranges}, told)
        while (left := limit.trials - self._settled) > 0 and not limit.over():
            self._generation(min(GENERATION, left), limit, told)

    def without_idle_changes(self, trial: Trial, limit: Limit, told: Callable[[Trial | None], None]) -> Trial:
        """Takes back, one by one, the changes of ``trial`` that can be taken back without any loss."""
        for key, (before, _) in self.changes(trial).items():
            if limit.over():
                break
            plainer = self._try({**trial.values, key: before}, told)
            if plainer is not None and self._no_worse(plainer, trial):
                trial = plainer
        return trial

    @property
    def _settled(self) -> int:
        """Trials that need not be tried again: scored, or found to answer nothing."""
        return len(self._trials) + self._silent

    def _no_worse(self, one: Trial, other: Trial) -> bool:
        pairs = zip(one.scores.tuned.objectives, other.scores.tuned.objectives, strict=True)
        return all(a <= b + 1e-9 for a, b in pairs) and self._more_failed(one.scores) <= 0

    def _more_failed(self, scores: Scores) -> int:
        """Lines that fail more than with the current configuration; no more than 0 is wanted."""
        first = next(iter(self._trials.values()), None)
        return scores.tuned.failed - (first.scores if first else scores).tuned.failed

    def _keep(self, number: int, values: Mapping[str, Value], scores: Scores) -> Trial:
        trial = self._trials[number] = Trial(len(self._trials), values, scores)
        return trial

    def _probes(self) -> list[dict[str, int]]:
        """One setting changed at a time, half way to each bound: what the search knows before it combines changes."""
        found = []
        current = {one.key: one.values.index(one.current) for one in self._ranges}
        for one in self._ranges:
            here, last = current[one.key], len(one.values) - 1
            for place in (here // 2, (here + last + 1) // 2):
                if place != here:
                    found.append({**current, one.key: place})
        return found

    def _try(self, values: Mapping[str, Value], told: Callable[[Trial | None], None]) -> Trial | None:
        """Tries these very values; raises :class:`NothingAnswered` for the first trial only."""
        for known in self.trials:
            if known.values == values:
                return known
        scores = next(self._evaluate([apply(self._settings, values)]))
        if isinstance(scores, NothingAnswered):
            if not self._trials:
                raise scores
            return None
        self._study.add_trial(
            optuna.create_trial(
                params={one.key: one.values.index(values[one.key]) for one in self._ranges},
                distributions=dict(self._distributions),
                values=scores.tuned.objectives,
                user_attrs={"scores": scores.as_dict()},
                constraints={"failed": self._more_failed(scores)},
            )
        )
        trial = self._keep(self._study.get_trials(deepcopy=False)[-1].number, values, scores)
        told(trial)
        return trial

    def _generation(self, size: int, limit: Limit, told: Callable[[Trial | None], None]) -> None:
        for probe in self._probes()[self._settled - 1 :][:size]:
            self._study.enqueue_trial(probe)
        asked = []
        for place, sampler in enumerate(_samplers(self._seed, self._settled)):
            if place < size:
                self._study.sampler = sampler
                asked.append(self._study.ask(dict(self._distributions)))
        known = {tuple(trial.values.values()): trial.scores for trial in self.trials}
        values = [{one.key: one.values[trial.params[one.key]] for one in self._ranges} for trial in asked]
        fresh = [candidate for candidate in values if tuple(candidate.values()) not in known]
        results = self._evaluate([apply(self._settings, candidate) for candidate in fresh])
        left = list(asked)
        try:
            for trial, candidate in zip(asked, values, strict=True):
                if limit.over():
                    return
                scores = known.get(tuple(candidate.values())) or next(results)
                left.remove(trial)
                told(self._score(trial, candidate, scores))
        finally:
            for trial in left:
                self._study.tell(trial, state=TrialState.FAIL)

    def _score(
        self, trial: optuna.Trial, values: Mapping[str, Value], scores: Scores | NothingAnswered
    ) -> Trial | None:
        if isinstance(scores, NothingAnswered):
            trial.set_user_attr(SILENT, True)
            self._study.tell(trial, state=TrialState.FAIL)
            self._silent += 1
            return None
        trial.set_user_attr("scores", scores.as_dict())
        trial.set_constraint("failed", self._more_failed(scores))
        self._study.tell(trial, scores.tuned.objectives)
        return self._keep(trial.number, values, scores)


def _samplers(seed: int, done: int) -> list[optuna.samplers.BaseSampler]:
    """Who proposes each trial of a generation: multi-objective TPE, and every other time chance.

    TPE needs fewer trials than evolution does and knows how the parameters hang together; but false cut-offs come in
    steps with wide plateaus between, and on those it would stay in the first corner that paid.
    """
    first, second = (int(state) for state in np.random.SeedSequence([seed, done]).generate_state(2))
    learned = optuna.samplers.TPESampler(seed=first, multivariate=True, n_startup_trials=GENERATION)
    chance = optuna.samplers.RandomSampler(seed=second)
    return [learned, chance] * (GENERATION // 2)


def _open(file: Path | None, identity: dict[str, str]) -> Any:
    """The study in ``file``, or a new one; whatever an interrupted run left half tried counts as not tried."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            if file is not None:
                _look_at(file)
            storage = InMemoryStorage() if file is None else JournalStorage(JournalFileBackend(str(file)))
            study = optuna.create_study(
                study_name="tune", storage=storage, directions=["minimize"] * 3, load_if_exists=True
            )
            found = study.user_attrs.get("identity")
            if found is None:
                study.set_user_attr("identity", identity)
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
                study.tell(trial.number, state=TrialState.FAIL)
        except StudyError:
            raise
        except Exception as error:  # a damaged journal fails anywhere in the library, with anything
            what = " ".join(str(error).split())[:120] or type(error).__name__
            raise StudyError(f"{file} cannot be used as a study: {what}. Name a new file, or remove it.") from None
    if found is not None and found != identity:
        other = [name for name in identity if not isinstance(found, dict) or found.get(name) != identity[name]]
        raise StudyError(
            f"{file} is a study of another {', another '.join(other) or 'kind'}; name a new file for this one."
        )
    return study


def _look_at(file: Path) -> None:
    """Refuses a file that was never a journal before the library appends to it."""
    if not file.exists():
        return
    with file.open("rb") as opened:
        first = opened.readline(1 << 16)
    try:
        known = not first or "op_code" in json.loads(first)
    except (ValueError, TypeError):
        known = False
    if not known:
        raise StudyError(f"{file} is not a study of the tuner; name a new file.")
