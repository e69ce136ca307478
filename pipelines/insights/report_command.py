"""The command ``report``: its arguments, and where its report goes."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from pipelines.home import expanded
from pipelines.insights import metrics
from pipelines.insights.engines import ENGINES, check
from pipelines.insights.errors import EngineError
from pipelines.insights.progress import Progress
from pipelines.insights.report.figures import days_of, report
from pipelines.insights.report.html import rendered
from pipelines.insights.report.table import show
from pipelines.insights.tables import KEYS, Insights
from pipelines.page import PageError, plotly
from pipelines.settings.layers import SettingsError, did_you_mean
from pipelines.settings.outputs import Output, add_force, check_outputs, output, printed_aside, write_text

BY: Final = ("hour", "length", *KEYS)

PAGE: Final = "index.html"

EPILOG: Final = """\
keys: hour length site language mode sophia asr_model llm_model tts_model face_model settings arm consent

Groups of fewer than ten conversations are not shown: somebody could be made out. What changed is looked for in the
last 28 days or more, of which 8 are needed. Figures beside ours are those that Hamming publishes of production calls.

exit codes: 0 the report was made, whatever it says; 2 the arguments, the tables or the engine; 6 the disk;
130 interrupted.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    p = commands.add_parser(
        "report",
        help="tell how long people waited, for what, and what changed since when",
        description="Percentiles of every stage, counts per 100 turns, trends, and what changed since when.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("tables", type=expanded, metavar="DIR", help="the folder of tables that ingest made")
    p.add_argument("--by", type=keys, default=(), metavar="KEY,KEY", help="divide by these together")
    p.add_argument("--since", type=_days, metavar="DAYS", help="only the last so many days, such as 7d (default: all)")
    p.add_argument("--engine", type=engine, default="duckdb", help=f"{ENGINES} (default: duckdb)")
    p.add_argument("--html", type=output, metavar="PATH", help=f"write a page: a file, or a folder for {PAGE}")
    p.add_argument("--json", type=output, metavar="FILE", help="write everything as JSON; - is standard output")
    metrics.add(p)
    add_force(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Makes the report, and returns the exit code."""
    page = place(args.html)
    began, now = time.monotonic(), time.time()
    outputs = [
        Output("--html", page, _ours, in_new_folder=True),
        Output("--json", args.json),
        metrics.checked(args.metrics),
    ]
    check_outputs(outputs, [args.tables], force=args.force)
    try:
        if page is not None:
            plotly()
        with printed_aside(page, args.json, args.metrics):
            with Progress(0) as progress:
                found = report(
                    Insights(args.tables),
                    by=args.by,
                    days=args.since,
                    engine=args.engine,
                    today=time.strftime("%Y-%m-%d", time.gmtime(now)),
                    told=telling(progress),
                )
            show(found, Console(highlight=False), now)
            if args.json is not None:
                write_text(args.json, json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n")
            if page is not None:
                page.parent.mkdir(parents=True, exist_ok=True)
                write_text(page, rendered(found, now))
            if args.metrics is not None:
                metrics.write(args.metrics, metrics.of_report(found, time.time(), time.monotonic() - began))
    except PageError as error:
        raise SettingsError([str(error)]) from None
    return 0


def keys(text: str) -> tuple[str, ...]:
    """Keys of turns with commas between."""
    found = tuple(one.strip().replace("-", "_") for one in text.split(","))
    for one in found:
        if one not in BY:
            meant = did_you_mean(one, BY)
            raise argparse.ArgumentTypeError(f"there is no key {one!r}" + (f"; did you mean {meant}?" if meant else ""))
    return tuple(dict.fromkeys(found))


def engine(text: str) -> str:
    """An engine's name."""
    try:
        return check(text)
    except EngineError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def telling(progress: Progress) -> Callable[[str], None]:
    """Tells the progress what is asked next."""
    return lambda what: progress(f"asking for {what}", 0)


def place(path: Path | None) -> Path | None:
    """The page's file: what is a folder, or has no ending, is a folder to put it into."""
    if path is None or (not path.is_dir() and (path.suffix or path.exists())):
        return path
    return path / PAGE


def _days(text: str) -> int:
    try:
        return days_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days such as 7d") from None


def _ours(path: Path) -> bool:
    with path.open("rb") as file:
        return b"<title>Insights" in file.read(4096)
