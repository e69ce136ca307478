"""``--check``: one row for each service, whatever it does, and an exit code."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import grpc.aio
import pytest
import sound_network
from rich.console import Console

from pipelines.embedded.process import ServiceFailed
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.services import probes as probes_module
from pipelines.services.probes import Probe, Use, probes
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import FaceSection, LlmSection, Settings, TritonEndpoint, load_settings
from pipelines.talk import check as module
from pipelines.talk.check import check, check_all, table
from sophia.turn_settings import TurnSettings


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Endpoint]:
    """A gRPC server over TLS that implements nothing."""
    server = grpc.aio.server()
    pair = ((folder / "server.key").read_bytes(), (folder / "server.crt").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    try:
        yield Endpoint(target=f"localhost:{port}", tls=TlsSettings(ca=folder / "ca.crt"))
    finally:
        await server.stop(0)


async def works(channel: grpc.aio.Channel) -> Use:
    return Use("first token", 0.012, ("triton 2.51.0", "models: nova"))


def shown(*answers: module.Answer, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table(answers, datetime.now(UTC)))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


async def test_what_answers_is_shown_with_latency_contents_and_identity(pki: Path) -> None:
    async with serving(pki) as endpoint:
        answer = await check(Probe("llm", endpoint, works))
    assert answer.failure is None
    assert answer.peer is not None
    assert answer.peer.trusted
    text = shown(answer)
    for words in (
        "llm",
        endpoint.target,
        "yes",
        "first token 12 ms",
        "models: nova",
        "by Sophia development CA",
        "TLSv1.3",
    ):
        assert words in text
    assert f"until {answer.peer.expires:%Y-%m-%d}" in text


async def test_the_table_fits_eighty_columns(pki: Path) -> None:
    async with serving(pki) as endpoint:
        text = shown(await check(Probe("asr", endpoint, works)), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert endpoint.target in text


async def test_a_certificate_near_its_end_shows_the_days(pki: Path, expired_pki: Path) -> None:
    async with serving(expired_pki) as endpoint:
        answer = await check(Probe("tts", endpoint, works))
    assert answer.failure is not None
    assert answer.failure.kind == "expired"
    text = shown(answer)
    assert "no: expired" in text
    assert "(-2 days)" in text
    assert "certificate has expired" in text


async def test_a_service_that_hangs_in_its_first_use_does_not_hold_the_check_up(pki: Path) -> None:
    async def hangs(channel: grpc.aio.Channel) -> Use:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with serving(pki) as endpoint:
        answer = await check(Probe("llm", endpoint, hangs), seconds=0.1)
    assert answer.failure is not None
    assert answer.failure.kind == "silent"
    assert answer.connected is not None


async def test_a_client_that_fails_is_a_row_and_not_a_crash(pki: Path) -> None:
    async def breaks(channel: grpc.aio.Channel) -> Use:
        raise ZeroDivisionError("division by zero")

    async with serving(pki) as endpoint:
        answer = await check(Probe("llm", endpoint, breaks))
    assert answer.failure is not None
    assert answer.failure.kind == "defect"


async def test_files_that_cannot_be_used_are_a_row_too(tmp_path: Path) -> None:
    endpoint = Endpoint(tls=TlsSettings(ca=tmp_path / "none.crt"))
    answer = await check(Probe("tts", endpoint, works))
    assert answer.failure is not None
    assert "none.crt cannot be read" in answer.failure.line


def test_what_is_switched_off_is_not_probed() -> None:
    assert [probe.service for probe in probes(Settings())] == ["asr", "llm", "tts", "face"]
    assert "face" not in [probe.service for probe in probes(Settings(face=FaceSection(enabled=False)))]


async def test_a_lab_that_is_down_is_told_service_by_service_and_ends_with_1(pki: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = {"target": f"localhost:{free.getsockname()[1]}", "tls": {"ca": pki / "ca.crt"}}
        sections = {name: {"endpoint": endpoint} for name in ("asr", "llm", "tts")}
        console = Console(file=io.StringIO(), width=200)
        assert await check_all(Settings(**sections, face={"enabled": False}), console) == 1  # type: ignore[arg-type]
    text = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert text.count("no: down") == 3
    assert text.count("is down: nothing answers on this port. Start it, or check the target.") == 3
    assert "The face is switched off" in text
    assert "Everything answers" not in text


async def test_everything_answering_ends_with_0(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(pki) as endpoint:
        monkeypatch.setattr(module, "probes", lambda settings: [Probe("llm", endpoint, works)])
        console = Console(file=io.StringIO(), width=100)
        assert await check_all(Settings(), console) == 0
    assert "Everything answers." in str(console.file.getvalue())  # type: ignore[attr-defined]


async def test_embedded_services_that_do_not_start_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(self: EmbeddedServices) -> EmbeddedServices:
        raise ServiceFailed("triton", "libpython is missing", "Its log is triton.log")

    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))
    monkeypatch.setattr(EmbeddedServices, "__aenter__", fails)
    console = Console(file=io.StringIO(), width=100)
    assert await check_all(Settings(embedded=True), console) == 1
    text = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert text.splitlines()[0] == "The embedded triton service did not start: libpython is missing."


async def test_a_mind_over_http_is_not_asked_for_grpc_health(monkeypatch: pytest.MonkeyPatch) -> None:
    class Canned:
        async def warm_up(self) -> float:
            return 0.1

    @asynccontextmanager
    async def connect(settings: LlmSection, channel: object) -> AsyncIterator[Canned]:
        yield Canned()

    monkeypatch.setattr(probes_module, "connect_mind", connect)
    endpoint = TritonEndpoint(target="localhost:1", tls=TlsSettings(enabled=False))
    (probe,) = [p for p in probes(Settings(llm=LlmSection(backend="openai", endpoint=endpoint))) if p.service == "llm"]
    answer = await check(probe)
    assert answer.failure is None
    assert answer.connected is None
    assert answer.used is not None
    assert answer.used.has == ("openai: nova",)


@pytest.mark.services
async def test_the_embedded_services_all_answer() -> None:
    console = Console(file=io.StringIO(), width=120)
    code = await check_all(load_settings("embedded.yaml", environment={}), console)
    text = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert code == 0, text
    for words in (
        "models: nova",
        "first token",
        "first sound",
        "first frame",
        "52 blendshapes",
        "Sophia development CA",
    ):
        assert words in text


@pytest.mark.parametrize("there", [True, False])
async def test_the_turn_model_is_tried_where_it_is_asked_for(
    there: bool, pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))
    if there:
        sound_network.install(tmp_path, monkeypatch, 0.5)
    async with serving(pki) as endpoint:
        monkeypatch.setattr(module, "probes", lambda settings: [Probe("llm", endpoint, works)])
        console = Console(file=io.StringIO(), width=100)
        assert await check_all(Settings(turns=TurnSettings(sound_veto=0.1)), console) == (0 if there else 1)
    text = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert ("The turn model on audio (turns.sound_veto) judges in" in text) is there
    assert ("✗ turns.sound_veto needs" in text) is not there
    assert ("Everything answers." in text) is there
