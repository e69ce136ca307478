"""A real Prometheus and a real node exporter, of Debian's packages, over TLS; the loop's services are the lab's."""

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from doctor_services import DoctorLab
from fake_machines import FakeHost
from lab import config, serving

from pipelines.doctor.checklist import Context, run_checks
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.manifest import Manifest
from pipelines.doctor.monitoring import MONITORING
from pipelines.doctor.web import WebTrouble, get
from pipelines.settings.endpoint import TlsSettings
from pipelines.settings.model import load_settings

TOOLS = ("prometheus", "prometheus-node-exporter")
pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(90),
    pytest.mark.skipif(
        any(shutil.which(tool) is None for tool in TOOLS), reason=f"not installed: {' or '.join(TOOLS)} (Debian)"
    ),
]
RULES = """
groups:
  - name: memory
    rules:
      - {alert: no_memory, expr: "node_memory_MemAvailable_bytes < 1"}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_up(url: str, ca: Path, jobs: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                page = await get(f"{url}/api/v1/query", tls=TlsSettings(ca=ca), params={"query": 'sum(up{job="node"})'})
                if page.json()["data"]["result"][0]["value"][1] == str(jobs):
                    return
            except (WebTrouble, LookupError):
                pass
            await asyncio.sleep(0.2)


async def test_prometheus_sees_the_machine_and_the_turn(tmp_path: Path, pki: Path) -> None:
    ca, ports = pki / "ca.crt", {name: free_port() for name in ("prometheus", "node", "loop")}
    web = tmp_path / "web.yml"
    web.write_text(
        yaml.safe_dump(
            {"tls_server_config": {"cert_file": str(pki / "server.crt"), "key_file": str(pki / "server.key")}}
        )
    )
    scraped = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": "node", "scheme": "https", "tls_config": {"ca_file": str(ca)},
                "static_configs": [{"targets": [f"127.0.0.1:{ports['node']}"]}],
            },
            {"job_name": "sophia", "static_configs": [{"targets": [f"127.0.0.1:{ports['loop']}"]}]},
        ],
    }  # fmt: skip
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(scraped))
    (tmp_path / "rules.yml").write_text(RULES)
    prometheus = (
        "prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}", f"--web.config.file={web}", "--log.level=error",
    )  # fmt: skip
    node = (
        "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{ports['node']}", f"--web.config.file={web}",
        "--collector.disable-defaults", "--collector.meminfo",
    )  # fmt: skip
    url = f"https://127.0.0.1:{ports['prometheus']}"
    more = tmp_path / "more.yaml"
    more.write_text(
        json.dumps(
            {
                "telemetry": {"metrics_port": ports["loop"]},
                "stack": {
                    "prometheus": url,
                    "node_exporter": f"https://127.0.0.1:{ports['node']}",
                    "ca": str(ca),
                    "voice_to_voice": 0.001,
                },
            }
        )
    )
    async with serving(DoctorLab(), pki) as port, running(*prometheus), running(*node) as exporter:
        lab = config(tmp_path, pki, dict.fromkeys(("asr", "llm", "tts", "face"), port))
        await until_up(url, ca, 1)
        found = await look(lab, more)
        assert {found[key].mark for key in ("prometheus", "rules", "node_exporter_page")} == {Mark.OK}, found
        assert found["rules"].found == "1 rules, 1 of them alerts, none fires"
        assert found["targets"].mark is Mark.WARN  # of the two only the loop, which does not run yet
        code, rows = await doctor(tmp_path, lab, more)
        assert rows["metrics"]["mark"] == "ok", rows["metrics"]
        assert (code, rows["latency"]["mark"], rows["latency"]["expected"]) == (
            1, "warn", "at most 1 ms (stack.voice_to_voice)",
        )  # fmt: skip
        exporter.kill()
        await until_up(url, ca, 0)
        found = await look(lab, more)
    assert found["targets"].mark is found["node_exporter_page"].mark is Mark.FAIL
    gone = ("connection refused", "EOF")  # the second, where the exporter went in the middle of a scrape
    assert any(words in found["targets"].found for words in gone)


async def look(*files: Path) -> dict[str, Result]:
    context = Context(FakeHost(), Manifest(title="none"), load_settings(files, {}, {}))
    return {finding.key: finding.result async for finding in run_checks(MONITORING, context)}


async def doctor(folder: Path, *files: Path) -> tuple[int | None, dict[str, dict[str, Any]]]:
    report = folder / "report.json"
    named = [word for file in files for word in ("--config", str(file))]
    command = ("-m", "pipelines.doctor", *named, "--phase", "integration", "--json", str(report))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.DEVNULL)
    code = await process.wait()
    return code, {row["key"]: row for row in json.loads(report.read_text())["findings"]}
