"""One text, several engines: each reads it, and finds the same to the byte. Who must do without a GPU says so."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import expressions as sql
from statements import STATEMENTS

from pipelines.insights import made, polars_engine, spark_engine, store
from pipelines.insights.engines import Rows, check, run
from pipelines.insights.errors import EngineError
from pipelines.insights.tables import SCHEMAS, Insights

DIALECTS = ("duckdb", "", "spark")
"""Polars reads plain SQL, which has no name in sqlglot."""

NOT = (sql.Div, sql.IntDiv, sql.Avg, sql.Anonymous, sql.PercentileCont, sql.Quantile, sql.Round, sql.Window)

SPARK = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs the extra spark and Java 17: .venv/bin/python -m pip install -e '.[spark]'",
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Insights:
    found = made.write(made.Making(400, days=2), tmp_path_factory.mktemp("tables"))
    with store.opened(found.folder) as opened:
        for date in found.dates("turns"):
            opened.derive(date)
    old = found.files("turns")[0]  # a day of before there was a column
    pq.write_table(pq.ParquetFile(old).read().drop_columns(["explored", "since_voice"]), old)
    return found


def quiet(sql: str, tables: Insights, engine: str) -> tuple[Rows, list[str]]:
    told: list[str] = []
    return run(sql, tables, engine, told.append), told


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_text_is_read_alike_in_the_three_dialects(name: str) -> None:
    trees = [sqlglot.parse_one(STATEMENTS[name], dialect=dialect) for dialect in DIALECTS]
    told = {tree.sql(dialect="duckdb").replace("TRY_CAST", "CAST") for tree in trees}  # Spark's may give up
    told = {re.sub(r"NULLIF\(([1-9]\d*), 0\)", r"\1", text) for text in told}  # as it may after a division by zero
    assert len(told) == 1


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_text_keeps_to_what_engines_do_alike(name: str) -> None:
    tree = sqlglot.parse_one(STATEMENTS[name], dialect="duckdb")
    assert not list(tree.find_all(*NOT))
    long = {field.name for schema in SCHEMAS.values() for field in schema if str(field.type) == "int64"}
    for total in tree.find_all(sql.Sum):
        inner = total.this.this if isinstance(total.this, sql.Mul) else total.this  # a product is as wide as a factor
        assert inner.name in long or (isinstance(inner, sql.Cast) and inner.to.this == sql.DataType.Type.BIGINT)


def test_a_text_that_does_not_keep_to_it_would_be_found() -> None:
    for bad in (
        "SELECT AVG(llm) AS x FROM turns",
        "SELECT quantile_cont(llm, 0.5) AS x FROM turns",
        "SELECT 1 / 2 AS x",
    ):
        assert list(sqlglot.parse_one(bad, dialect="duckdb").find_all(*NOT)), bad


@pytest.mark.parametrize("name", STATEMENTS)
def test_duckdb_and_polars_find_the_same_bytes(name: str, tables: Insights) -> None:
    expected = run(STATEMENTS[name], tables)
    assert len(expected) or not name.startswith(("histogram", "stored", "scores"))
    assert quiet(STATEMENTS[name], tables, "polars") == (expected, [])
    assert quiet(STATEMENTS[name], tables, "polars")[0].text() == expected.text()


def test_sums_do_not_end_at_32_bits(tables: Insights) -> None:
    text = "SELECT SUM(CAST(sound AS BIGINT) + 2000000000) AS x FROM turns"
    assert list(run(text, tables)) == list(quiet(text, tables, "polars")[0]) == [(800 * 2_000_000_000,)]


def pretend(folder: Path, look: str) -> str:
    """A folder of packages in which CUDA's own answers ``look``."""
    (folder / "cuda" / "bindings").mkdir(parents=True)
    (folder / "cudf_polars.py").write_text("")
    (folder / "cuda" / "bindings" / "runtime.py").write_text(f"import os, enum\n{look}\n")
    return str(folder)


