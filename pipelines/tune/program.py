"""What ``python -m pipelines.tune`` does between its command line and its exit code."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from pipelines.machine.environment import config_hash, project_version
from pipelines.page import PageError, plotly
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.scenario import Scenario, ScenarioError
from pipelines.settings.model import Settings, SettingsError, shareable
from pipelines.settings.outputs import Output, check_outputs, read_by, shown, write_text
from pipelines.settings.tunable import SOUND, Range, apply
from pipelines.simulation.judged import judge_for
from pipelines.simulation.profile import ServiceProfile, load_profile, to_yaml
from pipelines.tune import table
from pipelines.tune.knee import RULE, knee, shortcomings
from pipelines.tune.overlay import Changes, overlay_text
from pipelines.tune.plot import Picture, page
from pipelines.tune.score import Halves, NothingAnswered, Score, split
from pipelines.tune.search import Limit, Search, StudyError, Trial
from pipelines.tune.workers import Case, Workers

PLAIN_EVERY = 20
"""Trials between two lines of progress where there is no terminal to draw a bar on."""

AGAIN = 3
"""Recommendations that are freed of idle changes, if each time another point is recommended afterwards."""


@dataclass(slots=True)
class Program:
    """One search. ``configs`` are the files that ``settings`` came from."""

    settings: Settings
    ranges: Sequence[Range]
    configs: Sequence[str]
    args: argparse.Namespace
    console: Console = field(default_factory=lambda: Console(highlight=False))

    def run(self) -> int:
        """Searches, shows and writes; returns the exit code."""
        args = self.args
        try:
            self._check_files(Output("--overlay", args.overlay), Output("--plot", args.plot))  # before hours are spent
            if args.plot:
                plotly()
            if any(one.key == SOUND for one in self.ranges):
                judge_for(apply(self.settings, {SOUND: 1.0}))  # a worker could not say what is missing
            profile = load_profile(args.simulate)
            scenario = load_scenario(args.soundbites, language=self.settings.language)
            halves = split(scenario)
        except SettingsError as error:
            return _refuse(*error.lines)
        except (ScenarioError, PageError) as error:
            return _refuse(str(error))
        for note in scenario.notes:
            self.console.print(escape(note))
        case = Case(scenario, profile, halves, args.repeat, args.seed)
        try:
            with Workers(case, args.jobs) as workers:
                search = Search(
                    self.settings,
                    self.ranges,
                    workers.evaluate,
                    seed=args.seed,
                    file=args.study,
                    identity=self._identity(scenario, profile),
                )
                self._print(
                    f"{len(self.ranges)} settings, {scenario.lines} lines, {_rounds(args.repeat)} for each trial, "
                    f"services simulated as in {profile.name}"
                )
                chosen, interrupted = self._search(search)
        except (StudyError, _NoSuchPoint) as error:
            return _refuse(str(error))
        except NothingAnswered as nothing:
            return _refuse(f"With the current configuration, simulated as in {profile.name}, {nothing}.")
        except BrokenProcessPool:
            print("A process of the search was killed, perhaps for its memory; try --jobs 1.", file=sys.stderr)
            return 1
        except OSError as error:
            return _refuse(f"The study cannot be kept: {error.strerror or error}.", code=6)
        if chosen is None:
            return _refuse("Interrupted before the current configuration was scored.", code=130)
        code = self._tell(search, chosen, scenario, profile, halves)
        return 130 if interrupted and code == 0 else code

    def _check_files(self, *outputs: Output) -> None:
        """Refuses a place where nothing may be written."""
        args = self.args
        read = (args.soundbites, args.simulate, *([args.study] if args.study else []))
        check_outputs(outputs, (*read, *read_by(self.configs, self.settings)), force=args.force)

    def _search(self, search: Search) -> tuple[Trial | None, bool]:
        """Searches as long as it may; what to recommend, and whether it was interrupted."""
        ends = None if self.args.timeout is None else time.monotonic() + self.args.timeout
        limit = Limit(self.args.trials, lambda: ends is not None and time.monotonic() >= ends)
        interrupted = False
        with _Shown(self.console, search, self.args.trials) as shown:
            try:
                search.run(limit, shown.trial)
                if self.args.choose is None:
                    self._plainest(search, limit, shown)
            except KeyboardInterrupt:
                interrupted = True
        if not search.trials:
            return None, interrupted
        if self.args.choose is None:
            return knee(search.front, search.trials[0]), interrupted
        return _picked(search, self.args.choose), interrupted

    def _plainest(self, search: Search, limit: Limit, shown: _Shown) -> None:
        """Tries what is recommended without its idle changes; where that moves the front, once more."""
        for _ in range(AGAIN):
            chosen = knee(search.front, search.trials[0])
            search.without_idle_changes(chosen, limit, shown.trial)
            if knee(search.front, search.trials[0]).number == chosen.number:
                return

    def _tell(self, search: Search, chosen: Trial, scenario: Scenario, profile: ServiceProfile, halves: Halves) -> int:
        current, front, changes = search.trials[0], search.front, search.changes(chosen)
        lines = len(halves.tuned), len(halves.validated)
        table.show_front(self.console, front, current, chosen, profile=profile.name, lines=lines)
        by = RULE if self.args.choose is None else "by hand (--choose)"
        self._print(f"Chosen: trial {chosen.number}, {by}.")
        if changes:
            table.show_changes(self.console, changes, self.ranges)
        else:
            self._print("It is the current configuration: nothing that was tried is better by that rule.")
        worse = shortcomings(chosen.scores.validated, current.scores.validated)
        if worse:
            self._print(f"It does not hold on the other lines, worse there: {'; '.join(worse)}.")
        elif changes:
            self._print("It holds on the other lines: no measure is worse there than with the current configuration.")
        try:
            if self.args.plot:
                picture = Picture(scenario.name, profile.name, lines, self.ranges, search.trials, front, chosen, by)
                write_text(self.args.plot, page(picture))
                self._print(f"Plot: {shown(self.args.plot)}")
            if self.args.overlay and changes:
                about = self._about(search, chosen, scenario, profile, worse)
                self._write_overlay(changes, about)
        except SettingsError as error:
            return _refuse(*error.lines)
        except OSError as error:
            return _refuse(f"{error.filename} cannot be written: {error.strerror or error}.", code=6)
        return 0

    def _write_overlay(self, changes: Changes, about: Sequence[str]) -> None:
        path: Path = self.args.overlay
        self._check_files(Output("--overlay", path))  # it may have come to be meanwhile
        write_text(path, overlay_text(changes, about))
        use = " ".join(f"--config {name}" for name in (*self.configs, shown(path)))
        self._print(f"Overlay: {shown(path)}. Nothing else was changed; use it with {use}")

    def _about(
        self, search: Search, chosen: Trial, scenario: Scenario, profile: ServiceProfile, worse: Sequence[str]
    ) -> list[str]:
        """The comments above the overlay."""
        current = search.trials[0]
        return [
            "Found by python -m pipelines.tune. Every figure is simulated.",
            f"Laid over {' + '.join(self.configs)}: each key is followed by what it was there.",
            f"Soundbites: {scenario.name} ({scenario.lines} lines, {scenario.fingerprint}), "
            f"{_rounds(self.args.repeat)}. Profile: {profile.name}. Seed {self.args.seed}, trial {chosen.number} of "
            f"{len(search.trials)}.",
            f"On the half that was tuned on: {_change(current.scores.tuned, chosen.scores.tuned)}.",
            f"On the other half: {_change(current.scores.validated, chosen.scores.validated)}.",
            *([f"It does not hold on the other half: {'; '.join(worse)}."] if worse else []),
        ]

    def _identity(self, scenario: Scenario, profile: ServiceProfile) -> dict[str, str]:
        tried = repr([(one.key, one.current, one.values) for one in self.ranges])
        return {
            "set of soundbites": scenario.fingerprint,
            "service profile": hashlib.sha256(to_yaml(profile).encode()).hexdigest()[:16],
            "configuration": config_hash(shareable(self.settings)),
            "set of parameters": hashlib.sha256(tried.encode()).hexdigest()[:16],
            "number of rounds": str(self.args.repeat),
            "seed": str(self.args.seed),
            "version": str(project_version()),
        }

    def _print(self, line: str) -> None:
        self.console.print(escape(line), soft_wrap=True)


class _NoSuchPoint(Exception):
    pass


def _picked(search: Search, number: int) -> Trial:
    front = search.front
    for trial in front:
        if trial.number == number:
            return trial
    there = ", ".join(str(trial.number) for trial in front)
    raise _NoSuchPoint(f"--choose {number}: this trial is not on the front; there are {there}.")


def _rounds(number: int) -> str:
    return f"{number} round{'s' if number != 1 else ''}"


def _change(before: Score, after: Score) -> str:
    return (
        f"voice-to-voice mean {1000 * before.voice_to_voice:.0f} → {1000 * after.voice_to_voice:.0f} ms, "
        f"p95 {1000 * before.p95:.0f} → {1000 * after.p95:.0f} ms; per 100 lines: false cut-offs "
        f"{before.false_cutoffs:.1f} → {after.false_cutoffs:.1f}, wasted speculations "
        f"{before.wasted:.1f} → {after.wasted:.1f}"
    )


def _refuse(*lines: str, code: int = 2) -> int:
    print("\n".join(lines), file=sys.stderr)
    return code


class _Shown:
    """How the search goes: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, search: Search, trials: int) -> None:
        self._console = console
        self._search = search
        self._trials = trials
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("Trying", total=trials, completed=len(search.trials))

    def __enter__(self) -> _Shown:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def trial(self, _: Trial | None) -> None:
        trials = self._search.trials
        done = len(trials)
        so_far = self._so_far(trials)
        self._bar.update(self._task, completed=done, total=max(self._trials, done), description=so_far)
        if not self._console.is_terminal and (done == 1 or done % PLAIN_EVERY == 0):
            self._console.print(f"{done} of {self._trials} tried: {so_far}", soft_wrap=True)

    def _so_far(self, trials: Sequence[Trial]) -> str:
        current = trials[0].scores.tuned
        best = knee(self._search.front, trials[0]).scores.tuned
        return (
            f"{1000 * current.voice_to_voice:.0f} → {1000 * best.voice_to_voice:.0f} ms, cut off "
            f"{current.false_cutoffs:.1f} → {best.false_cutoffs:.1f}, wasted {current.wasted:.1f} → {best.wasted:.1f} "
            "(simulated)"
        )
