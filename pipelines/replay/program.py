"""What ``python -m pipelines.replay`` does, from settings to exit code."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from pipelines.command.stopping import told_to_stop
from pipelines.failures import EXIT_CODES, blamed
from pipelines.home import home
from pipelines.log import logging_to_file
from pipelines.page import PageError, plotly
from pipelines.records.results import Run, Turn, Unit
from pipelines.records.store import (
    RUN,
    RunError,
    RunStore,
    RunUnwritable,
    baseline,
    check_free,
    finished_units,
    is_run,
    load_run,
)
from pipelines.replay.compare import Comparison, Incomparable, compare
from pipelines.replay.exports.write import EXPORTS, write_exports
from pipelines.replay.live import header, replay_live
from pipelines.replay.progress import ShownProgress
from pipelines.replay.report import PAGE, write_report
from pipelines.replay.runner import Progress
from pipelines.replay.simulate import simulate
from pipelines.replay.table import show
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.scenario import Scenario, ScenarioError
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.settings.arguments import configs
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import Output, check_outputs, outputs_of, read_by, shown, write_text
from pipelines.simulation.measured import profile_from
from pipelines.simulation.profile import ServiceProfile, load_profile, to_yaml
from pipelines.talk.runtime import Runtime
from pipelines.terminal.text import clean

REGRESSION, UNUSABLE = 1, 2

UNUSABLES = (ScenarioError, RunError, Incomparable, SettingsError)
"""What the user named cannot be used; each says in a line what to change."""


class Program:
    """One call of the program; :meth:`run` returns its exit code."""

    def __init__(self, settings: Settings, args: argparse.Namespace) -> None:
        self._settings = settings
        self._args = args
        self._console = Console()
        self._folder: Path | None = None

    def run(self) -> int:
        """Plays or loads the run, shows it, and writes what was asked for."""
        args = self._args
        try:
            self._check_files()
            if args.report:
                self._need_plots()
            base = load_run(args.baseline) if args.baseline else None  # first, for a mistake should not have to wait
            run, code = (load_run(args.show), 0) if args.show else self._play()
            if run is None:
                return code
            return max(code, self._conclude(run, base))
        except (RunUnwritable, PageError) as error:
            self._print(str(error))
            return EXIT_CODES["disk"]
        except UNUSABLES as error:
            lines = error.lines if isinstance(error, SettingsError) else [str(error)]
            for line in lines:
                self._print(line)
            return UNUSABLE
        except KeyboardInterrupt:
            self._print("Interrupted.")
            return EXIT_CODES["stopped"]

    def _check_files(self) -> None:
        """Refuses what must not be overwritten before anything is played."""
        args = self._args
        runs = [run for run in (args.baseline, args.show, args.profile_from, args.resume) if run]
        read = [args.soundbites, args.simulate or "", *runs, *(run / RUN for run in runs)]
        reports = [args.report / name for name in (PAGE, *EXPORTS)] if args.report else []
        older = bool(args.report) and is_run(args.report / RUN)
        outputs = (
            Output("--save-profile", args.save_profile),
            Output("--save-baseline", args.save_baseline, is_run, in_new_folder=True),
            *(Output("--report", file, lambda _: older, in_new_folder=True) for file in reports),
            *([Output("--out", args.out / RUN, is_run, in_new_folder=True)] if args.out else []),
            *outputs_of(self._settings),
        )
        check_outputs(outputs, (*read, *read_by(configs(args), self._settings)), force=args.force)
        if args.out and not args.resume:
            check_free(args.out)

    @staticmethod
    def _need_plots() -> None:
        """Better told before an hour of playing than after it."""
        try:
            plotly()
        except PageError as error:
            raise RunError(str(error)) from None

    def _play(self) -> tuple[Run | None, int]:
        args = self._args
        scenario = load_scenario(args.soundbites, language=self._settings.language)
        for note in scenario.notes:
            self._print(f"note: {note}")
        if profile := self._profile():
            return self._simulate(scenario, profile), 0
        return self._live(scenario)

    # Simulated

    def _profile(self) -> ServiceProfile | None:
        args = self._args
        if args.profile_from is None and args.simulate is None:
            return None
        profile = profile_from(load_run(args.profile_from)) if args.profile_from else load_profile(args.simulate)
        if args.save_profile:
            self._save(args.save_profile, to_yaml(profile))
            self._print(f"The profile is in {shown(args.save_profile)}.")
        return profile

    def _save(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, text)
        except OSError as error:
            raise RunUnwritable(f"cannot write {shown(file)}: {error.strerror}; name another file") from error

    def _simulate(self, scenario: Scenario, profile: ServiceProfile) -> Run:
        args = self._args
        if args.resume:
            raise RunError("a simulated run is not resumed; it is made afresh in no time and always the same")
        with ShownProgress(self._console) as progress:
            run = simulate(
                scenario,
                self._settings,
                profile,
                rounds=args.repeat,
                sessions=args.sessions,
                seed=args.seed,
                jobs=args.jobs,
                progress=progress,
            )
        if args.out:
            self._folder = args.out
            RunStore(args.out, run).finish(run)
        return run

    # Live

    def _live(self, scenario: Scenario) -> tuple[Run | None, int]:
        args = self._args
        fresh = header(self._settings, scenario, rounds=args.repeat, sessions=args.sessions)
        folder: Path = args.resume or args.out or _new_folder(scenario)
        before = self._resumed(fresh) if args.resume else None
        if before and before.complete:
            self._print(f"The run in {folder} is complete: there is nothing to go on with.")
            return before, 0
        done = finished_units(folder) if before else set()
        store = RunStore(folder, fresh, resume=before is not None)
        self._folder = folder
        with ShownProgress(self._console) as shown:
            progress = _Saved(shown, store)
            with logging_to_file():
                run, code = self._on_the_loop(scenario, progress, done)
        earlier = before.turns if before else ()
        run = (run or fresh).model_copy(update={"turns": (*earlier, *(run.turns if run else shown.turns))})
        if not run.turns:
            store.discard()
            self._folder = None
            return None, code
        whole = len(run.turns) == scenario.lines * args.repeat * args.sessions
        run = run.model_copy(update={"complete": whole})
        store.finish(run)
        if not whole:
            played = f"The run is not complete: {len(run.turns)} of its lines were played"
            self._print(f"{played}; go on with the same arguments and --resume {folder}")
        return run, code

    def _resumed(self, fresh: Run) -> Run:
        """The run that is gone on with, if it is one of the same kind."""
        before = load_run(self._args.resume)
        for what in ("fingerprint", "rounds", "sessions", "config_hash", "simulated"):
            if getattr(before, what) != getattr(fresh, what):
                said = {"fingerprint": "soundbites", "config_hash": "settings"}.get(what, what)
                raise RunError(f"{self._args.resume} was played with other {said}: use the same, or begin afresh")
        return before

    def _on_the_loop(self, scenario: Scenario, progress: _Saved, done: Collection[Unit]) -> tuple[Run | None, int]:
        import uvloop  # noqa: PLC0415 - only a live run needs it

        args = self._args

        async def play() -> Run:
            task = asyncio.current_task()
            assert task is not None
            with told_to_stop(task.cancel):
                async with Runtime(self._settings, sessions=args.sessions, notice=progress.note) as runtime:
                    return await replay_live(
                        runtime,
                        scenario,
                        rounds=args.repeat,
                        sessions=args.sessions,
                        progress=progress,
                        done=done,
                        dcgm=args.dcgm,
                    )

        async def explained(error: Exception) -> int:
            service, cause = blamed(error, "replay")
            failure = await diagnose(cause, service, endpoints(self._settings).get(service))
            progress.note(f"{failure.line} {failure.hint}")
            return failure.exit_code

        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                run = runner.run(play())
        except asyncio.CancelledError:
            return None, EXIT_CODES["stopped"]
        except Exception as error:
            return None, uvloop.run(explained(error))
        return run, 0 if run.complete else EXIT_CODES["lost"]

    # What comes of it

    def _conclude(self, run: Run, base: Run | None) -> int:
        args = self._args
        comparison: Comparison | None = None
        trouble: Incomparable | None = None
        if base is not None:
            try:
                comparison = compare(base, run)
            except Incomparable as error:
                trouble = error
        show(run, self._console, comparison)
        if args.save_baseline:
            self._save(args.save_baseline, baseline(run))
            self._print(f"The baseline is in {shown(args.save_baseline)}.")
        if args.report:
            page = write_report(args.report, run, base if comparison else None, comparison)
            self._export(args.report, run)
            self._print(f"The report is {page}.")
        if self._folder:
            self._print(f"The run is in {self._folder}.")
        if trouble:
            raise trouble
        if comparison:
            return comparison.exit_code
        return 0 if any(turn.outcome == "answered" for turn in run.turns) else REGRESSION

    def _export(self, folder: Path, run: Run) -> None:
        try:
            write_exports(folder, run)
        except OSError as error:
            raise RunUnwritable(f"cannot write into {folder}: {error.strerror}; name another folder") from error

    def _print(self, line: str) -> None:
        self._console.print(escape(clean(line)), highlight=False, soft_wrap=True)


class _Saved(Progress):
    """Shows a run, and saves each talk of it that was played to its end."""

    def __init__(self, shown: ShownProgress, store: RunStore) -> None:
        self._shown = shown
        self._store = store

    def begin(self, lines: int) -> None:
        self._shown.begin(lines)

    def turn(self, turn: Turn) -> None:
        self._shown.turn(turn)

    def unit(self, unit: Unit, turns: list[Turn]) -> None:
        self._shown.unit(unit, turns)
        self._store.add(unit, turns)

    def note(self, line: str) -> None:
        self._shown.note(line)


def _new_folder(scenario: Scenario) -> Path:
    """A folder of its own for each run, named by when and what."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", scenario.name).strip("-") or "run"
    return home() / "runs" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"
