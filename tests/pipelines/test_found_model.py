"""A language model of one's own is one line away: it is found, named, and told of; nothing is switched silently."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import ANSWER, Lab, config, serving
from model_server import SAID, model_server
from talk_in_lab import SERVICES, hold

from nova.errors import UnknownModel
from pipelines.failures import explain
from pipelines.services import found_model
from pipelines.services.found_model import USUAL, NoServerListens, servers_beside, with_model
from pipelines.settings.endpoint import TlsSettings
from pipelines.settings.model import LlmSection, Settings, SettingsError, TritonEndpoint, load_settings
from pipelines.talk import program


def llm(target: str, **more: Any) -> LlmSection:
    endpoint = TritonEndpoint(target=target, tls=TlsSettings(enabled=False), connect_seconds=1)
    return LlmSection(**{"backend": "openai", "model": "auto", "endpoint": endpoint} | more)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.services
async def test_a_talk_with_a_model_that_nobody_has_named(tmp_path: Path, pki: Path) -> None:
    lab = Lab()
    async with (
        model_server("nomic-embed-text:latest", "llama3.2:latest", "qwen3:4b") as server,
        serving(lab, pki) as port,
    ):
        endpoint = {"target": server.target, "tls": {"enabled": False}}
        own = {"llm__backend": "openai", "llm__model": "auto", "llm__endpoint": endpoint}
        code, told = await hold(config(tmp_path, pki, dict.fromkeys(SERVICES, port), **own))
    assert code == 0
    assert (
        f"Her mind is the model llama3.2:latest, the first of 2 that {server.target} lists; llm.model names another."
        in told.notices
    )
    assert [turn.reply.strip() for turn in told.turns] == [SAID]
    assert {asked["model"] for asked in server.asked} == {"llama3.2:latest"}


async def test_a_model_that_is_named_is_not_looked_for() -> None:
    named = llm("localhost:1", model="mine")
    assert await with_model(named) == (named, "")
    assert await with_model(LlmSection()) == (LlmSection(), "")


async def test_one_model_needs_no_choice() -> None:
    async with model_server("only") as server:
        found, line = await with_model(llm(server.target))
    assert (found.model, line) == ("only", "Her mind is the model only.")


async def test_a_server_without_a_model_that_talks_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_server("mxbai-embed-large") as server:
        monkeypatch.setattr(found_model, "USUAL", (replace(USUAL[0], port=int(server.target.rpartition(":")[2])),))
        with pytest.raises(UnknownModel) as raised:
            await with_model(llm(server.target))
    failure = explain(raised.value, "llm", llm(server.target).endpoint)
    assert failure.hint == "Fetch one: ollama pull llama3.2."
    assert failure.exit_code == 5


async def test_where_nothing_listens_the_line_says_what_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(found_model, "USUAL", (replace(USUAL[0], port=port),))
    with pytest.raises(NoServerListens) as raised:
        await with_model(llm(f"127.0.0.1:{port}"))
    failure = explain(raised.value, "llm", llm(f"127.0.0.1:{port}").endpoint)
    assert failure.line == f"The llm at 127.0.0.1:{port} is down: nothing answers on this port."
    assert failure.hint == "Start Ollama (`ollama serve`), or name another place with llm.endpoint.target."
    assert failure.exit_code == 3


async def test_a_server_of_ones_own_beside_the_stand_in_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_server("llama3.2:latest") as server:
        port = int(server.target.rpartition(":")[2])
        monkeypatch.setattr(found_model, "LOOK_SECONDS", 20.0)  # the machine may be busy
        monkeypatch.setattr(found_model, "USUAL", (replace(USUAL[0], port=port), replace(USUAL[1], port=free_port())))
        assert await servers_beside(Settings(embedded=True)) == [
            "Ollama serves llama3.2:latest on this machine. To talk to it: make talk CONFIG=ollama.yaml"
        ]
        assert await servers_beside(Settings(embedded=("asr", "tts"))) == []
        assert server.asked == []


@pytest.mark.services
async def test_the_talk_says_so_and_goes_on_with_the_stand_in(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(settings: Settings) -> list[str]:
        return ["Ollama serves a model on this machine."]

    monkeypatch.setattr(program, "servers_beside", found)
    async with serving(Lab(), pki) as port:
        code, told = await hold(config(tmp_path, pki, dict.fromkeys(SERVICES, port)))
    assert code == 0
    assert "Ollama serves a model on this machine." in told.notices
    assert [turn.reply.strip() for turn in told.turns] == [ANSWER]


async def test_whoever_else_has_the_port_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")  # Triton's, say
        writer.close()

    async with (
        await asyncio.start_server(hang, "127.0.0.1", 0) as silent,
        await asyncio.start_server(other, "127.0.0.1", 0) as foreign,
    ):
        ports = [place.sockets[0].getsockname()[1] for place in (silent, foreign)]
        usual = tuple(replace(server, port=port) for server, port in zip(USUAL, ports, strict=True))
        monkeypatch.setattr(found_model, "USUAL", usual)
        assert await servers_beside(Settings(embedded=True)) == []


@pytest.mark.parametrize("server", USUAL, ids=[server.name for server in USUAL])
def test_each_usual_server_has_its_configuration(server: found_model.ModelServer) -> None:
    settings = load_settings(server.config, {}, {})
    assert settings.llm.endpoint.target == f"127.0.0.1:{server.port}"
    assert (settings.llm.backend, settings.llm.model) == ("openai", "auto")
    assert settings.embedded_services == ("asr", "tts", "face")


def test_a_triton_is_told_its_models_name() -> None:
    with pytest.raises(SettingsError, match=r"llm\.model auto needs backend openai"):
        load_settings(None, {"llm.model": "auto", "llm.backend": "triton"}, {})