@pytest.mark.parametrize(
    ("look", "why"),
    [
        ("os.abort()", "the look for a GPU failed (exit code -6)"),
        ("raise RuntimeError('no driver')", "the look for a GPU failed (RuntimeError: no driver)"),
        ("def cudaGetDeviceCount(): return enum.Enum('E', {'cudaErrorNoDevice': 100}).cudaErrorNoDevice, None",
         "CUDA finds no GPU (cudaErrorNoDevice)"),
        ("def cudaGetDeviceCount(): return 0, 1", "the GPU does not run this"),
    ],
)  # fmt: skip
def test_without_a_gpu_the_processor_answers_and_a_line_says_why(
    look: str, why: str, tables: Insights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("cudf_polars"):
        pytest.skip("the real cudf-polars is installed, and would be asked")
    monkeypatch.setenv("PYTHONPATH", pretend(tmp_path, look))
    polars_engine.no_gpu.cache_clear()
    found, told = quiet(STATEMENTS["histogram"], tables, "polars-gpu")
    polars_engine.no_gpu.cache_clear()
    assert found.text() == run(STATEMENTS["histogram"], tables).text()
    (line,) = told
    assert line.startswith(f"polars-gpu: the processor answers, for {why}")
    assert "\n" not in line


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_gpu_would_run_every_plan_as_a_whole(name: str, tables: Insights) -> None:
    pytest.importorskip("cudf_polars", reason="needs the extra rapids, in an environment of its own")
    assert polars_engine.refused(polars_engine.plan(STATEMENTS[name], tables)) == []


def test_a_plan_that_a_gpu_would_not_run_is_found(tables: Insights) -> None:
    pytest.importorskip("cudf_polars", reason="needs the extra rapids, in an environment of its own")
    import polars as pl

    frame = polars_engine.plan("SELECT llm FROM turns", tables)
    assert "Categorical" in polars_engine.refused(frame.with_columns(pl.col("llm").qcut(4)))[0]
    distinct = "SELECT site, COUNT(DISTINCT conversation) AS n FROM turns GROUP BY site"
    assert polars_engine.refused(polars_engine.plan(distinct, tables))


@SPARK
@pytest.mark.timeout(300)
def test_spark_finds_the_same_bytes(tables: Insights) -> None:
    for text in STATEMENTS.values():
        assert quiet(text, tables, "local[2]")[0].text() == run(text, tables).text()


def test_an_accelerator_that_cannot_be_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(spark_engine.JAR, raising=False)
    assert spark_engine.accelerator("local[2]") == ({}, "SPARK_RAPIDS_JAR names no jar of NVIDIA's accelerator")
    jar = tmp_path / "rapids.jar"
    monkeypatch.setenv(spark_engine.JAR, str(jar))
    assert spark_engine.accelerator("local[2]") == ({}, f"SPARK_RAPIDS_JAR names {jar}, which is not there")
    jar.write_bytes(b"")
    settings, why = spark_engine.accelerator("spark://cluster.example:7077")  # its workers have the GPUs
    assert (settings["spark.plugins"], settings["spark.jars"], why) == ("com.nvidia.spark.SQLPlugin", str(jar), "")
    if not list(Path("/dev").glob("nvidia[0-9]*")):
        for here in ("local[2]", "spark://127.0.0.1:7077", "spark://localhost:7077", "spark://[::1]:7077"):
            assert spark_engine.accelerator(here) == ({}, "there is no NVIDIA GPU")


@SPARK
def test_a_master_that_is_not_there_is_told_in_one_line(tables: Insights) -> None:
    with pytest.raises(EngineError, match=r"spark://127.0.0.1:9: no Spark master answers there"):
        quiet(STATEMENTS["histogram"], tables, "spark://127.0.0.1:9")


@pytest.mark.parametrize("engine", ["oracle", "", "spark://", "local[x]", "local[2]; rm", "yarn", "polars-tpu"])
def test_what_is_no_engine_is_told_in_one_line(engine: str) -> None:
    with pytest.raises(EngineError, match=r"There is no engine .*; name duckdb, polars, polars-gpu, local"):
        check(engine)


@pytest.mark.parametrize(
    "engine", ["duckdb", "polars", "polars-gpu", "local", "local[4]", "local[*]", "spark://a:7077"]
)
def test_what_is_an_engine_is_taken(engine: str) -> None:
    assert check(engine) == engine
