"""Base, what learning from conversations needs and keeps: engines that fit together, and nothing that is too old."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, fail, ok, skip, warn
from pipelines.doctor.host import Output, printable
from pipelines.settings.insights import InsightsSettings
from pipelines.versions.store import Store, StoreError, read_key

FIT_SPARK: Final = re.compile(r"3\.5\.\d+|4\.0\.[0-3]|4\.1\.1")
"""Spark's versions that NVIDIA's accelerator 26.06 knows (its download page): of 4, only these."""

FIT_POLARS: Final = (1, 45)
"""cudf-polars 26.10 wants a Polars of before this one."""

JAVAS: Final = (17, 21)
"""What Spark 4.0 runs on (its documentation)."""

INSTALL: Final = ".venv/bin/python -m pip install -e '.[{0}]'"
JAVA: Final = "sudo apt-get install openjdk-17-jre-headless"

STALE_DAYS: Final = 2
FORECAST_DAYS: Final = 30
WEEK: Final = 7


def installed(*names: str) -> dict[str, str]:
    """The versions of those packages that this Python has."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def engines(have: Mapping[str, str]) -> Result:
    """Whether what answers questions about tables is there, and whether the versions fit together."""
    if "duckdb" not in have or "pyarrow" not in have:
        return skip("the extra insights is not installed")
    told = ", ".join(f"{name} {version}" for name, version in sorted(have.items()))
    gpu = next((name for name in have if name.startswith("cudf-polars")), None)
    if gpu and "polars" in have and _numbers(have["polars"]) >= FIT_POLARS:
        limit = ".".join(map(str, FIT_POLARS))
        return warn(f"{told}: {gpu} knows no Polars from {limit} on", INSTALL.format("rapids"), f"polars < {limit}")
    return ok(told if gpu else f"{told}; no cudf-polars, so a GPU is not asked")


def spark(have: Mapping[str, str], java: Output) -> Result:
    """Whether Apache Spark can run here, and NVIDIA's accelerator with it."""
    version = have.get("pyspark")
    if version is None:
        return skip("the extra spark is not installed; few need it")
    if not FIT_SPARK.fullmatch(version):
        return warn(f"pyspark {version}, which NVIDIA's accelerator does not know", INSTALL.format("spark"), "4.0.3")
    found = re.search(r'version "(\d+)', f"{java.text}\n{java.error}")
    if found is None:
        return fail(f"pyspark {version}, and no Java", JAVA, "Java 17")
    if int(found[1]) not in JAVAS:
        wanted = " or ".join(map(str, JAVAS))
        return warn(
            f"pyspark {version} and Java {found[1]}", "sudo apt-get install openjdk-17-jre-headless", f"Java {wanted}"
        )
    return ok(f"pyspark {version}, Java {found[1]}")


def kept(oldest: Mapping[str, date], settings: InsightsSettings, today: date) -> Result:
    """Whether anything is kept for longer than the settings allow."""
    if not oldest:
        return ok("nothing is kept of conversations")
    allowed = {kind: getattr(settings.retention, kind) for kind in oldest}
    told = ", ".join(f"{kind} since {day} (at most {allowed[kind]} days)" for kind, day in oldest.items())
    late = [kind for kind, day in oldest.items() if day + timedelta(days=allowed[kind]) < today]
    if late:
        fix = f"python -m pipelines.insights purge {settings.tables or 'TABLES'}  # every night"
        return warn(f"{told}; too old: {', '.join(late)}", fix)
    return ok(told)


def fresh(lines: float | None, tables: float | None, now: float) -> Result:
    """Whether the tables hold what ledgers tell; both are when they were written last, in seconds since 1970."""
    if lines is None:
        return skip("no ledger was written so far")
    if tables is None:
        return warn("ledgers are written, and were never taken in", "python -m pipelines.insights ingest --help")
    behind = (lines - tables) / 86_400
    if behind > STALE_DAYS:
        fix = "python -m pipelines.insights ingest LEDGERS TAKES --into TABLES  # every night"
        return warn(f"the tables are {behind:.0f} days behind the ledgers", fix)
    return ok(f"taken in {max(0.0, now - tables) / 3600:.0f} h ago")


