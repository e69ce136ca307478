"""What ingest and report tell Prometheus: a file for the node exporter. Neither lives long enough to be asked itself.

That is the node exporter's textfile collector (``--collector.textfile.directory``). A file is written after a run that
went well, and only then: one that is missing, or fails, is told by how old the last one is. Numbers alone, no words and
no names, for everybody on the machine may read it.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from pipelines.insights.ingest import Taken
from pipelines.insights.report.figures import Report
from pipelines.insights.tables import SCHEMAS, Insights
from pipelines.settings.outputs import STANDARD_OUTPUT, Output, output, write_bytes

ENDING: Final = ".prom"

_FIRST: Final = b"# HELP sophia_insights_"


def add(parser: argparse.ArgumentParser) -> None:
    """Adds ``--metrics``."""
    parser.add_argument(
        "--metrics",
        type=_named,
        metavar="FILE",
        help=f"tell Prometheus: a *{ENDING} file in the folder that a node exporter reads; - is standard output",
    )


def checked(path: Path | None) -> Output:
    """The option as an output: a file of a run before is written anew."""
    return Output("--metrics", path, _ours)


def write(path: Path, registry: CollectorRegistry) -> None:
    """Writes what was gathered, as a whole or not at all."""
    write_bytes(path, generate_latest(registry))


def of_ingest(taken: Taken, tables: Insights, now: float, seconds: float) -> CollectorRegistry:
    """What a run of ``seconds`` took in, and what the tables hold ``now``, in seconds since 1970."""
    registry = _finished("ingest", now, seconds)
    _gauge(registry, "ingest_turns", "Turns that the last ingest added to the tables.", taken.new["turns"])
    _gauge(registry, "ingest_refused_lines", "Lines that the last ingest passed over.", taken.refused.total())
    newest = newest_turn(tables)
    if newest is not None:
        _gauge(registry, "newest_turn_timestamp_seconds", "When the newest turn in the tables ended.", newest)
    rows = Gauge("sophia_insights_rows", "Rows of the tables.", ["table"], registry=registry)
    for table in SCHEMAS:
        rows.labels(table).set(sum(pq.read_metadata(file).num_rows for file in tables.files(table)))
    return registry


def of_report(report: Report, now: float, seconds: float) -> CollectorRegistry:
    """How the guardrails stand, by a report that took ``seconds`` until ``now``, in seconds since 1970."""
    registry = _finished("report", now, seconds)
    if report.drifts is None:
        return registry
    day = dt.datetime.fromisoformat(report.drifts.date).replace(tzinfo=dt.UTC).timestamp()
    _gauge(registry, "judged_day_timestamp_seconds", "When the day began whose guardrails are told.", day)
    about = "A guardrail on the judged day, what is usual, and the limit beyond which it has drifted."
    gauges = {
        unit: Gauge(f"sophia_insights_guardrail_{unit}", about, ["guardrail", "of"], registry=registry)
        for unit in ("seconds", "ratio")
    }
    for one in report.drifts.guardrails:
        for of, value in (("now", one.now), ("usual", one.usual), ("limit", one.limit)):
            gauges[one.unit].labels(one.guardrail, of).set(value)
    return registry


def newest_turn(tables: Insights) -> float | None:
    """When the newest turn ended, in seconds since 1970, out of the files' own statistics; None without any."""
    dates = tables.dates("turns")
    latest = [
        metadata.row_group(group).column(column).statistics.max
        for file in (sorted(tables.day("turns", dates[-1]).glob("part-*.parquet")) if dates else ())
        for metadata in (pq.read_metadata(file),)
        for column in (metadata.schema.names.index("ended_at"),)
        for group in range(metadata.num_row_groups)
    ]
    return max(latest) / 1e6 if latest else None


def _finished(command: str, now: float, seconds: float) -> CollectorRegistry:
    registry = CollectorRegistry()
    told = {
        "last_success_timestamp_seconds": ("When the last run ended that went well.", now),
        "last_duration_seconds": ("How long that run took.", seconds),
    }
    for name, (about, value) in told.items():
        Gauge(f"sophia_insights_{name}", about, ["command"], registry=registry).labels(command).set(value)
    return registry


def _gauge(registry: CollectorRegistry, name: str, about: str, value: float) -> None:
    Gauge(f"sophia_insights_{name}", about, registry=registry).set(value)


def _named(text: str) -> Path:
    path = output(text)
    if path != STANDARD_OUTPUT and path.suffix != ENDING:
        raise argparse.ArgumentTypeError(f"{text!r}: the node exporter reads files that end with {ENDING}")
    return path


def _ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_FIRST)) == _FIRST
