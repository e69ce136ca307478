"""A Prometheus of the distribution's packages with the project's own configuration, and what it is to see.

Two machines: ``h100`` has a framebuffer, ``spark`` shares its memory. Exporters other than the node exporter are
synthetic; Triton's series are those of a real server.
"""

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from pipelines.insights import made
from pipelines.insights.ingest import Taken
from pipelines.insights.metrics import of_ingest, of_report
from pipelines.insights.queries import USUAL, Percentiles
from pipelines.insights.report.asking import Tally
from pipelines.insights.report.drift import LEAST, Day, drifts
from pipelines.insights.report.figures import Division, Group, Report
from pipelines.telemetry.ledger import CHAIN, Count, Ledger, Outcome
from pipelines.telemetry.metrics import Metrics
from pipelines.virtual_time import run

DOCKER = Path(__file__).parents[2] / "docker"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus (Debian: prometheus) is not installed",
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def turn(number, slow=0.0):
    """A turn's ledger: 50 ms a stage and ``slow`` more in the mind; every second one is interrupted."""
    ledger = Ledger(turn=number, outcome=Outcome.REPLIED)
    at = 100.0
    ledger.mark("voice_end", at)
    for name, stage in CHAIN.items():
        at += 0.05 + (slow if stage == "llm" else 0.0)
        ledger.mark(name, at)
    ledger.lip_skew = 0.01 * (number % 3 - 1)
    ledger.face_missing = 0.02 * (number % 3)
    ledger.count(Count.TOKENS, 20)
    ledger.count(Count.SPECULATIONS_STARTED, 2)
    ledger.count(Count.TOOL_CALLS)
    if number % 2 == 0:
        ledger.outcome = Outcome.INTERRUPTED
        ledger.mark("barge_in", at + 1)
        ledger.mark("silenced", at + 1.1)
        ledger.count(Count.UNDERRUNS)
        ledger.count(Count.SPECULATIONS_DROPPED)
        ledger.count(Count.WASTED_TOKENS, 5)
    return ledger


def gpu(step, *, fb, temperature=60, xid=0, free=41_000):
    """A DCGM exporter's samples after ``step`` scrapes, as ``(name, labels, value)``; ``free`` is in MiB."""
    labels = {
        "gpu": "0",
        "UUID": f"GPU-{'fb' if fb else 'unified'}",
        "pci_bus_id": "00000000:01:00.0",
        "device": "nvidia0",
        "modelName": "NVIDIA H100 80GB HBM3" if fb else "NVIDIA GB10",
        "Hostname": "c0ffee",
        "DCGM_FI_DRIVER_VERSION": "580.95.05",
    }
    values = {
        "GPU_UTIL": 40 + step % 20,
        "GPU_TEMP": temperature,
        "POWER_USAGE": 60.5,
        "SM_CLOCK": 2400,
        "THERMAL_VIOLATION": 0,
        "POWER_VIOLATION": 1_000_000 * step,
    }
    if fb:
        values |= {"FB_USED": 40_000, "FB_FREE": free}
    samples = [(f"DCGM_FI_DEV_{name}", labels, value) for name, value in values.items()]
    error = {"err_code": str(xid), "err_msg": "No Error" if xid == 0 else "GPU has fallen off the bus"}
    samples.append(("DCGM_FI_DEV_XID_ERRORS", labels | error, xid))
    if xid:
        samples.append(("DCGM_EXP_XID_ERRORS_COUNT", labels | {"window_size_in_ms": "300000", "xid": str(xid)}, 1))
    return samples


def triton(step):
    """A Triton server's samples: five requests a scrape, two to a batch."""
    labels = {"model": "nova_vllm", "version": "1"}
    values = {
        "nv_inference_request_success": 5 * step,
        "nv_inference_count": 6 * step,
        "nv_inference_exec_count": 3 * step,
        "nv_inference_queue_duration_us": 20_000 * step,
        "nv_inference_pending_request_count": 1,
    }
    samples = [(name, labels, value) for name, value in values.items()]
    reasons = {"OTHER": 0, "BACKEND": 0, "CANCELED": step, "REJECTED": 0}
    return samples + [("nv_inference_request_failure", labels | {"reason": why}, n) for why, n in reasons.items()]


