"""The front as a table for the terminal: what each point costs and gains; the current one and the chosen marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.settings.tunable import Range, Value
from pipelines.tune.score import Score
from pipelines.tune.search import Trial

MOST_ROWS: Final = 12
"""More points of a front than this are thinned out in the table; the plot has them all."""

COLUMNS: Final = ("mean", "p50", "p95", "cut", "waste")


def show_front(
    console: Console, front: Sequence[Trial], current: Trial, chosen: Trial, *, profile: str, lines: tuple[int, int]
) -> None:
    """Prints the front by latency; ``lines`` are those of the two halves."""
    table = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("trial", justify="right", no_wrap=True)
    for name in (*COLUMNS, *COLUMNS):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    kept = thinned(front, keep={current.number, chosen.number})
    rows = sorted({trial.number: trial for trial in (*kept, current, chosen)}.values(), key=_by_latency)
    for trial in rows:
        marks = [
            *(["current"] if trial.number == current.number else []),
            *(["chosen"] if trial.number == chosen.number else []),
        ]
        style = "bold green" if trial.number == chosen.number else "cyan" if trial.number == current.number else None
        table.add_row(
            str(trial.number),
            *_cells(trial.scores.tuned),
            *_cells(trial.scores.validated),
            ", ".join(marks),
            style=style,
        )
    console.print(
        f"\nThe front, simulated ({escape(profile)}): voice-to-voice in ms; false cut-offs and wasted speculations for "
        f"each 100 lines.\nLeft: the {lines[0]} lines that are tuned on. Right: the {lines[1]} others, to validate.",
    )
    console.print(table)
    if len(kept) < len(front):
        console.print(f"{len(front) - len(kept)} more points of the front are in the plot.")


def show_changes(console: Console, changes: Mapping[str, tuple[Value, Value]], ranges: Sequence[Range]) -> None:
    """Prints what the chosen point changes, and what each setting is about."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("setting", no_wrap=True, min_width=27)
    table.add_column("now", justify="right", no_wrap=True)
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column("why it matters")
    for one in ranges:
        if one.key in changes:
            before, after = changes[one.key]
            table.add_row(one.key, told(before), told(after), one.why)
    console.print(table)


def show_parameters(console: Console, ranges: Sequence[Range]) -> None:
    """Prints what can be tuned from here."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("setting", no_wrap=True, min_width=27)
    table.add_column("now", justify="right", no_wrap=True)
    table.add_column("tried", no_wrap=True)
    table.add_column("why it matters")
    for one in ranges:
        table.add_row(one.key, told(one.current), span(one), one.why)
    console.print(table)


def told(value: Value) -> str:
    """A value as in YAML."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def span(one: Range) -> str:
    """The values of a range, in words."""
    if isinstance(one.current, bool):
        return "true or false"
    step = one.values[1] - one.values[0]
    return f"{told(one.values[0])} … {told(one.values[-1])} by {told(round(step, 6))}"


def thinned(front: Sequence[Trial], keep: set[int]) -> list[Trial]:
    """At most :data:`MOST_ROWS` points, spread evenly over the front, and those to ``keep``."""
    if len(front) <= MOST_ROWS:
        return list(front)
    step = (len(front) - 1) / (MOST_ROWS - 1)
    places = {round(n * step) for n in range(MOST_ROWS)}
    return [trial for place, trial in enumerate(front) if place in places or trial.number in keep]


def _by_latency(trial: Trial) -> tuple[float, int]:
    return trial.scores.tuned.voice_to_voice, trial.number


def _cells(score: Score) -> list[str]:
    return [
        f"{1000 * score.voice_to_voice:.0f}",
        f"{1000 * score.p50:.0f}",
        f"{1000 * score.p95:.0f}",
        f"{score.false_cutoffs:.1f}",
        f"{score.wasted:.1f}",
    ]
