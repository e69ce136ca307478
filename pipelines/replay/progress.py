"""How a replay goes, while it goes: a bar on a terminal, a line for each talk elsewhere."""

from __future__ import annotations

import statistics
import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pipelines.records.results import Turn, Unit
from pipelines.replay.runner import Progress
from pipelines.terminal.text import clean


class ShownProgress(Progress):
    """Writes to ``console``; use it as a context manager. Keeps every turn it was told in ``turns``."""

    def __init__(self, console: Console) -> None:
        self.turns: list[Turn] = []
        self._console = console
        self._lines = 0
        self._began = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        if console.is_terminal:
            self._bar = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[so_far]}"),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )

    def __enter__(self) -> ShownProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def begin(self, lines: int) -> None:
        self._lines = lines
        if self._bar:
            self._task = self._bar.add_task("Replaying", total=lines, so_far="")

    def turn(self, turn: Turn) -> None:
        self.turns.append(turn)
        if self._bar and self._task is not None:
            self._bar.update(self._task, advance=1, so_far=_so_far(self.turns))

    def unit(self, unit: Unit, turns: list[Turn]) -> None:
        if self._bar is None and turns:
            session = f" session {unit.session + 1}" if unit.session else ""
            seconds = time.monotonic() - self._began
            played = f"{len(self.turns)}/{self._lines}  round {unit.round + 1}{session} {clean(turns[0].talk)}"
            self._plain(f"{seconds:6.1f} s  {played}: {_so_far(turns)}")
        for turn in turns:
            if turn.outcome in ("missed", "cut off", "disturbed"):
                self._plain(f"  {clean(turn.name)}: {turn.outcome}, {clean(turn.reason)}")

    def note(self, line: str) -> None:
        self._plain(clean(line))

    def _plain(self, line: str) -> None:
        """A line above the bar; nothing in it is markup."""
        self._console.print(escape(line), highlight=False, soft_wrap=True)


def _so_far(turns: list[Turn]) -> str:
    known = [turn.voice_to_voice for turn in turns if turn.voice_to_voice is not None]
    missed = sum(turn.outcome == "missed" for turn in turns)
    parts = [f"p50 {1000 * statistics.median(known):.0f} ms"] if known else []
    return ", ".join([*parts, *([f"{missed} missed"] if missed else [])])
