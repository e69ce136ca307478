"""The report on the terminal: how long people waited and for what, how well it went, and what changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.insights.queries import USUAL, Percentiles
from pipelines.insights.report import wording
from pipelines.insights.report.asking import COUNTED
from pipelines.insights.report.drift import Drifts
from pipelines.insights.report.figures import PUBLISHED, Division, Report
from pipelines.insights.tables import STAGES
from pipelines.terminal.bar import STYLES

MOST_ROWS = 24
"""Of a division; more are in the page and in JSON."""


def show(report: Report, console: Console, now: float) -> None:
    """Prints the report in 80 columns or more. ``now`` is in seconds since 1970."""
    fresh, old = wording.freshness(report, now)
    console.print()
    console.print(Text(f" {wording.size(report)}", "bold"))
    console.print(Text(f" {fresh}", "yellow" if old else "dim"))
    console.print(_stages(report))
    console.print(_counts(report))
    for one in report.divisions:
        console.print(_division(one))
    console.print(Text(" What changed", "bold"))
    for changed in report.changed:
        style = "red" if changed.after > changed.before else "green"
        console.print(Text(f"   {wording.change(changed)}", style), soft_wrap=True)
    if not report.changed:
        console.print(Text(f"   {wording.looked(report)}", "dim"))
    console.print()
    console.print(Text(" Guardrails ", "bold") + Text(wording.judged(report), "dim"), soft_wrap=True)
    if report.drifts is not None and report.drifts.guardrails:
        console.print(_guardrails(report.drifts))
    for line in wording.hidden(report):
        console.print(Text(f" {line}", "dim"), soft_wrap=True)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column(f" {title}", header_style="dim", min_width=18, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _stages(report: Report) -> Table:
    table = _table("ms", [f"p{share * 100:g}" for share in USUAL] + ["turns"])
    for stage in STAGES:
        found = report.whole.times.get(stage)
        whole = stage == STAGES[0]
        name = wording.STAGE_NAMES.get(stage, stage)
        style = "bold" if whole else STYLES[stage]
        count = f"{found.n:,}" if found and whole else ""
        table.add_row(Text(f" {name}" if whole else f"   {name}", style), *_values(found), count, end_section=whole)
    if STAGES[0] in report.whole.times:
        published = [PUBLISHED.get(f"p{share * 100:g}", "") for share in USUAL]
        table.add_section()
        table.add_row(Text(" published", "dim"), *(Text(one, "dim") for one in published), "")
    return table


def _counts(report: Report) -> Table:
    table = _table("per 100 turns", ["here", "published"])
    tally = report.whole.tally
    for what in COUNTED:
        table.add_row(f"   {what}", f"{tally.per_100(what):.2f}", Text(PUBLISHED.get(what, ""), "dim"))
    table.add_section()
    for outcome, many in report.outcomes.items():
        table.add_row(Text(f"   ended: {outcome or 'unknown'}", "dim"), f"{100 * many / tally.turns:.2f}", "")
    return table


def _guardrails(found: Drifts) -> Table:
    table = _table("ms, or per 100 turns", ["then", "usual", "limit", ""])
    for one in found.guardrails:
        name, *cells = wording.drift(one)
        table.add_row(f"   {name}", *cells, style="red" if one.drifted else "")
    return table


def _division(division: Division) -> Table:
    table = _table(
        f"by {wording.division(division)}, ms", [f"p{share * 100:g}" for share in USUAL] + ["cut-offs/100", "turns"]
    )
    for group in division.groups[:MOST_ROWS]:
        name = ", ".join(wording.named(key, value) for key, value in zip(division.keys, group.values, strict=True))
        cutoffs = f"{group.tally.per_100('false cut-offs'):.2f}"
        table.add_row(f"   {name}", *_values(group.times.get(STAGES[0])), cutoffs, f"{group.tally.turns:,}")
    if more := division.groups[MOST_ROWS:]:
        table.add_row(Text(f"   {len(more)} more", "dim"))
    return table


def _values(found: Percentiles | None) -> list[str]:
    return ["–"] * len(USUAL) if found is None else [f"{value / 1000:.0f}" for value in found.values]