def learned(now, slow=True):
    """What ingest and report leave for the node exporter: of a month, whose last day was slower if it is ``slow``."""
    past = [learned_day(date, 600_000) for date in range(1, 29)]
    found = drifts([*past, learned_day(29, 700_000 if slow else 600_000)], "2026-11-30")
    empty = Tally(0, 0, {})
    told = Report("", "", 0.0, Group((), {}, empty), {}, Division((), (), 0), (), (), 0, found)
    with tempfile.TemporaryDirectory() as folder:
        tables = made.write(made.Making(20), Path(folder))
        registries = (of_ingest(Taken(), tables, now, 1.0), of_report(told, now, 1.0))
    return [
        (sample.name, sample.labels, sample.value)
        for registry in registries
        for family in registry.collect()
        for sample in family.samples
    ]


def learned_day(date, wait):
    """A day of 500 turns, whose wait was so many microseconds."""
    counts = dict.fromkeys(LEAST, 5)
    return Day(f"2026-11-{date:02}", Percentiles(500, (wait,) * len(USUAL)), Tally(500, 50, counts))


def memory(available, total=128e9):
    """What a node exporter says of a machine's memory."""
    return [("node_memory_MemAvailable_bytes", {}, available), ("node_memory_MemTotal_bytes", {}, total)]


def loop(metrics):
    """What the loop's /metrics holds now."""
    return [
        (sample.name, sample.labels, sample.value)
        for family in metrics.registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]


def exposition(samples, at=None):
    """Samples as text, with a time stamp (seconds) where one is given."""
    lines = []
    for name, labels, value in samples:
        inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
        lines.append(f"{name}{{{inside}}} {value}" + ("" if at is None else f" {at:.3f}"))
    return "\n".join(lines) + "\n"


async def a_second_of(metrics):
    """Lets the loop look at its own lag for a second."""
    watch = asyncio.create_task(metrics.watch_loop())
    await asyncio.sleep(1)
    watch.cancel()


def two_minutes(now):
    """The last two minutes of both machines as OpenMetrics: a loop on the spark, and an XID in the last minute."""
    metrics, text, span, step, insights = Metrics(), [], 120, 5, learned(now)
    metrics.certificate("llm", now + 90 * 86400)
    with metrics.session():
        for number in range(span // step + 1):
            at = now - span + number * step
            metrics.record(turn(number), trace_id=TRACE)
            metrics.error("face")
            metrics.tool("weather", 0.3, failed=number % 5 == 0)
            run(a_second_of(metrics))
            spark = [("up", {"job": "dcgm"}, 1), *gpu(number, fb=False, xid=79 if at > now - 60 else 0), *memory(20e9)]
            spark += [("up", {"job": "sophia"}, 1), *triton(number), *loop(metrics), *insights]
            h100 = [*gpu(number, fb=True), *memory(100e9)]
            for host, samples in (("spark", spark), ("h100", h100)):
                told = [(name, {**labels, "host": host}, value) for name, labels, value in samples]
                text.append(exposition(told, at))
    return "".join(text) + "# EOF\n"


def configure(folder, targets, every):
    """Copies the configuration to ``folder``, with ``targets`` for each job, everything ``every`` so often.

    A target is an address and its host, or None as host, for this machine. An alert waits for one round.
    """
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] in targets]
    (folder / "targets").mkdir()
    for job, places in targets.items():
        groups = [{"targets": [at], "labels": {"host": host} if host else {}} for at, host in places]
        (folder / "targets" / f"{job}.yml").write_text(yaml.safe_dump(groups))
    (folder / "rules").mkdir()
    for file in (DOCKER / "prometheus" / "rules").glob("*.yml"):
        rules = yaml.safe_load(file.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = every
        (folder / "rules" / file.name).write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))


def backfill(folder, text):
    """Puts OpenMetrics text into the database of a Prometheus that does not run yet."""
    (folder / "past.txt").write_text(text)
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", folder / "past.txt", folder / "data"]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


@contextmanager
def running(command, ready):
    """Runs ``command`` until the block ends; enters it once ``ready`` (a URL) answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for _ in range(400):
            try:
                urllib.request.urlopen(ready, timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, process.stderr.read().decode()
                time.sleep(0.025)
        else:
            pytest.fail(f"{ready} did not answer in 10 s")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextmanager
def prometheus(folder):
    """The Prometheus that :func:`configure` prepared in ``folder``; gives its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    flags = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": url.removeprefix("http://"),
        "enable-feature": "exemplar-storage",
        "log.level": "warn",
    }
    with running(["prometheus", *(f"--{flag}={value}" for flag, value in flags.items())], f"{url}/-/ready"):
        yield url
