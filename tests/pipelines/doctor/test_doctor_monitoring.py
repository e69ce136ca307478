"""What watches, over TLS: pages as Prometheus, Grafana and the exporters write them, and others."""

from pathlib import Path
from typing import Any

import pytest
from doctor_services import Collector, collecting, web
from fake_machines import FakeHost
from hypothesis import given
from hypothesis import strategies as st

from pipelines.doctor.checklist import Context, run_checks
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.manifest import Manifest
from pipelines.doctor.monitoring import MONITORING, dcgm, rules, targets
from pipelines.settings.model import Settings
from pipelines.settings.stack import StackSettings
from pipelines.settings.telemetry import TelemetrySettings

UP = {"labels": {"job": "node", "instance": "spark:9100"}, "health": "up", "lastError": ""}
DOWN = {
    "labels": {"job": "dcgm", "instance": "spark:9400"},
    "health": "down",
    "lastError": 'Get "http://spark:9400/metrics": dial tcp: connect: connection refused',
}
RULE = {"name": "gpu_overtemp", "type": "alerting", "health": "ok", "state": "inactive", "lastError": ""}
PROMETHEUS: dict[str, object] = {
    "/-/ready": "Prometheus Server is Ready.\n",
    "/api/v1/targets": {"status": "success", "data": {"activeTargets": [UP]}},
    "/api/v1/rules": {"status": "success", "data": {"groups": [{"name": "gpu", "rules": [RULE]}]}},
}
GRAFANA: dict[str, object] = {
    "/api/health": {"database": "ok", "version": "11.6.0", "commit": "d2fdff9ee7"},
    "/api/datasources/uid/prometheus/health": {"status": "OK", "message": "Successfully queried the Prometheus API."},
    "/api/datasources": [{"name": "Prometheus", "type": "prometheus", "uid": "prometheus"}],
    "/api/search": [{"title": "GPU", "uid": "gpu"}, {"title": "Voice loop", "uid": "voice-loop"}],
}
EXPORTERS: dict[str, object] = {
    "/node/metrics": "# HELP x\nnode_memory_MemAvailable_bytes 1\nnode_memory_MemTotal_bytes 2\n",
    "/dcgm/metrics": 'DCGM_FI_DEV_GPU_TEMP{gpu="0"} 55\nDCGM_FI_DEV_POWER_USAGE{gpu="0"} 12\n',
}


async def look(settings: Settings) -> dict[str, Result]:
    context = Context(FakeHost(), Manifest(title="none"), settings)
    return {finding.key: finding.result async for finding in run_checks(MONITORING, context)}


def settings(url: str, pki: Path, token: Path | None = None, **more: Any) -> Settings:
    stack = StackSettings(
        prometheus=url, grafana=url, node_exporter=f"{url}/node/metrics", dcgm_exporter=f"{url}/dcgm/metrics",
        ca=pki / "ca.crt", grafana_token_file=token,
    )  # fmt: skip
    return Settings(stack=stack, **more)


async def test_all_is_well(pki: Path, tmp_path: Path) -> None:
    token, asked, collector = tmp_path / "token", [], Collector()
    token.write_text("glsa_abc\n")
    async with web({**PROMETHEUS, **GRAFANA, **EXPORTERS}, pki, asked) as url, collecting(collector, pki) as otlp:
        telemetry = TelemetrySettings(exporter="otlp", endpoint=otlp, ca=pki / "ca.crt")
        found = await look(settings(url, pki, token, telemetry=telemetry))
    assert {key: result.mark for key, result in found.items()} == {check.key: Mark.OK for check in MONITORING}
    assert found["dcgm_exporter_page"].found.endswith("unified: the node exporter's is used)")
    assert found["targets"].found == "1 up: node"
    assert found["rules"].found == "1 rules, 1 of them alerts, none fires"
    assert found["dashboards"].found == "GPU, Voice loop"
    with_token = [line for line in asked if "glsa_abc" in line]
    assert len(with_token) == 3
    assert all(line.startswith(("/api/datasources", "/api/search")) for line in with_token)


async def test_what_is_not_named_is_passed_over() -> None:
    found = await look(Settings())
    assert {result.mark for result in found.values()} == {Mark.SKIP}


async def test_nothing_is_there(pki: Path) -> None:
    async with web({}, pki) as url:
        pass  # its port is free again
    telemetry = TelemetrySettings(exporter="otlp", endpoint=url, ca=pki / "ca.crt")
    found = await look(settings(url, pki, telemetry=telemetry))
    for key in ("prometheus", "targets", "rules", "grafana", "collector", "node_exporter_page"):
        assert found[key].mark is Mark.FAIL, key
        assert "check itself failed" not in found[key].found
    assert "nothing answers on this port" in found["prometheus"].found


