"""The command ``compare``: its arguments, and what it says of two groups of conversations."""

from __future__ import annotations

import argparse
import re
from typing import Final

from rich.console import Console
from rich.table import Table

from pipelines.command.endings import one_line
from pipelines.home import expanded
from pipelines.insights.progress import Progress
from pipelines.insights.report.asking import literal
from pipelines.insights.report.comparing import FEWEST, LEAST, Comparison, compare
from pipelines.insights.report_command import BY, engine
from pipelines.insights.tables import Insights
from pipelines.settings.layers import did_you_mean

_LEAST: Final = "\n".join(f"  {measure:<36}{least:g}" for measure, least in LEAST.items())
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d\Z")

EPILOG: Final = f"""\
A group is KEY=VALUE, or several with commas between: llm_model=nova-8,site=berlin. Days are a key as well:
date=2026-11-01..2026-11-07. Each conversation counts once, for its turns resemble each other. One that is in both
groups is left out.

What is compared, and the least effect that counts (milliseconds, or turns of a hundred):
{_LEAST}

exit codes: 0 nothing is worse; 1 something is; 2 the arguments or the tables, or fewer than {FEWEST} conversations;
130 interrupted.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    p = commands.add_parser(
        "compare",
        help="tell whether one group of conversations went better than another",
        description="Compares two groups of conversations.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("tables", type=expanded, metavar="DIR", help="the folder of tables that ingest made")
    for name in ("--before", "--after"):
        p.add_argument(name, type=group, required=True, metavar="KEY=VALUE", help="a group of conversations")
    p.add_argument("--engine", type=engine, default="duckdb", help="who answers (default: duckdb)")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compares, shows what came of it, and returns the exit code."""
    with Progress(0) as progress:
        progress("reading conversations", 0)
        found = compare(Insights(args.tables), args.before, args.after, args.engine)
    _show(found, Console(highlight=False))
    if min(found.before, found.after) < FEWEST:
        return 2
    return 1 if found.worse else 0


def group(text: str) -> str:
    """The SQL condition of a group."""
    return " AND ".join(_one(part.strip()) for part in text.split(","))


def _one(text: str) -> str:
    key, equals, value = text.partition("=")
    key = key.strip().replace("-", "_")
    if not equals or not value:
        raise argparse.ArgumentTypeError(f"{text!r}: write KEY=VALUE, such as llm_model=nova-8")
    if key == "date":
        days = value.split("..")
        if len(days) > 2 or not all(_DAY.match(day) for day in days):
            raise argparse.ArgumentTypeError(f"{text!r}: write date=2026-11-01 or date=2026-11-01..2026-11-07")
        return f"date >= {literal(days[0])} AND date <= {literal(days[-1])}"
    if key not in BY:
        meant = did_you_mean(key, (*BY, "date"))
        raise argparse.ArgumentTypeError(f"there is no key {key!r}" + (f"; did you mean {meant}?" if meant else ""))
    if key == "hour":
        if not value.isdecimal():
            raise argparse.ArgumentTypeError(f"{text!r}: an hour is a number from 0 to 23, in UTC")
        return f"hour = {int(value)}"
    return f"{key} = {literal(value)}"


def _show(found: Comparison, console: Console) -> None:
    console.print(one_line(f"{found.before:,} conversations before, {found.after:,} after"))
    if found.in_both:
        console.print(one_line(f"left out: {found.in_both:,} that are in both"))
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for heading in ("before", "after", "change", "95 % sure"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for one in found.measures:
        if one.verdict == "too few":
            table.add_row(one.measure, "–", "–", "–", "–", one.verdict)
        else:
            figures = (
                f"{one.before:.1f}",
                f"{one.after:.1f}",
                f"{one.change:+.1f}",
                f"{one.low:+.1f} to {one.high:+.1f}",
            )
            table.add_row(one.measure, *figures, one.verdict)
    console.print(table)
