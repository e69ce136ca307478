"""What ``python -m pipelines.evals`` does, from cases to exit code."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from nova.mind import Mind
from pipelines import virtual_time
from pipelines.command.stopping import told_to_stop
from pipelines.evals.case import Case
from pipelines.evals.functions import Answered, FunctionCase, answer, load_functions
from pipelines.evals.judging import Verdict, judge
from pipelines.evals.loading import CaseError, load_cases
from pipelines.evals.minds import EmbeddedMind, configured
from pipelines.evals.player import play
from pipelines.evals.report import as_json, functions_as_json, show, show_functions
from pipelines.failures import EXIT_CODES, blamed
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import Output, check_outputs, shown, write_bytes

NOT_GOOD, UNUSABLE = 1, 2
EMBEDDED = "the embedded mind, on a virtual clock"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is evaluated: conversations, or function-calling cases."""

    cases: Sequence[Case]
    functions: Sequence[FunctionCase]


class Program:
    """One call of the program; :meth:`run` returns its exit code. ``live``: the configured mind, in real time."""

    def __init__(self, settings: Settings, args: argparse.Namespace, *, live: bool) -> None:
        self._settings = settings
        self._args = args
        self._live = live
        self._console = Console()
        self._aside = Console(stderr=True)

    def run(self) -> int:
        """Plays, judges, shows, writes."""
        try:
            wanted = self._wanted()
            check_outputs((Output("--json", self._args.json),), self._args.cases, force=self._args.force)
            if self._live:
                return self._on_the_loop(wanted)
            return self._conclude(*virtual_time.run(self._all(EmbeddedMind(), wanted, 1)))
        except (CaseError, SettingsError) as error:
            for line in error.lines:
                self._aside.print(line, markup=False, highlight=False, soft_wrap=True)
            return UNUSABLE
        except OSError as error:
            where = shown(Path(error.filename)) if error.filename else "the report"
            self._aside.print(
                f"{where} cannot be written: {error.strerror}.", markup=False, highlight=False, soft_wrap=True
            )
            return EXIT_CODES["disk"]
        except KeyboardInterrupt:
            self._aside.print("Interrupted.")
            return EXIT_CODES["stopped"]

    def _wanted(self) -> Wanted:
        args = self._args
        if args.functions:
            return Wanted((), load_functions(args.functions, args.answers)[: args.most])
        cases = load_cases(args.cases or ["bundled"])
        if unknown := sorted(set(args.only) - {case.name for case in cases}):
            raise CaseError(
                [f"--only {unknown[0]}: no case is called that; there are {', '.join(c.name for c in cases)}."]
            )
        chosen = [case for case in cases if not args.only or case.name in args.only]
        left = [case for case in chosen if not (self._live and case.only)]
        if len(left) < len(chosen):
            self._aside.print(f"{len(chosen) - len(left)} cases are for the embedded mind in this process alone.")
        return Wanted(left[: args.most], ())

    async def _all(self, mind: Mind, wanted: Wanted, jobs: int) -> tuple[list[Verdict], list[Answered]]:
        async def conversation(case: Case) -> Verdict:
            return judge(await play(case, mind, self._settings))

        async def function(case: FunctionCase) -> Answered:
            return await answer(mind, case)

        return await _side_by_side(wanted.cases, conversation, jobs), await _side_by_side(
            wanted.functions, function, jobs
        )

    def _on_the_loop(self, wanted: Wanted) -> int:
        async def work() -> int:
            task = asyncio.current_task()
            assert task is not None
            with told_to_stop(task.cancel):
                try:
                    async with configured(self._settings, self._notice) as mind:
                        found = await self._all(mind, wanted, self._args.jobs)
                except (CaseError, SettingsError):
                    raise
                except Exception as error:
                    service, cause = blamed(error, "llm")
                    failure = await diagnose(cause, service, endpoints(self._settings).get(service))
                    self._notice(f"{failure.line} {failure.hint}")
                    return failure.exit_code
            return self._conclude(*found)

        try:
            return asyncio.run(work())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    def _conclude(self, verdicts: Sequence[Verdict], answers: Sequence[Answered]) -> int:
        mind = f"{self._settings.llm.model} by {self._settings.llm.backend}" if self._live else EMBEDDED
        file: Path | None = self._args.json
        if self._args.functions:
            show_functions(self._console, answers, mind)
            told = functions_as_json(answers, mind)
            share = sum(not one.wrong for one in answers) / max(1, len(answers))
            good = share >= self._args.least
        else:
            show(self._console, verdicts, mind)
            told, good = as_json(verdicts, mind), all(verdict.good for verdict in verdicts)
        if file:
            write_bytes(file, told.encode(), private=True)
        return 0 if good else NOT_GOOD

    def _notice(self, line: str) -> None:
        self._aside.print(line, markup=False, highlight=False, soft_wrap=True)


async def _side_by_side(cases: Sequence[T], work: Callable[[T], Awaitable[R]], jobs: int) -> list[R]:
    """The results in the order of the cases, at most ``jobs`` at once."""
    room = asyncio.Semaphore(jobs)

    async def one(case: T) -> R:
        async with room:
            return await work(case)

    try:
        async with asyncio.TaskGroup() as group:
            made: list[Coroutine[Any, Any, R]] = [one(case) for case in cases]
            tasks = [group.create_task(coroutine) for coroutine in made]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
