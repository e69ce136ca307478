"""One load test: from settings and arguments to an exit code."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os

import uvloop
from rich.console import Console
from rich.text import Text

from pipelines.command.stopping import told_to_stop
from pipelines.failures import EXIT_CODES, blamed
from pipelines.load import plot
from pipelines.load.live import COOLDOWN_SECONDS, run_live
from pipelines.load.progress import ShownLoad
from pipelines.load.ramp import Plan, Ramp, rounds_for
from pipelines.load.results import LoadTest, as_csv
from pipelines.load.simulated import run_simulated
from pipelines.load.table import show
from pipelines.page import PageError, plotly
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.scenario import ScenarioError
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.settings.arguments import configs
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import Output, check_outputs, outputs_of, read_by, write_text
from pipelines.simulation.judged import judge_for
from pipelines.simulation.profile import ServiceProfile, load_profile


class Program:
    """A load test as it was asked for; :meth:`run` never raises for what services, files or people do."""

    def __init__(self, settings: Settings, args: argparse.Namespace, console: Console | None = None) -> None:
        self._settings = settings
        self._args = args
        self._console = console or Console(highlight=False)

    def run(self) -> int:
        """Runs it, shows and writes what was found, and returns the exit code."""
        args = self._args
        try:
            scenario = load_scenario(args.soundbites, language=self._settings.language)
            profile = load_profile(args.simulate) if args.simulate is not None else None
            if profile:
                judge_for(self._settings)  # else it would be told as a failure of a step
            self._check_files()
        except (ScenarioError, SettingsError, PageError) as error:
            return self._refuse(error)
        rounds = rounds_for(scenario, args.seconds) if args.seconds else args.rounds
        plan = Plan(scenario, args.sessions, rounds, args.until_p95, args.seed)
        ramp = Ramp(plan, self._settings, profile.name if profile else None)
        with ShownLoad(self._console) as progress:
            code = self._measure(ramp, profile, progress)
        test = ramp.test()
        show(test, self._console)
        return max(code, self._write(test), self._judge(test))

    def _measure(self, ramp: Ramp, profile: ServiceProfile | None, progress: ShownLoad) -> int:
        cooldown = COOLDOWN_SECONDS if self._args.cooldown is None else self._args.cooldown
        try:
            if profile:
                run_simulated(ramp, profile, progress)
            else:
                uvloop.run(_interruptible(ramp, progress, cooldown))
        except (KeyboardInterrupt, asyncio.CancelledError):
            ramp.interrupt()
            return EXIT_CODES["stopped"]
        except Exception as error:
            service, cause = blamed(error, "load test")
            embedded = service in self._settings.embedded_services  # where it was is not known any more
            place = None if embedded else endpoints(self._settings).get(service)
            failure = asyncio.run(diagnose(cause, service, place))
            self._tell(f"{failure.line} {failure.hint}")
            ramp.interrupt()
            return failure.exit_code
        return 0

    def _judge(self, test: LoadTest) -> int:
        """1 if a limit was missed."""
        limit = self._args.limit_p95
        beyond = [step.streams for step in test.steps if limit is not None and not step.within(limit)]
        if beyond:
            self._tell(f"Missed the limit of {limit:g} s for p95 with {', '.join(map(str, beyond))} streams.")
        unanswered = test.steps and not any(step.figures for step in test.steps)
        return 1 if beyond or unanswered else 0

    def _check_files(self) -> None:
        """Fails now, rather than after an hour of measuring, where a file cannot be written."""
        args = self._args
        outputs = (*(Output(f"--{name}", getattr(args, name)) for name in ("json", "csv", "plot")),)
        read = (args.soundbites, args.simulate or "", *read_by(configs(args), self._settings))
        check_outputs((*outputs, *outputs_of(self._settings)), read, force=args.force)
        if args.plot:
            plotly()

    def _write(self, test: LoadTest) -> int:
        try:
            if self._args.json:
                write_text(self._args.json, test.model_dump_json(by_alias=True, indent=1) + "\n")
            if self._args.csv:
                write_text(self._args.csv, as_csv(test))
            if self._args.plot:
                write_text(self._args.plot, plot.page(test))
        except OSError as error:
            self._tell(f"{error.filename} cannot be written: {error.strerror or error}.")
            return EXIT_CODES["disk"]
        return 0

    def _refuse(self, error: Exception) -> int:
        self._tell("\n".join(error.lines) if isinstance(error, SettingsError) else str(error))
        return EXIT_CODES["settings"]

    def _tell(self, line: str) -> None:
        self._console.print(Text(line.strip(), style="red"), soft_wrap=True)


async def _interruptible(ramp: Ramp, progress: ShownLoad, cooldown: float) -> None:
    """Runs the steps; Ctrl+C cancels them in good order, a second one ends the program at once."""
    work = asyncio.create_task(run_live(ramp, progress, cooldown=cooldown))

    def stop() -> None:
        if work.cancelling():
            progress.close()  # else a terminal is left without its cursor
            os._exit(EXIT_CODES["stopped"])  # the embedded services die with us
        work.cancel()

    gc.collect()
    gc.freeze()  # a full collection would walk all that was imported, which takes longer than a block lasts
    with told_to_stop(stop, within=None):
        await work
