"""The whole program against a lab over TLS: one turn, whose latency is judged and whose trace and metrics are found."""

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest
from doctor_services import Collector, DoctorLab, collecting, web
from lab import config, serving

from pipelines.doctor import integration
from pipelines.doctor.checklist import Context, run_checks
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.integration import INTEGRATION, Played, budgeted, talked
from pipelines.doctor.manifest import Manifest
from pipelines.records.results import Happened, Turn
from pipelines.settings.model import Settings, load_settings
from pipelines.settings.stack import StackSettings
from pipelines.settings.telemetry import TelemetrySettings

SERVICES = ("asr", "llm", "tts", "face")
TURN = Turn(
    talk="t", line=0, name="l", round=0, session=0, at=0, seconds=2, voiced=(0, 1.8), outcome="answered",
    voice_to_voice=0.8, contributions={"asr": 0.5, "tts": 0.3}, heard="hello", reply="Hello!",
)  # fmt: skip


@pytest.mark.services
@pytest.mark.timeout(90)
async def test_a_turn_from_end_to_end(tmp_path: Path, pki: Path) -> None:
    collector, asked = Collector(), []
    pages = {
        "/api/v1/query?query=max(max_over_time(sophia_sessions[": {"data": {"result": [{"value": [0, "1"]}]}},
        "/api/search?tags=service.name=sophia-doctor-": {"traces": [{"traceID": "2f3e0cee77ae5dc9c17ade3689eb2e54"}]},
    }
    lab = DoctorLab()
    async with serving(lab, pki) as port, collecting(collector, pki) as otlp, web(pages, pki, asked) as url:
        path, more, report = config(tmp_path, pki, dict.fromkeys(SERVICES, port)), tmp_path / "m.yaml", tmp_path / "r"
        ca = str(pki / "ca.crt")
        stack = {"prometheus": url, "tempo": url, "ca": ca, "voice_to_voice": 10}
        telemetry = {"exporter": "otlp", "endpoint": otlp, "ca": ca, "metrics_port": free_port()}
        more.write_text(json.dumps({"stack": stack, "telemetry": telemetry}))
        command = ("-m", "pipelines.doctor", "--config", str(path), "--config", str(more), "--phase", "integration")
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--json", str(report), stdout=asyncio.subprocess.PIPE
        )
        shown, _ = await process.communicate()
    assert process.returncode == 0, shown.decode()
    rows = {row["key"]: row for row in json.loads(report.read_text())["findings"]}
    assert {row["mark"] for row in rows.values()} == {"ok"}
    assert rows["turn"]["found"].startswith("heard “where is my order”")
    assert rows["latency"]["expected"] == "at most 10000 ms (stack.voice_to_voice)"
    assert rows["trace"]["found"] == "trace 2f3e0cee77ae5dc9c17ade3689eb2e54"
    assert "turn" in collector.spans
    (service,) = collector.services
    assert service.startswith("sophia-doctor-")
    assert any(service in path for path in asked)  # by its own name the trace is found again
    assert "✓ a turn by soundbite" in shown.decode()


async def test_services_that_are_not_there(tmp_path: Path, pki: Path) -> None:
    async with serving(DoctorLab(), pki) as port:
        pass
    settings = load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, port)), {}, {})
    found = await look(settings)
    assert found["turn"].mark is Mark.FAIL
    assert "nothing answers on this port" in found["turn"].found
    assert {found[key].mark for key in ("latency", "metrics", "trace")} == {Mark.SKIP}


