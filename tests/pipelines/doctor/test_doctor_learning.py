"""What the doctor says of learning: versions that do not fit, what is too old, and what was not taken in."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fake_machines import FakeHost, complains

from pipelines.doctor.checklist import Context
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.host import Output
from pipelines.doctor.inventory import INVENTORY, misfit
from pipelines.doctor.learning import LEARNING, engines, fresh, kept, room, spark
from pipelines.doctor.manifest import find_manifest, read_manifest
from pipelines.settings.insights import InsightsSettings, RetentionSettings
from pipelines.settings.model import Settings

JAVA_17 = complains('openjdk version "17.0.13" 2024-10-15\nOpenJDK Runtime Environment', 0)  # it says so on stderr
NO_JAVA = Output(None, trouble="missing")
TABLES = {"duckdb": "2.0.1", "pyarrow": "26.0.1"}


async def looked_at(key: str, **insights: Path) -> Result:
    (check,) = (check for check in LEARNING if check.key == key)
    settings = Settings(insights=InsightsSettings(**insights))
    return await check.probe(Context(FakeHost(), read_manifest(find_manifest("dgx-spark")), settings))


@pytest.mark.parametrize(
    ("have", "mark", "word"),
    [
        ({}, Mark.SKIP, "not installed"),
        (TABLES, Mark.OK, "a GPU is not asked"),
        ({**TABLES, "polars": "1.44.2", "cudf-polars-cu13": "26.10.2"}, Mark.OK, "cudf-polars-cu13 26.10.2"),
        ({**TABLES, "polars": "2.1.0", "cudf-polars-cu13": "26.10.2"}, Mark.WARN, "knows no Polars from 1.45 on"),
        ({**TABLES, "polars": "2.1.0"}, Mark.OK, "polars 2.1.0"),
    ],
)
def test_engines_that_do_not_fit_are_named(have: dict[str, str], mark: Mark, word: str) -> None:
    found = engines(have)
    assert (found.mark, word in found.found) == (mark, True), found


@pytest.mark.parametrize(
    ("have", "java", "mark"),
    [
        ({}, NO_JAVA, Mark.SKIP),
        ({"pyspark": "4.0.3"}, JAVA_17, Mark.OK),
        ({"pyspark": "4.0.3"}, NO_JAVA, Mark.FAIL),
        ({"pyspark": "4.0.3"}, complains('openjdk version "11.0.2"', 0), Mark.WARN),
        ({"pyspark": "4.3.0"}, JAVA_17, Mark.WARN),  # PyPI's newest, which the accelerator does not know
        ({"pyspark": "4.1.0"}, JAVA_17, Mark.WARN),
    ],
)
def test_spark_needs_a_java_and_a_version_that_the_accelerator_knows(
    have: dict[str, str], java: Output, mark: Mark
) -> None:
    assert spark(have, java).mark is mark


@pytest.mark.parametrize(
    ("jar", "machine", "fits"),
    [
        ("rapids-4-spark_2.13-26.06.0-cuda13.jar", "x86_64", True),
        ("/opt/rapids-4-spark_2.13-26.06.0.jar", "x86_64", True),
        ("rapids-4-spark_2.13-26.06.0-cuda13-arm64.jar", "aarch64", True),
        ("rapids-4-spark_2.13-26.06.0-cuda13-arm64.jar", "x86_64", False),
        ("rapids-4-spark_2.13-26.06.0-cuda13.jar", "aarch64", False),
        ("rapids-something.jar", "x86_64", False),
    ],
)
def test_the_classifier_of_the_jar_fits_the_machine(jar: str, machine: str, fits: bool) -> None:
    assert (misfit(jar, machine) == "") is fits


async def test_a_jar_for_another_machine_is_pointed_out() -> None:
    (check,) = (check for check in INVENTORY if check.key == "spark_jar")
    jar = "/opt/spark/jars/rapids-4-spark_2.13-26.06.0-cuda13.jar"
    host = FakeHost(globs={"/opt/spark/jars/rapids-4-spark_*.jar": [jar]}, runs_on=("6.11", "aarch64"))
    found = await check.probe(Context(host, read_manifest(find_manifest("dgx-spark")), Settings()))
    assert found.mark is Mark.WARN
    assert "cuda13-arm64" in found.found


def test_what_is_kept_for_too_long_is_named() -> None:
    settings, today = InsightsSettings(retention=RetentionSettings(sound=14)), date(2026, 11, 30)
    on_time = {"sound": today - timedelta(days=14), "numbers": today - timedelta(days=400)}
    assert kept(on_time, settings, today).mark is Mark.OK
    late = kept({**on_time, "sound": today - timedelta(days=15)}, settings, today)
    assert (late.mark, late.found.endswith("too old: sound")) == (Mark.WARN, True)
    assert "purge" in late.fix


def test_ledgers_that_nobody_takes_in_are_pointed_out() -> None:
    day, now = 86_400.0, 1_800_000_000.0
    assert fresh(None, None, now).mark is Mark.SKIP
    assert fresh(now, None, now).mark is Mark.WARN
    assert fresh(now, now - day, now).mark is Mark.OK
    assert fresh(now, now - 3 * day, now).mark is Mark.WARN
    assert fresh(now - 9 * day, now - 9 * day, now).mark is Mark.OK, "nobody has talked since"


def test_a_disk_that_is_full_within_a_month_is_pointed_out() -> None:
    assert room(1e9, 31 * 10**9).mark is Mark.OK
    assert room(1e9, 29 * 10**9).mark is Mark.WARN


async def test_folders_are_looked_at(tmp_path: Path) -> None:
    assert (await looked_at("kept")).mark is Mark.SKIP
    assert (await looked_at("ingest")).mark is Mark.SKIP
    ledgers, tables = tmp_path / "ledgers", tmp_path / "tables"
    ledgers.mkdir()
    old = datetime.now(UTC).date() - timedelta(days=401)
    (ledgers / f"{old}.1-ab.jsonl").write_text("{}\n")
    assert (await looked_at("kept", ledgers=ledgers)).mark is Mark.WARN
    assert (await looked_at("ingest", ledgers=ledgers, tables=tables)).mark is Mark.WARN
    part = tables / "turns" / "date=2026-11-30" / "part-0.parquet"
    part.parent.mkdir(parents=True)
    part.touch()
    assert (await looked_at("ingest", ledgers=ledgers, tables=tables)).mark is Mark.OK
    os.utime(part, (0, 0))
    assert (await looked_at("ingest", ledgers=ledgers, tables=tables)).mark is Mark.WARN
    assert (await looked_at("room", ledgers=ledgers)).mark is Mark.OK


async def test_versions_that_cannot_be_read_are_no_versions(tmp_path: Path) -> None:
    assert (await looked_at("versions")).mark is Mark.SKIP
    assert await looked_at("versions", versions=tmp_path) == Result(Mark.OK, "no version")
    (tmp_path / "version-0123.json").write_text(json.dumps({"schema": 1}))
    assert (await looked_at("versions", versions=tmp_path)).mark is Mark.FAIL
