"""The load test as a table for people: NVIDIA's columns, mean over 95th percentile, and what they leave out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.load.generator import Generator
from pipelines.load.measures import E2E, MEASURES
from pipelines.load.results import Batching, Figure, LoadTest, Step

NOTHING = "–"
MOST_REASONS = 3
"""Reasons for missed turns that are shown for each step."""
ENOUGH = 20
"""Turns of which one in twenty, the slowest, can be told."""


def show(test: LoadTest, console: Console) -> None:
    """Prints the table, how the model's requests were batched, what the load cost this machine, and the warnings."""
    if not test.steps:
        console.print("Nothing was measured.")
        return
    console.print(_latencies(test))
    console.print(Text(legend(test), style="dim"))
    console.print(_missed(test.steps), end="")
    if any(step.batching for step in test.steps):
        console.print(_batching(test.steps))
    if any(step.generator for step in test.steps):
        console.print(_generator(test.steps))
    for line in (*test.notes, *warnings(test)):
        console.print(Text(f"! {line}", style="yellow"), soft_wrap=True)
    if verdict := holds(test):
        console.print(Text(verdict, style="bold"), soft_wrap=True)


def legend(test: LoadTest) -> str:
    """What the numbers are, in two lines."""
    return (
        f"Seconds, {whose(test)}: the mean, below it the 95th percentile, of turns said while all streams were "
        "talking. E2E's percentile counts a missed turn as endless (∞)."
    )


def whose(test: LoadTest) -> str:
    """Whether figures are of real services or of simulated ones."""
    return f"simulated with the profile {test.simulated}" if test.simulated else "measured"


def holds(test: LoadTest) -> str:
    """How many streams kept to the limit of the ramp, in a sentence; empty without one."""
    limit = test.until_p95
    if limit is None or not test.steps:
        return ""
    most, simulated = test.holds(limit), ", simulated" if test.simulated else ""
    if not most:
        return (
            f"Holds not even {streams_of(min(s.streams for s in test.steps))} with p95 within {limit:g} s{simulated}."
        )
    beyond = [step for step in test.steps if step.streams > most]
    further = "" if beyond else "; more were not tried"
    return f"Holds {streams_of(most)} with p95 within {limit:g} s{simulated}{further}."


def warnings(test: LoadTest) -> list[str]:
    """What to know before believing the figures, one line each."""
    found = []
    for step in test.steps:
        many = streams_of(step.streams)
        if not step.complete:
            found.append(f"{many}: interrupted; these are the {step.turns} turns so far.")
        if not step.steady:
            found.append(f"{many}: they never all talked at once, so every turn was measured; ask for more --rounds.")
        elif 0 < step.measured < ENOUGH:
            found.append(f"{many}: {step.measured} turns say little of a 95th percentile; ask for more --rounds.")
        if step.generator and (trouble := step.generator.trouble()):
            found.append(f"{many}: {trouble}; the figures are about this machine, not about the services.")
    if not test.complete:
        found.append("It ended before its time; the steps that are not here were not run.")
    return found


def _latencies(test: LoadTest) -> Table:
    table = Table(title=_title(test), title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("streams", justify="right", vertical="bottom")
    for measure in MEASURES:
        table.add_column(measure.heading.replace(" ", "\n"), justify="right", vertical="bottom", min_width=6)
    for heading in ("turns", "missed", "under-\nruns", "false\ncut-offs"):
        table.add_column(heading, justify="right", vertical="bottom")
    for step in test.steps:
        means = [_seconds(step.figures.get(measure.key), "mean") for measure in MEASURES]
        tails = [
            _kept(step) if measure.key == E2E else _seconds(step.figures.get(measure.key), "p95")
            for measure in MEASURES
        ]
        counts = [_count(number) for number in (step.missed, step.underruns, step.false_cutoffs)]
        table.add_row(str(step.streams), *means, str(step.turns), *counts)
        table.add_row("p95", *tails, style="dim")
    return table


def _title(test: LoadTest) -> str:
    return f"{test.scenario}{' · SIMULATED' if test.simulated else ''}"


def _missed(steps: Sequence[Step]) -> Text:
    """Why turns were missed, a line for each step that missed some."""
    lines = Text()
    for step in steps:
        if not step.missed:
            continue
        shown = [f"{count} × {reason}" for reason, count in list(step.reasons.items())[:MOST_REASONS]]
        more = len(step.reasons) - MOST_REASONS
        if more > 0:
            shown.append(f"{more} more reasons")
        lines.append(f"{streams_of(step.streams)} missed {step.missed}: {'; '.join(shown)}\n", style="red")
    return lines


def _batching(steps: Sequence[Step]) -> Table:
    table = Table(title="Triton's counters of the mind's model", title_justify="left", box=None, pad_edge=False)
    for heading in ("streams", "requests", "failed", "executions", "mean batch", "mean queue", "mean compute"):
        table.add_column(heading, justify="right")
    for step in steps:
        b: Batching | None = step.batching
        if b is None:
            table.add_row(str(step.streams), *[NOTHING] * 6)
            continue
        counts = str(b.requests), _count(b.failures), str(b.executions)
        table.add_row(
            str(step.streams), *counts, _number(b.mean_batch, "{:.2f}"), _ms(b.mean_queue), _ms(b.mean_compute)
        )
    return table


def _generator(steps: Sequence[Step]) -> Table:
    table = Table(title="The machine that ran the load", title_justify="left", box=None, pad_edge=False)
    for heading in ("streams", "loop late (p95)", "cores of this process", "machine in use", "stolen"):
        table.add_column(heading, justify="right")
    for step in steps:
        g = step.generator or Generator()
        table.add_row(
            str(step.streams),
            _ms(g.lag),
            _number(g.process_cores, "{:.2f}"),
            _number(g.machine_cpu, "{:.0%}"),
            _number(g.stolen, "{:.0%}"),
        )
    return table


def _kept(step: Step) -> str:
    if step.keeps is not None:
        return f"{step.keeps:.3f}"
    return "∞" if step.turns else NOTHING


def _seconds(figure: Figure | None, name: str) -> str:
    return NOTHING if figure is None else f"{getattr(figure, name):.3f}"


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else form.format(value)


def _ms(value: float | None) -> str:
    return NOTHING if value is None else f"{value * 1000:.1f} ms"


def _count(number: int) -> Text:
    return Text(str(number), style="red" if number else "")


def streams_of(number: int) -> str:
    """So many streams, in words."""
    return f"{number} stream{'' if number == 1 else 's'}"
