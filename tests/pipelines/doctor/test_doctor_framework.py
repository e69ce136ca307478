"""The loop's services over TLS: each is used, and each trouble is told with its remedy."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from doctor_services import DoctorLab, web
from fake_machines import FakeHost
from lab import config, serving

from pipelines.doctor import framework as doctor_framework
from pipelines.doctor.checklist import Context, run_checks
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.framework import answered, framework, own_days, ready, words
from pipelines.doctor.manifest import Manifest
from pipelines.failures import explain
from pipelines.services.probes import Probe, Use
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import Settings, load_settings
from pipelines.talk.check import Answer

pytestmark = pytest.mark.services
SERVICES = ("asr", "llm", "tts", "face")


async def look(settings: Settings, *keys: str) -> dict[str, Result]:
    context = Context(FakeHost(), Manifest(title="none"), settings)
    checks = [check for check in framework(settings) if check.key in keys]
    return {finding.key: finding.result async for finding in run_checks(checks, context)}


async def visit(lab: DoctorLab, folder: Path, pki: Path, *keys: str, served: Path | None = None) -> dict[str, Result]:
    async with serving(lab, served or pki) as port:
        return await look(load_settings(config(folder, pki, dict.fromkeys(SERVICES, port)), {}, {}), *keys)


async def test_services_that_are_well(tmp_path: Path, pki: Path) -> None:
    lab = DoctorLab()
    lab.heard = "what time is it"
    found = await visit(lab, tmp_path, pki, *SERVICES, "round_trip", "models")
    assert {result.mark for result in found.values()} == {Mark.OK}, found
    assert ", TLS: first token after " in found["llm"].found
    assert "first frame after" in found["face"].found
    assert "recognised as “what time is it”" in found["round_trip"].found
    assert found["models"].found == "nova 1"


async def test_speech_that_nobody_understands(tmp_path: Path, pki: Path) -> None:
    lab = DoctorLab()
    lab.heard = "whale song"
    found = await visit(lab, tmp_path, pki, "round_trip")
    assert found["round_trip"].mark is Mark.WARN
    assert "“whale song”" in found["round_trip"].found


async def test_services_that_are_not_there(tmp_path: Path, pki: Path) -> None:
    async with serving(DoctorLab(), pki) as port:
        pass
    settings = load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, port)), {}, {})
    found = await look(settings, *SERVICES, "round_trip", "models")
    assert {result.mark for result in found.values()} == {Mark.FAIL}
    assert all("nothing answers on this port" in result.found for result in found.values()), found
    assert all(result.fix for result in found.values())


async def test_services_that_never_answer(tmp_path: Path, pki: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        path = config(tmp_path, pki, dict.fromkeys(SERVICES, port))
        quick = {f"{service}.endpoint.connect_seconds": "0.2" for service in SERVICES}
        found = await look(load_settings(path, quick, {}), *SERVICES)
    assert {result.mark for result in found.values()} == {Mark.FAIL}
    assert all("does not answer in time" in result.found for result in found.values()), found


@pytest.mark.parametrize(("late", "mark"), [(1, Mark.OK), (2, Mark.FAIL)])
async def test_a_service_that_is_late_is_asked_once_more(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch, late: int, mark: Mark
) -> None:
    asked = []

    async def check(probe: Probe) -> Answer:
        asked.append(probe.service)
        if len(asked) <= late:
            return Answer("llm", Endpoint(), failure=explain(TimeoutError(), "llm", Endpoint()))
        return Answer("llm", Endpoint(), 0.1, Use("first token", 0.2, ()))

    monkeypatch.setattr(doctor_framework, "check", check)
    found = await look(load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, 9)), {}, {}), "llm")
    assert found["llm"].mark is mark
    assert asked == ["llm", "llm"]


async def test_a_second_try_that_takes_too_long_leaves_the_first_ones_answer(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def check(probe: Probe) -> Answer:
        asked.append(probe.service)
        if len(asked) > 1:
            await asyncio.Event().wait()
        return Answer("llm", Endpoint(), failure=explain(TimeoutError(), "llm", Endpoint()))

    monkeypatch.setattr(doctor_framework, "check", check)
    monkeypatch.setattr(doctor_framework, "_SERVICE_SECONDS", 1.1)
    found = await look(load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, 9)), {}, {}), "llm")
    assert "does not answer in time" in found["llm"].found
    assert len(asked) == 2


async def test_services_of_somebody_else(tmp_path: Path, pki: Path, other_pki: Path) -> None:
    found = await visit(DoctorLab(), tmp_path, pki, "llm", "models", served=other_pki)
    assert {result.mark for result in found.values()} == {Mark.FAIL}


async def test_an_index_for_administrators_only(tmp_path: Path, pki: Path) -> None:
    lab = DoctorLab()
    lab.index = None
    found = await visit(lab, tmp_path, pki, "models")
    assert (found["models"].mark, found["models"].found) == (Mark.OK, "nova; this server does not tell of others")


def test_models_that_are_not_ready() -> None:
    broken = ready([("nova", "1", "READY", ""), ("nova_vllm", "1", "UNAVAILABLE", "Internal: CUDA out of\nmemory")])
    assert (broken.mark, broken.found) == (Mark.FAIL, "nova_vllm 1: UNAVAILABLE Internal: CUDA out of memory")
    unloaded = ready([("nova", "1", "READY", ""), ("old", "1", "UNAVAILABLE", "unloaded"), ("new", "", "", "")])
    assert (unloaded.mark, unloaded.found) == (Mark.OK, "nova 1")
    assert ready([]).mark is Mark.FAIL
    assert ready([("nova", "", "", "")]).found == "no model is loaded"


def test_a_certificate_that_ends_soon_and_a_voice_that_is_not_there() -> None:
    answer = Answer("tts", Endpoint(), 0.1, Use("first sound", 0.2, ("voices: Tone", "Aria is not among them")))
    assert answered(answer, None).mark is Mark.WARN
    fine = Answer("tts", Endpoint(), 0.1, Use("first sound", 0.2, ("voices: \x1b[31mTone",)))
    assert answered(fine, 90).mark is Mark.OK
    assert "\x1b" not in answered(fine, 90).found
    assert answered(fine, 3).mark is Mark.WARN
    assert answered(fine, -1).mark is Mark.WARN


def test_our_own_certificate_that_ends() -> None:
    endpoint = Endpoint(tls=TlsSettings(cert=Path("mine.crt"), key=Path("mine.key")))
    fine = Answer("tts", endpoint, 0.1, Use("first sound", 0.2, ()))
    assert answered(fine, 90, 14).mark is Mark.OK
    soon = answered(fine, 90, 13)
    assert (soon.mark, soon.found.splitlines()[-1]) == (Mark.WARN, "our certificate mine.crt ends in 13 days")
    refused = Answer("tts", endpoint, failure=explain(ConnectionResetError(), "tts", endpoint))
    over = answered(refused, None, -2)
    assert (over.mark, over.found.splitlines()[-1]) == (Mark.FAIL, "our certificate mine.crt has ended")
    assert over.fix.startswith("python -m pipelines.certs")
    assert "mine.crt" not in answered(refused, None, 5).found  # it is not why


def test_how_long_our_own_certificate_lasts(pki: Path, tmp_path: Path) -> None:
    days = own_days(TlsSettings(cert=pki / "server.crt", key=pki / "server.key"))
    assert days is not None
    assert days >= 0
    assert own_days(TlsSettings()) is None
    assert own_days(TlsSettings(enabled=False, cert=pki / "server.crt", key=pki / "server.key")) is None
    (tmp_path / "no.crt").write_text("no certificate")
    assert own_days(TlsSettings(cert=tmp_path / "no.crt", key=tmp_path / "no.key")) is None
    assert own_days(TlsSettings(cert=tmp_path / "nowhere.crt", key=tmp_path / "no.key")) is None


async def test_tritons_http_port_and_kit(pki: Path) -> None:
    async with web({"/v2/health/ready": "", "/kit": 503}, pki) as url:
        stack: dict[str, Any] = {"triton_http": url, "kit": f"{url}/kit", "ca": pki / "ca.crt"}
        found = await look(Settings(stack=stack), "triton_http", "kit")
    assert found["triton_http"].mark is Mark.OK
    assert (found["kit"].mark, found["kit"].expected) == (Mark.FAIL, "HTTP 200")


def test_words() -> None:
    assert words("What TIME is it?") == ["what", "time", "is", "it"]
