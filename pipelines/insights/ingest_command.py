"""The command ``ingest``: its arguments, and what it says of its work."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable

from pipelines.command.endings import one_line, say
from pipelines.home import expanded
from pipelines.insights import metrics
from pipelines.insights.ingest import Taken, ingest
from pipelines.insights.progress import Progress
from pipelines.insights.sources import Source, found
from pipelines.insights.tables import Insights
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.outputs import check_outputs, folder, printed_aside

EXIT_CODES = """\
A line counts once, however often and wherever it is read: what is known changes nothing. Words of users stay where they
are. Interrupted, it can be started again.

exit codes: 0 all was read, even if lines were passed over; 1 a file could not be read; 2 the arguments or the folder;
6 the disk; 130 interrupted.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    p = commands.add_parser(
        "ingest",
        help="take ledgers and takes into the tables",
        description="Takes the ledgers of conversations into tables: Parquet files by day.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "sources",
        nargs="+",
        type=expanded,
        metavar="SOURCE",
        help="a file of ledgers as JSON lines, a take, or a folder in which such are",
    )
    p.add_argument("--into", type=folder, required=True, metavar="DIR", help="the tables; they are made or added to")
    metrics.add(p)
    add_settings(p.add_argument_group("settings, of which insights.retention says how long recordings are kept"))
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Takes everything in, and returns the exit code."""
    began = time.monotonic()
    keep = settings_of(args).insights.retention.sound
    check_outputs([metrics.checked(args.metrics)], [*args.sources, args.into], force=False)
    sources = found(args.sources)
    with printed_aside(args.metrics):
        with Progress(_size(sources)) as progress:
            taken = ingest(sources, args.into, keep_sound=keep, progress=progress)
        seconds = time.monotonic() - began
        for line in _summary(taken, seconds):
            print(one_line(line))
    for line in taken.unreadable:
        say(f"{line}; it was left out.")
    if args.metrics is not None and not taken.unreadable:
        metrics.write(args.metrics, metrics.of_ingest(taken, Insights(args.into), time.time(), seconds))
    return 1 if taken.unreadable else 0


def _size(sources: Iterable[Source]) -> int:
    found = 0
    for source in sources:
        try:
            found += os.stat(source.file).st_size
        except OSError:
            continue
    return found


def _summary(taken: Taken, seconds: float) -> list[str]:
    new, days = taken.new, taken.days
    lines = [
        f"{_many(taken.turns, 'turn')} of {_many(taken.files, 'file')} in {seconds:.1f} s: {new['turns']:,} new, of "
        f"{_many(new['conversations'], 'new conversation')}"
    ]
    if new["turns"]:
        parts = ("silence", "decision", "fault", "recording")
        lines.append("with them " + ", ".join(_many(new[f"{part}s"], part) for part in parts))
    lines += [f"passed over: {_many(many, 'line')} {why}" for why, many in sorted(taken.refused.items())]
    if taken.without_consent:
        lines.append(f"no recording of {_many(taken.without_consent, 'take')}: the user did not consent to sound")
    span = " to ".join(sorted({days[0], days[-1]})) if days else ""
    lines.append(f"{_many(len(days), 'day')} written, {span}" if days else "nothing new: no file was written")
    return lines


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
