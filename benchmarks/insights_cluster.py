"""A Spark master with two workers of one core each, on loopback, for as long as a benchmark needs them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0


@contextlib.contextmanager
def cluster(work: Path, workers: int = 2) -> Iterator[str]:
    """The master's address; needs pyspark and Java 17. ``work`` is for what Spark writes."""
    import pyspark  # noqa: PLC0415 - the extra

    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(work),
        "PYSPARK_PYTHON": sys.executable,
    }
    port = _free()
    master = f"spark://127.0.0.1:{port}"
    launch = [str(home / "bin/spark-class")]
    deploy = "org.apache.spark.deploy"
    at = ["--host", "127.0.0.1", "--webui-port", "0"]
    worker = [*launch, f"{deploy}.worker.Worker", *at, "-c", "1", "-m", "2g", master]
    commands = [[*launch, f"{deploy}.master.Master", *at, "--port", str(port)], *[worker] * workers]
    running: list[subprocess.Popen[bytes]] = []
    log = work / "spark.log"
    try:
        with log.open("wb") as opened:
            for number, command in enumerate(commands):
                running.append(subprocess.Popen(command, env=environment, stdout=opened, stderr=opened))
                _await(log, "Registering worker" if number else "I have been elected leader", max(1, number))
        yield master
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
            process.wait()


def _await(log: Path, words: str, times: int) -> None:
    end = time.monotonic() + START_SECONDS
    while log.read_text(errors="replace").count(words) < times:
        if time.monotonic() > end:
            raise TimeoutError(f"Spark did not start within {START_SECONDS:.0f} s; see {log}")
        time.sleep(0.2)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