async def test_only_https_needs_the_ca(tmp_path: Path) -> None:
    async with web({**PROMETHEUS, **GRAFANA, **EXPORTERS}, None) as url:
        found = await look(settings(url, tmp_path / "nobody"))
    for key in ("prometheus", "targets", "rules", "grafana", "node_exporter_page", "dcgm_exporter_page"):
        assert found[key].mark is Mark.OK, (key, found[key])
    found = await look(settings(url.replace("http:", "https:"), tmp_path / "nobody"))
    assert "nobody/ca.crt cannot be read" in found["prometheus"].found
    assert "stack.ca" in found["prometheus"].fix


async def test_a_stranger_is_not_trusted(pki: Path, other_pki: Path) -> None:
    async with web({**PROMETHEUS}, other_pki) as url, collecting(Collector(), other_pki) as otlp:
        telemetry = TelemetrySettings(exporter="otlp", endpoint=otlp, ca=pki / "ca.crt")
        found = await look(settings(url, pki, telemetry=telemetry))
    assert "certificate is not trusted" in found["prometheus"].found
    assert found["collector"].mark is Mark.FAIL


NONSENSE = ("", "<html>", "null", "[1]", "3", '{"data": [], "database": 1}', "[" * 50_000, 500, 302)


@pytest.mark.parametrize("page", NONSENSE, ids=range(len(NONSENSE)))
async def test_pages_of_somebody_else(pki: Path, tmp_path: Path, page: object) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    async with web({"/": page}, pki) as url:
        found = await look(settings(url, pki, token))
    for key in ("targets", "rules", "grafana", "node_exporter_page", "dcgm_exporter_page", "datasources", "dashboards"):
        assert found[key].mark is Mark.FAIL, (key, found[key])
        assert "check itself failed" not in found[key].found


async def test_a_page_without_end(pki: Path) -> None:
    async with web({"/": "node_x 1\n" * 600_000}, pki) as url:
        found = await look(settings(url, pki))
    assert "more than 4 MiB" in found["node_exporter_page"].found


async def test_a_token_that_grafana_does_not_take(pki: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    async with web({"/api/health": GRAFANA["/api/health"], "/": 401}, pki) as url:
        found = await look(settings(url, pki, token))
        without = await look(settings(url, pki))
        unreadable = await look(settings(url, pki, tmp_path))
    assert found["grafana"].mark is Mark.OK
    assert "does not let us in" in found["datasources"].found
    assert without["datasources"].mark is Mark.SKIP
    assert "cannot be read" in unreadable["datasources"].found


async def test_a_data_source_that_grafana_cannot_reach(pki: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    sick = {"status": "ERROR", "message": "dial tcp: lookup prometheus: no such host"}
    async with web(GRAFANA | {"/api/datasources/uid/prometheus/health": sick}, pki) as url:
        found = await look(settings(url, pki, token))
    assert found["datasources"].mark is Mark.FAIL
    assert "no such host" in found["datasources"].found


def test_a_target_that_is_down() -> None:
    result = targets({"activeTargets": [UP, DOWN]})
    assert result.mark is Mark.FAIL
    assert result.found.startswith("dcgm spark:9400 is down: Get")
    assert "connection refused" in result.found
    assert targets({}).mark is Mark.FAIL


def test_a_loop_that_does_not_run_is_no_fault_of_prometheus() -> None:
    loop = {**DOWN, "labels": {"job": "sophia", "instance": "spark:9464"}}
    assert targets({"activeTargets": [UP, loop]}).mark is Mark.WARN
    assert targets({"activeTargets": [UP, loop, DOWN]}).mark is Mark.FAIL


def test_rules_that_fire_or_cannot_be_evaluated() -> None:
    fires = rules({"groups": [{"rules": [RULE, {**RULE, "state": "firing"}]}]})
    assert (fires.mark, fires.found) == (Mark.WARN, "2 rules; firing: gpu_overtemp")
    broken = rules({"groups": [{"rules": [{**RULE, "health": "err", "lastError": "many-to-many matching"}]}]})
    assert (broken.mark, broken.found) == (Mark.FAIL, "gpu_overtemp: many-to-many matching")
    assert rules({"groups": []}).mark is Mark.FAIL


def test_an_exporter_that_sees_no_gpu() -> None:
    assert dcgm("u", {"DCGM_FI_DRIVER_VERSION"}).mark is Mark.WARN
    assert "unified" not in dcgm("u", {"DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_FB_USED"}).found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["activeTargets", "groups", "rules", "labels", "job", "health", "lastError", "name", "state"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["activeTargets", "groups"]), JSON))
def test_any_json_is_survived(data: dict[str, Any]) -> None:
    assert isinstance(targets(data), Result)
    assert isinstance(rules(data), Result)
