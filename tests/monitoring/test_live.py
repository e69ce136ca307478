"""A real Prometheus scrapes the loop's /metrics, a real node exporter and synthetic ones; alerts fire, panels fill.

This machine plays a Spark and has no ``host`` in its targets, as shipped; an H100 stands beside it. Every test changes
what is told, waits until Prometheus shows what follows, and puts back what can be put back. Nothing waits for a time;
five of the seconds that this takes are Prometheus's own, before its first scrape.
"""

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_lab import (
    DOCKER,
    TRACE,
    a_second_of,
    configure,
    exposition,
    free_port,
    gpu,
    needs_prometheus,
    prometheus,
    running,
    triton,
    turn,
)

from pipelines.certs import Authority
from pipelines.insights.ingest import Taken
from pipelines.insights.made import Making, Slow, write
from pipelines.insights.metrics import of_ingest
from pipelines.insights.metrics import write as write_metrics
from pipelines.monitoring import queries
from pipelines.monitoring.__main__ import main
from pipelines.services.certificates import watch_certificates
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry.setup import Telemetry
from pipelines.virtual_time import run

EXPIRY = "sophia_certificate_expiry_timestamp_seconds"

pytestmark = [
    needs_prometheus,
    pytest.mark.skipif(
        shutil.which("prometheus-node-exporter") is None, reason="prometheus-node-exporter (Debian) is not installed"
    ),
]


class Exporter(ThreadingHTTPServer):
    """Serves ``tell(n)``, the samples of its n-th scrape, on a port of its own; None is an exporter in trouble."""

    daemon_threads = True

    def __init__(self, tell):
        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.scrapes += 1
                if (samples := tell(self.server.scrapes)) is None:
                    return self.send_error(503)
                body = exposition(samples).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Page)
        self.scrapes = 0

    @contextmanager
    def serving(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"127.0.0.1:{self.server_port}"
        finally:
            self.shutdown()
            self.server_close()


class Stack:
    """What is watched, and what Prometheus makes of it."""

    def __init__(self, metrics, files):
        self.url = ""
        self.metrics = metrics
        self.files = files
        self.spark = {"fb": False, "temperature": 60}
        self.h100 = {"fb": True}
        self.turns = 0

    def talk(self, **changed):
        """One more turn, and a second of the event loop's life."""
        self.turns += 1
        self.metrics.record(turn(self.turns, **changed), trace_id=TRACE)
        self.metrics.tool("tell_time", 0.01, failed=False)
        run(a_second_of(self.metrics))

    def report(self, slower):
        """What a report leaves, of twelve days whose last one was ``slower`` by so many milliseconds."""
        today = datetime.now(UTC).date()
        slow = [Slow("llm", slower, str(today - timedelta(days=1)))]
        with tempfile.TemporaryDirectory() as tables:
            write(Making(300, 12, str(today - timedelta(days=12)), slow=slow), Path(tables))
            command = [sys.executable, "-m", "pipelines.insights", "report", tables, "--since", "1d"]
            subprocess.run([*command, "--metrics", self.files / "report.prom"], check=True, stdout=subprocess.DEVNULL)

    def ingest(self, ago):
        """What an ingest left ``ago`` seconds ago."""
        with tempfile.TemporaryDirectory() as tables:
            told = of_ingest(Taken(), write(Making(20), Path(tables)), time.time() - ago, 1.0)
        write_metrics(self.files / "ingest.prom", told)

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=5) as reply:
            return json.load(reply)["data"]

    def values(self, expr):
        return [float(sample["value"][1]) for sample in self.get("/api/v1/query", query=expr)["result"]]

    def firing(self, alert, **labels):
        """The alerts of that name that fire, with these labels."""
        wanted = {"alertname": alert, **labels}.items()
        alerts = self.get("/api/v1/alerts")["alerts"]
        return [told for told in alerts if told["state"] == "firing" and wanted <= told["labels"].items()]


