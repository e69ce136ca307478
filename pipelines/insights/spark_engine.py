"""Answers a question with Apache Spark (extra ``spark``), for tables that one machine's disk does not hold.

``local[N]`` is Spark within this process. ``spark://HOST:PORT`` is a standalone cluster; its workers must see the
tables' folder under the same path. What Spark is told beyond the below stands in ``spark-defaults.conf``, as always.

NVIDIA's accelerator (``com.nvidia.spark.SQLPlugin``) answers on GPUs where :data:`JAR` names its jar. Without a GPU its
executors would end and be started again for ever. So a machine of ours has to have one, and a line says where not.
"""

from __future__ import annotations

import atexit
import glob
import ipaddress
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipelines.insights.errors import EngineError
from pipelines.insights.tables import SCHEMAS, Insights, asked

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAR: Final = "SPARK_RAPIDS_JAR"
"""The variable that names the accelerator's jar, such as rapids-4-spark_2.13-26.06.0-cuda13.jar."""

PLUGIN: Final = "com.nvidia.spark.SQLPlugin"

CONNECT_SECONDS: Final = 3.0
WORKERS_SECONDS: Final = 60.0
"""How long a master may take to answer, and to find workers for us."""

_TYPES: Final = {pa.string(): "string", pa.int32(): "int", pa.int64(): "bigint", pa.bool_(): "boolean"}
_LOG: Final = Path(__file__).with_name("log4j2.properties")


def answer(
    sql: str, tables: Insights, tell: Callable[[str], None], master: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns and rows of ``sql``. ``tell`` is told in a line why not GPUs answer."""
    settings, why = accelerator(master)
    spark = _session(master, tuple(settings.items()))
    if why:
        tell(f"{master}: processors answer, for {why}.")
    for name in asked(sql):
        schema = ", ".join(f"`{field.name}` {_TYPES[field.type]}" for field in SCHEMAS[name])
        files = [str(file.resolve()) for file in tables.files(name)]
        frame = spark.read.schema(schema).parquet(*files) if files else spark.createDataFrame([], schema)
        frame.createOrReplaceTempView(name)
    found = spark.sql(sql)
    return found.columns, [tuple(row) for row in found.collect()]


def accelerator(master: str) -> tuple[dict[str, str], str]:
    """Spark's settings for NVIDIA's accelerator; or why there are none."""
    jar = os.environ.get(JAR, "")
    if not jar:
        return {}, f"{JAR} names no jar of NVIDIA's accelerator"
    if not Path(jar).is_file():
        return {}, f"{JAR} names {jar}, which is not there"
    if _is_here(master) and not glob.glob("/dev/nvidia[0-9]*"):
        return {}, "there is no NVIDIA GPU"
    settings = {"spark.jars": jar, "spark.plugins": PLUGIN, "spark.rapids.sql.enabled": "true"}
    if not _is_here(master):
        settings |= {"spark.executor.resource.gpu.amount": "1", "spark.task.resource.gpu.amount": "0.01"}
    return settings, ""


@lru_cache(maxsize=1)
def _session(master: str, settings: tuple[tuple[str, str], ...]) -> SparkSession:
    """The session; starting one takes seconds, and there is one at a time in a process."""
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - the extra
    except ModuleNotFoundError as missing:
        raise EngineError(
            f"{missing.name} is not installed: .venv/bin/python -m pip install -e '.[spark]'"
        ) from missing
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise EngineError("Spark needs Java 17: sudo apt-get install openjdk-17-jre-headless")
    if not master.startswith("local"):
        _reach(master)
    if (before := SparkSession.getActiveSession()) is not None:
        before.stop()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("sophia insights")
    given = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Dlog4j2.configurationFile=file:{_LOG}",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # the path's date is the column's: text
    }
    if _is_here(master):  # Spark's wire is open to everybody: it stays on this machine
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        given |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        given |= {"spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1))}
    for key, value in (given | dict(settings)).items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:  # Java's, of many kinds, with a page of text
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise EngineError(f"{master}: Spark does not start ({first})") from error
    atexit.register(spark.stop)
    if not master.startswith("local"):
        _await_workers(spark, master)
    return spark


def _reach(master: str) -> None:
    host, _, port = master.removeprefix("spark://").partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise EngineError(f"{master}: no Spark master answers there ({error})") from error


def _await_workers(spark: Any, master: str) -> None:
    """Without a worker that has room, Spark would wait for ever."""
    end = time.monotonic() + WORKERS_SECONDS
    while spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one
        if time.monotonic() > end:
            spark.stop()
            raise EngineError(f"{master} has no worker with room for us; look at its page, or stop other programs")
        time.sleep(0.2)


def _is_here(master: str) -> bool:
    host = master.removeprefix("spark://").rpartition(":")[0].strip("[]")
    if master.startswith("local") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
