"""A real Prometheus scrapes the loop's /metrics, a synthetic DCGM exporter and a real node exporter; alerts fire.

It takes a dozen seconds, of which Prometheus spends five before its first scrape: run it with MONITORING_LIVE=1.
"""

import asyncio
import json
import os
import shutil
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_lab import TRACE, configure, exposition, free_port, gpu, needs_prometheus, prometheus, running, turn

from pipelines.telemetry import TelemetrySettings
from pipelines.telemetry.setup import Telemetry

pytestmark = [
    needs_prometheus,
    pytest.mark.skipif("MONITORING_LIVE" not in os.environ, reason="takes a dozen seconds: set MONITORING_LIVE=1"),
    pytest.mark.skipif(
        shutil.which("prometheus-node-exporter") is None, reason="prometheus-node-exporter (Debian) is not installed"
    ),
]


class Exporter(BaseHTTPRequestHandler):
    """A DCGM exporter; what it says is in ``state``."""

    state: dict

    def do_GET(self):
        body = exposition(gpu(0, **self.state)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def get(url, path, **parameters):
    with urllib.request.urlopen(f"{url}{path}?{urllib.parse.urlencode(parameters)}", timeout=5) as reply:
        return json.load(reply)["data"]


async def until(look, seconds=15.0):
    """What ``look`` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < deadline, f"not seen in {seconds:g} s"
        await asyncio.sleep(0.1)
    return found


async def test_scrapes_arrive_alerts_fire_and_a_slow_turn_leads_to_its_trace(tmp_path):
    ports = {job: free_port() for job in ("sophia", "dcgm", "node")}
    configure(tmp_path, {job: (f"127.0.0.1:{port}", "spark") for job, port in ports.items()})
    node = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{ports['node']}"]
    node += ["--log.level=error", "--collector.disable-defaults", "--collector.meminfo"]
    Exporter.state = {"fb": False, "temperature": 60}
    exporter = ThreadingHTTPServer(("127.0.0.1", ports["dcgm"]), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    telemetry = Telemetry(TelemetrySettings(metrics_port=ports["sophia"]), clock=asyncio.get_running_loop().time)
    try:
        with (
            telemetry.metrics.session(),
            running(node, f"http://127.0.0.1:{ports['node']}/"),
            prometheus(tmp_path) as url,
        ):

            def value(expr):
                return [sample["value"][1] for sample in get(url, "/api/v1/query", query=expr)["result"]]

            def firing(alert):
                alerts = get(url, "/api/v1/alerts")["alerts"]
                return [a for a in alerts if a["labels"]["alertname"] == alert and a["state"] == "firing"]

            # Everybody is up, and the machine's own memory stands in for a framebuffer that is not there.
            await until(lambda: value("sum(up)") == ["3"])
            assert value("sophia_sessions") == ["1"]
            (shared,) = await until(lambda: value('host:gpu_mem_used:ratio{mem="unified"}'))
            assert 0 < float(shared) < 1
            assert not firing("gpu_overtemp")

            # Heat, a framebuffer that appears and fills up, an XID.
            Exporter.state = {"fb": True, "temperature": 85, "xid": 79}
            for number in range(1, 21):
                telemetry.metrics.record(turn(number, slow=2.0), trace_id=TRACE)
            (hot,) = await until(lambda: firing("gpu_overtemp"))
            assert hot["labels"]["severity"] == "warning"
            assert hot["annotations"]["summary"] == "GPU 0 on spark is at 85 °C"
            (xid,) = await until(lambda: firing("gpu_xid"))
            assert xid["labels"]["xid"] == "79"
            assert value('host:gpu_mem_used:ratio{mem="unified"}') == []
            assert len(value('host:gpu_mem_used:ratio{mem="fb"}')) == 1

            # Twenty turns of more than two seconds: the objective burns, and the histogram names the trace.
            burning = await until(lambda: firing("slow_turns_burn"))
            assert {alert["labels"]["severity"] for alert in burning} == {"critical", "warning", "info"}
            now = time.time()
            found = await until(
                lambda: get(
                    url,
                    "/api/v1/query_exemplars",
                    query="sophia_voice_to_voice_seconds_bucket",
                    start=now - 60,
                    end=now + 60,
                )
            )
            assert {e["labels"]["trace_id"] for series in found for e in series["exemplars"]} == {TRACE}

            # The exporter dies: that is told, and nothing about memory is made up.
            exporter.shutdown()
            exporter.server_close()
            (down,) = await until(lambda: firing("exporter_down"))
            assert down["labels"]["job"] == "dcgm"
            assert value("host:gpu_mem_used:ratio") == []
            await until(lambda: not firing("gpu_overtemp"))
    finally:
        exporter.server_close()
        await telemetry.aclose()