def until(look, seconds=20.0):
    """What ``look`` finds, once it finds something; ``seconds`` only bound a test that fails."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not seen in {seconds:g} s"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    ports = {name: free_port() for name in ("loop", "node")}
    telemetry = Telemetry(TelemetrySettings(metrics_port=ports["loop"]), clock=time.monotonic)
    stack = Stack(telemetry.metrics, tmp_path_factory.mktemp("files"))
    telemetry.metrics.certificate("tts", time.time() + 90 * 86400)
    node = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{ports['node']}"]
    node += ["--log.level=error", "--collector.disable-defaults", "--collector.meminfo", "--collector.textfile"]
    node += [f"--collector.textfile.directory={stack.files}"]
    with ExitStack() as held:
        held.callback(lambda: asyncio.run(telemetry.aclose()))
        held.enter_context(telemetry.metrics.session())
        spark = held.enter_context(Exporter(lambda n: stack.spark and gpu(n, **stack.spark)).serving())
        h100 = held.enter_context(Exporter(lambda n: stack.h100 and gpu(n, **stack.h100)).serving())
        mind = held.enter_context(Exporter(triton).serving())
        held.enter_context(running(node, f"http://127.0.0.1:{ports['node']}/"))
        places = {
            "sophia": [(f"127.0.0.1:{ports['loop']}", None)],
            "dcgm": [(spark, None), (h100, "h100")],
            "node": [(f"127.0.0.1:{ports['node']}", None)],
            "triton": [(mind, None)],
        }
        configure(folder, places, every="250ms")
        stack.url = held.enter_context(prometheus(folder))
        until(lambda: stack.values("sum(up)") == [5])
        yield stack


def test_a_target_that_names_no_host_is_on_this_machine_whose_memory_stands_in_for_a_framebuffer(stack):
    assert stack.values('sophia_sessions{host="localhost"}') == [1]
    (shared,) = until(lambda: stack.values('host:gpu_mem_used:ratio{host="localhost", mem="unified"}'))
    assert 0 < shared < 1
    (own,) = until(lambda: stack.values('host:gpu_mem_used:ratio{host="h100", mem="fb"}'))
    assert own == pytest.approx(40 / 81)
    assert len(stack.values("host:gpu_mem_used:ratio")) == 2


def test_a_gpu_that_grows_hot_is_told_until_it_cools(stack):
    assert not stack.firing("gpu_overtemp")
    stack.spark = {"fb": False, "temperature": 85}
    (hot,) = until(lambda: stack.firing("gpu_overtemp"))
    assert hot["labels"]["severity"] == "warning"
    assert hot["annotations"]["summary"] == "GPU 0 on localhost is at 85 °C"
    stack.spark = {"fb": False, "temperature": 60}
    until(lambda: not stack.firing("gpu_overtemp"))


def test_a_framebuffer_that_fills_up_is_told_by_both_severities(stack):
    stack.h100 = {"fb": True, "free": 400}
    until(lambda: len(stack.firing("gpu_mem_high", host="h100", mem="fb")) == 2)
    assert not stack.firing("gpu_mem_high", host="localhost")
    stack.h100 = {"fb": True}
    until(lambda: not stack.firing("gpu_mem_high"))


def test_twenty_slow_turns_burn_the_budget_and_the_histogram_names_the_trace(stack):
    for _ in range(20):
        stack.talk(slow=2.0)
    until(lambda: len(stack.firing("slow_turns_burn")) == 3)
    assert {alert["labels"]["severity"] for alert in stack.firing("slow_turns_burn")} == {"critical", "warning", "info"}
    now = time.time()
    found = until(
        lambda: stack.get(
            "/api/v1/query_exemplars", query="sophia_voice_to_voice_seconds_bucket", start=now - 60, end=now + 60
        )
    )
    assert {exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]} == {TRACE}


def test_a_certificate_made_for_a_day_is_about_to_end(stack, tmp_path):
    authority = Authority.create()
    authority.identity.write(tmp_path, "ca")
    server = authority.server(life=timedelta(days=1))
    server.write(tmp_path, "server")

    async def look():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
        listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        target = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        place = Endpoint(target=target, tls=TlsSettings(ca=tmp_path / "ca.crt"))
        watch = asyncio.create_task(watch_certificates(stack.metrics, {"llm": place}))
        async with asyncio.timeout(10), listening:
            while stack.metrics.registry.get_sample_value(EXPIRY, {"service": "llm"}) is None:
                assert not watch.done()
                await asyncio.sleep(0.01)
        watch.cancel()

    asyncio.run(look())
    until(lambda: len(stack.firing("certificate_expiring", service="llm")) == 2)
    (urgent,) = stack.firing("certificate_expiring", severity="critical")
    assert urgent["annotations"]["summary"].startswith("The certificate of llm ends in 22h")  # it begins an hour ago
    assert not stack.firing("certificate_expiring", service="tts")
    stack.metrics.certificate("llm", time.time() + 90 * 86400)
    until(lambda: not stack.firing("certificate_expiring"))


def test_a_day_that_was_slower_is_told_until_a_day_goes_as_usual(stack):
    stack.report(slower=400)
    found = until(lambda: stack.firing("guardrail_drifted", guardrail="wait p50", host="localhost"))
    assert found[0]["annotations"]["summary"].startswith("wait p50 on localhost was 1.0")
    assert {alert["labels"]["unit"] for alert in stack.firing("guardrail_drifted")} == {"seconds"}
    stack.report(slower=0)
    until(lambda: not stack.firing("guardrail_drifted"))


def test_an_ingest_that_has_not_run_for_long_is_told_until_it_has(stack):
    stack.ingest(ago=40 * 3600)
    (stale,) = until(lambda: stack.firing("insights_stale", command="ingest"))
    assert stale["annotations"]["summary"].startswith(
        "On localhost the last ingest of insights that went well was 1d 16h"
    )
    stack.ingest(ago=0)
    until(lambda: not stack.firing("insights_stale"))


def test_a_file_that_the_node_exporter_cannot_read_is_told(stack):
    (stack.files / "other.prom").write_text("no metric\n")
    until(lambda: stack.firing("textfile_unreadable"))
    (stack.files / "other.prom").unlink()
    until(lambda: not stack.firing("textfile_unreadable"))


def test_every_query_of_every_panel_returns_data(stack, capsys):
    stack.report(slower=400)
    stack.h100 = {"fb": True, "xid": 79}
    boards = [file.read_text() for file in (DOCKER / "grafana" / "dashboards").glob("*.json")]

    def full():
        stack.talk()
        stack.metrics.error("face")
        return all(told.found == "data" for board in boards for told in queries.ask(stack.url, board))

    until(full)
    assert main(["ask", stack.url, "--empty"]) == 0
    assert capsys.readouterr().out.count(" 0 empty, 0 wrong") == len(boards) == 3
    (xid,) = until(lambda: stack.firing("gpu_xid"))
    assert xid["labels"]["host"] == "h100"
    assert xid["labels"]["xid"] == "79"
    stack.h100 = {"fb": True}


def test_an_exporter_in_trouble_is_told_and_nothing_about_memory_is_made_up(stack):
    stack.spark = None
    (down,) = until(lambda: stack.firing("exporter_down"))
    assert down["labels"]["job"] == "dcgm"
    assert down["labels"]["host"] == "localhost"
    until(lambda: stack.values('host:gpu_mem_used:ratio{host="localhost"}') == [])
    stack.spark = {"fb": False, "temperature": 60}
    until(lambda: not stack.firing("exporter_down"))
