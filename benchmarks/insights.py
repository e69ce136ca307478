"""How long questions take over many turns, how much memory, and how fast ledgers are taken in.

The question is that of a report: percentiles of every stage, by hour of the day. The turns are made, by
pipelines.insights.made. Each figure is of a process of its own, from its start to its end. The real program takes in
lines of ledgers.

    python -m benchmarks.insights                        5 and 100 million turns; some five minutes, 1 GB of disk
    python -m benchmarks.insights --repeat 3 --small     5 million alone
    python -m benchmarks.insights --spark                beside them Spark, here and on a master with two workers
    python -m benchmarks.insights --json benchmarks/results/insights.json
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.insights_cluster import cluster
from pipelines.insights import made, store
from pipelines.insights.tables import Insights
from pipelines.telemetry.ledger import CHAIN, VOICE_END, Ledger, Outcome, Silence
from pipelines.telemetry.provenance import Models, Provenance, ledger_line

Made = TypeVar("Made")

DAYS: Final = 30
SMALL: Final = 5_000_010
TIMES: Final = 20
"""How often the files of :data:`SMALL` turns are read for a hundred million."""

LINES: Final = 200_000

LIMITS: Final = {
    "5 million, duckdb": (3.0, 250.0),
    "100 million, duckdb": (60.0, 250.0),
    "100 million, from histograms": (2.0, 250.0),
}
"""Seconds and MB that are promised."""

Ran = tuple[str, float, float, float]
"""What a process printed, its seconds, those of processors, and the most memory that it held, in MB."""


def child(command: Sequence[str]) -> Ran:
    """Runs a program to its end."""
    reading, writing = os.pipe()
    began = time.monotonic()
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)]
    pid = os.posix_spawn(command[0], list(command), os.environ, file_actions=actions)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as out:
        said = out.read()
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return said, time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measured(name: str, repeat: int, once: Callable[[], Ran]) -> dict[str, Any]:
    """The figures of ``repeat`` runs, printed as well."""
    found = [once() for _ in range(repeat)]
    seconds = sorted(run[1] for run in found)
    row: dict[str, Any] = {
        "name": name,
        "repeats": repeat,
        "median_s": round(statistics.median(seconds), 2),
        "p95_s": round(seconds[min(len(seconds) - 1, -(-95 * len(seconds) // 100) - 1)], 2),
        "cpu_s": round(statistics.median(run[2] for run in found), 2),
        "mb": round(max(run[3] for run in found)),
        "said": found[0][0].strip(),
    }
    limit = LIMITS.get(name)
    if limit:
        row["of_limit"] = [round(row["median_s"] / limit[0], 2), round(row["mb"] / limit[1], 2)]
    kept = f"   {row['of_limit'][0]:.2f}, {row['of_limit'][1]:.2f} of what is promised" if limit else ""
    times = f"median {row['median_s']:6.2f} s   p95 {row['p95_s']:6.2f} s   processors {row['cpu_s']:6.2f} s"
    print(f"{name:31} {times}   {row['mb']:4} MB{kept}", flush=True)
    return row


def question(name: str, engine: str, folder: Path, which: str, repeat: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.insights_question", engine, str(folder), which]
    row = measured(name, repeat, lambda: child(command))
    row |= json.loads(row.pop("said"))
    return row


def repeated(tables: Insights, folder: Path) -> Path:
    """A folder in which the same files stand :data:`TIMES` times."""
    many = Insights(folder)
    for file in tables.files("turns"):
        day = many.day("turns", file.parent.name.removeprefix("date="))
        day.mkdir(parents=True)
        for number in range(TIMES):
            os.link(file, day / f"part-{number}.parquet")
    return folder


def a_month_of_histograms(folder: Path) -> Path:
    """Histograms of 100 million turns: those of one day of 3.3 million, thirty times."""
    one = made.write(made.Making(SMALL * TIMES // DAYS), folder / "one")
    with store.opened(one.folder) as opened:
        opened.derive(made.FIRST_DAY)
    (file,) = one.files("histograms")
    month = Insights(folder / "month")
    for date in made.Making(0, DAYS).dates():
        month.day("histograms", date).mkdir(parents=True)
        os.link(file, month.day("histograms", date) / "part-0.parquet")
    return month.folder


def spoken(file: Path, count: int) -> Path:
    """Lines as conversations leave them in ``insights.ledgers``, twelve turns each, of three days."""
    rng = random.Random(0)
    with file.open("w", encoding="utf-8") as lines:
        for number in range(count):
            if number % 12 == 0:
                began = dt.datetime(2026, 11, 1 + number * 3 // count, number // 12 % 24, tzinfo=dt.UTC)
                models = Models(asr="parakeet", llm="nova-8", tts="magpie", face="a2f")
                of = Provenance(
                    uuid.UUID(int=rng.getrandbits(128)).hex, began, 100.0, site="berlin", language="en-US",
                    models=models, settings="1f09ac77b1e0",
                )  # fmt: skip
                at = 101.0
            turn = Ledger(number % 12 + 1, user="what is the weather in Berlin today", outcome=Outcome.REPLIED)
            turn.mark("voice_start", at)
            at += 0.5 + rng.expovariate(0.5)
            turn.mark(VOICE_END, at)
            turn.silences.append(Silence(at, 0.4, 0.28, "complete", "endpoint", False))
            for name in CHAIN:
                at += rng.expovariate(12)
                turn.mark(name, at)
            for kind in ("begin", "start", "release", "complete"):
                turn.decide(at, kind, "as it was")
            at += 1 + rng.expovariate(0.3)
            turn.mark("end", at)
            lines.write(json.dumps(ledger_line(turn, of, words=False)) + "\n")
    return file


def taken_in(folder: Path, repeat: int) -> list[dict[str, Any]]:
    """The real program, on fresh tables, and again on what is known."""
    file = aside(spoken, folder / "ledgers.jsonl", LINES)
    fresh = [folder / f"into-{number}" for number in range(repeat)]
    command = [sys.executable, "-m", "pipelines.insights", "ingest", str(file), "--into"]
    places = iter([*fresh, *fresh])
    rows = []
    for name in (f"ingest, {LINES:,} turns", "ingest again, nothing new"):
        row = measured(name, repeat, lambda: child([*command, str(next(places))]))
        del row["said"]
        row |= {"bytes_a_line": file.stat().st_size // LINES, "turns_a_second": round(LINES / row["median_s"])}
        print(f"{'':31} {row['turns_a_second']:,} turns a second; {row['bytes_a_line']} bytes a line")
        rows.append(row)
    return rows


def aside(work: Callable[..., Made], *args: Any) -> Made:
    """Does ``work`` in a process of its own: a child starts with as much memory as its parent ever had."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def everything(folder: Path, repeat: int, *, small: bool, spark: bool) -> list[dict[str, Any]]:
    tables = aside(made.write, made.Making(SMALL // DAYS, DAYS), folder / "small")
    size = sum(file.stat().st_size for file in tables.files("turns"))
    print(f"{SMALL:,} turns in {DAYS} files, {size / SMALL:.1f} bytes a turn", flush=True)
    rows = taken_in(folder, repeat)
    rows += [question(f"5 million, {name}", name, tables.folder, "raw", repeat) for name in ("duckdb", "polars")]
    rows[-1]["of_duckdb"] = round(rows[-1]["median_s"] / rows[-2]["median_s"], 2)
    if spark:
        rows.append(question("5 million, Spark local[2]", "local[2]", tables.folder, "raw", 1))
        with cluster(folder) as master:
            rows.append(question("5 million, Spark, two workers", master, tables.folder, "raw", 1))
    answers = {row["sha256"] for row in rows if row["name"].startswith("5 million")}
    print("the same bytes from all" if len(answers) == 1 else "NOT the same from all", flush=True)
    if not small:
        many = repeated(tables, folder / "many")
        rows.append(question("100 million, duckdb", "duckdb", many, "raw", max(1, repeat // 2)))
        rows.append(question("100 million, polars", "polars", many, "raw", 1))
        month = aside(a_month_of_histograms, folder)
        rows.append(question("100 million, from histograms", "duckdb", month, "stored", repeat))
    if len(answers) != 1:
        raise SystemExit("Engines do not agree.")
    return rows


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--repeat", type=int, default=5, help="processes for each figure (default: 5)")
    p.add_argument("--small", action="store_true", help="leave the hundred million out")
    p.add_argument("--spark", action="store_true", help="needs the extra spark, and Java 17")
    p.add_argument("--json", type=Path, help="write the figures here")
    args = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="insights-") as folder:
        rows = everything(Path(folder), args.repeat, small=args.small, spark=args.spark)
    if args.json:
        when = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
        machine = f"{platform.machine()}, {os.cpu_count()} cores"
        args.json.write_text(json.dumps({"date": when, "machine": machine, "figures": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