async def look(settings: Settings) -> dict[str, Result]:
    context = Context(None, Manifest(title="none"), settings)  # type: ignore[arg-type]
    return {finding.key: finding.result async for finding in run_checks(INTEGRATION, context)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def after(played: Played, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Result]:
    async def play(settings: Settings) -> Played:
        return played

    monkeypatch.setattr(integration, "play", play)
    monkeypatch.setattr(integration, "ARRIVAL_SECONDS", 0.0)
    return await look(settings)


async def test_what_never_arrives(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with web({"/api/v1/query": {"data": {"result": []}}, "/api/search": "<html>"}, pki) as url:
        stack = StackSettings(prometheus=url, tempo=url, ca=pki / "ca.crt")
        settings = Settings(stack=stack, telemetry=TelemetrySettings(exporter="otlp", metrics_port=9))
        found = await after(Played("sophia-doctor-1", TURN), settings, monkeypatch)
    assert (found["metrics"].mark, found["metrics"].found) == (Mark.FAIL, "no metric of the turn within 0 s")
    assert found["metrics"].fix.startswith("name the loop in docker/prometheus/targets/")
    assert found["trace"].mark is Mark.FAIL
    assert f"{url}/api/search: it answers, but not in JSON" in found["trace"].found
    assert "stack.tempo" in found["trace"].fix


async def test_a_trace_that_tempo_does_not_have_or_cannot_tell_of(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = TelemetrySettings(exporter="otlp", metrics_port=9)
    async with web({"/api/search": {"traces": []}, "/api/v1/query": 503}, pki) as url:
        stack = StackSettings(tempo=url, prometheus=url, ca=pki / "ca.crt")
        found = await after(Played("s", TURN), Settings(stack=stack, telemetry=telemetry), monkeypatch)
    assert found["trace"].found == "no trace of the turn within 0 s"
    assert "collector's log" in found["trace"].fix
    assert found["metrics"].found == f"cannot be looked up: {url}/api/v1/query: HTTP 503"
    assert "stack.prometheus" in found["metrics"].fix
    stack = StackSettings(tempo=f"http://127.0.0.1:{free_port()}")
    trace = (await after(Played("s", TURN), Settings(stack=stack, telemetry=telemetry), monkeypatch))["trace"]
    assert trace.found == f"cannot be looked up: {stack.tempo}/api/search: nothing answers on this port"
    assert trace.fix == "look whether Tempo is up, and whether stack.tempo is its address"


async def test_a_collector_that_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = TelemetrySettings(exporter="otlp")
    note = f"the collector at {telemetry.endpoint} does not take what is sent"
    found = await after(Played("s", TURN, notes=(note,)), Settings(telemetry=telemetry), monkeypatch)
    assert (found["trace"].mark, found["trace"].found) == (Mark.FAIL, note)
    found = await after(Played("s", TURN), Settings(telemetry=telemetry), monkeypatch)
    assert found["trace"].mark is Mark.OK
    assert "not looked up" in found["trace"].found


async def test_a_loop_that_offers_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = StackSettings(prometheus="http://127.0.0.1:9")
    found = await after(Played("s", TURN), Settings(stack=stack), monkeypatch)
    assert found["metrics"].mark is Mark.SKIP
    assert "telemetry.metrics_port" in found["metrics"].found


@pytest.mark.parametrize("series", [[], [{"value": [0, "1"]}]], ids=["unseen", "seen"])
async def test_a_loop_that_has_the_port_already(
    pki: Path, monkeypatch: pytest.MonkeyPatch, series: list[object]
) -> None:
    async with web({"/api/v1/query?query=sophia_sessions": {"data": {"result": series}}}, pki) as url:
        stack = StackSettings(prometheus=url, ca=pki / "ca.crt")
        settings = Settings(stack=stack, telemetry=TelemetrySettings(metrics_port=9464))
        metrics = (await after(Played("s", TURN, taken=True), settings, monkeypatch))["metrics"]
    assert metrics.mark is (Mark.OK if series else Mark.FAIL)
    assert ("port 9464 is its" if series else "somebody has port 9464") in metrics.found


def test_latency_against_its_budget() -> None:
    within = budgeted(TURN, 0.8)
    assert (within.mark, within.found) == (Mark.OK, "800 ms voice to voice (asr 500, tts 300)")
    late = budgeted(TURN, 0.799)
    assert (late.mark, late.expected) == (Mark.WARN, "at most 799 ms (stack.voice_to_voice)")
    assert budgeted(None, 1).mark is Mark.SKIP


def test_turns_that_went_wrong() -> None:
    assert talked(None, ("a service was lost",)).found == "the loop broke off\na service was lost"
    missed = talked(TURN.model_copy(update={"outcome": "missed", "reason": "nothing was recognised", "heard": ""}), ())
    assert (missed.mark, missed.found) == (Mark.FAIL, "missed (nothing was recognised); heard: “”")
    faults = (Happened(at=1.0, kind="face", reason="\x1b[31mno room"),)
    hurt = talked(TURN.model_copy(update={"faults": faults}), ())
    assert hurt.mark is Mark.WARN
    assert hurt.found.endswith("\nface: [31mno room")
