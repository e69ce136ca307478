"""How a load test goes, while it goes: a bar for the step on a terminal, one line when a step is over everywhere."""

from __future__ import annotations

import statistics
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from pipelines.load.measures import E2E, wants_reply
from pipelines.load.results import Step
from pipelines.load.table import streams_of
from pipelines.records.results import Turn
from pipelines.replay.runner import Progress


class LoadProgress(Progress):
    """Told how a load test goes; does nothing. All methods are quick."""

    def step(self, streams: int) -> None:
        """A step of so many sessions begins: they connect."""

    def finished(self, step: Step) -> None:
        """A step is over."""


class ShownLoad(LoadProgress):
    """Writes to ``console``; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._waits: list[float] = []
        self._missed = 0
        self._told: set[str] = set()
        self._task: TaskID | None = None
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[so_far]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> ShownLoad:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the terminal back as it was."""
        self._bar.stop()

    def step(self, streams: int) -> None:
        self._waits, self._missed = [], 0
        self._task = self._bar.add_task(streams_of(streams), total=None, so_far="connecting")

    def begin(self, lines: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, total=lines, so_far="")

    def turn(self, turn: Turn) -> None:
        if turn.voice_to_voice is not None:
            self._waits.append(turn.voice_to_voice)
        self._missed += wants_reply(turn) and turn.outcome != "answered"
        if self._task is not None:
            mean = f"mean {statistics.fmean(self._waits):.3f} s" if self._waits else ""
            missed = f", {self._missed} missed" if self._missed else ""
            self._bar.update(self._task, advance=1, so_far=f"{mean}{missed}")

    def note(self, line: str) -> None:
        if line not in self._told:  # each step finds out anew what is missing here
            self._told.add(line)
            self._print(line)

    def finished(self, step: Step) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        figure = step.figures.get(E2E)
        latency = f"E2E mean {figure.mean:.3f} s, p50 {figure.p50:.3f} s" if figure else "no turn was answered"
        missed = f", {step.missed} missed" if step.missed else ""
        self._print(f"{streams_of(step.streams)}: {latency}, {step.turns} turns{missed} in {step.seconds:.0f} s")

    def _print(self, line: str) -> None:
        """A line above the bar; what services say is not markup."""
        self._console.print(Text(line), soft_wrap=True)