def room(a_day: float, free: int) -> Result:
    """Whether what is written in bytes a day has room on the disk for a month."""
    need = a_day * FORECAST_DAYS
    told = f"{a_day / 1e6:.1f} MB a day, {free / 1e9:.0f} GB free"
    if need > free:
        return warn(
            told, "shorten insights.retention, or name another disk", f"{need / 1e9:.0f} GB for {FORECAST_DAYS} days"
        )
    return ok(told)


async def _engines(c: Context) -> Result:
    return engines(installed("duckdb", "pyarrow", "polars", "cudf-polars-cu13", "cudf-polars-cu12", "cuml-cu13"))


async def _spark(c: Context) -> Result:
    have = installed("pyspark")
    return spark(have, await c.host.run("java", "-version") if have else Output(None, trouble="missing"))


async def _kept(c: Context) -> Result:
    if not (places := _places(c)):
        return skip("nothing is to be kept: insights.ledgers, insights.takes and insights.tables are not set")
    try:
        from pipelines.insights.erasing.purge import oldest  # noqa: PLC0415 - the extra
    except ModuleNotFoundError:
        return warn("nobody looks how old it is, or lets go of it", INSTALL.format("insights"))
    found = await asyncio.to_thread(oldest, places)
    return kept({str(kind): day for kind, day in found.items()}, c.settings.insights, datetime.now(UTC).date())


async def _fresh(c: Context) -> Result:
    ledgers, tables = c.settings.insights.ledgers, c.settings.insights.tables
    if ledgers is None or tables is None:
        return skip("not named: insights.ledgers or insights.tables")
    written = await asyncio.to_thread(_newest, ledgers, "*.jsonl")
    return fresh(written, await asyncio.to_thread(_newest, tables, "turns/*/*.parquet"), datetime.now(UTC).timestamp())


async def _room(c: Context) -> Result:
    places = _places(c)
    if not places:
        return skip("nothing is to be kept")
    since = datetime.now(UTC).timestamp() - WEEK * 86_400
    written = await asyncio.to_thread(lambda: sum(_bytes_since(place, since) for place in places))
    return room(written / WEEK, min(shutil.disk_usage(place).free for place in places))


async def _versions(c: Context) -> Result:
    insights = c.settings.insights
    if insights.versions is None:
        return skip("not named: insights.versions; no settings are on trial")
    try:
        versions = await asyncio.to_thread(
            lambda: Store(insights.versions or Path(), read_key(insights.approval_key)).versions()
        )
    except StoreError as error:
        return fail(printable(str(error)), "python -m pipelines.improve status")
    by_state = {state: sum(one.state == state for one in versions) for state in ("proven", "canary", "live")}
    told = ", ".join(f"{number} {state}" for state, number in by_state.items() if number) or "no version"
    if by_state["proven"]:
        return warn(f"{told}: a person has to say yes or no", "python -m pipelines.improve status")
    return ok(told)


def _places(c: Context) -> list[Path]:
    wanted = (c.settings.insights.ledgers, c.settings.insights.takes, c.settings.insights.tables)
    return [path for path in wanted if path is not None and path.is_dir()]


def _newest(folder: Path, pattern: str) -> float | None:
    return max((path.stat().st_mtime for path in folder.glob(pattern)), default=None)


def _bytes_since(folder: Path, since: float) -> int:
    stats = (path.stat() for path in folder.rglob("*") if path.is_file())
    return sum(stat.st_size for stat in stats if stat.st_mtime >= since)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


LEARNING: Final = (
    Check("base", "learning", "engines", "tables' engines", "they answer what many conversations tell", _engines),
    Check("base", "learning", "spark", "Apache Spark", "it asks tables that one disk does not hold", _spark),
    Check("base", "learning", "kept", "what is kept", "voices and words may not be kept for ever", _kept),
    Check("base", "learning", "ingest", "the last ingest", "reports tell of what was taken in", _fresh),
    Check("base", "learning", "room", "room for a month", "a full disk ends recordings", _room),
    Check("base", "learning", "versions", "settings on trial", "what was proven waits for a person", _versions),
)  # fmt: skip
"""The checks of this group."""
