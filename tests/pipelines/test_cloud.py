"""configs/cloud.yaml against servers that demand what NVIDIA's hosted ones do; those themselves are never called.

Each call must bring the key and the id of the function that serves it, over TLS; else it is refused as there.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from lab import Lab, serving
from model_server import SAID, ModelServer, model_server
from talk_in_lab import QUESTION, Told

from pipelines.home import checkout
from pipelines.log import logging_to_file
from pipelines.settings.model import SERVICES, Settings, SettingsError, load_settings
from pipelines.talk.program import Options, VoiceLoop

KEY = "nvapi-this-is-a-secret"
ROOT = checkout()
SERVED_BY = {
    "nvidia.riva.asr.RivaSpeechRecognition": "asr",
    "nvidia.riva.tts.RivaSpeechSynthesis": "tts",
    "nvidia_ace.services.a2f_controller.v1.A2FControllerService": "face",
}


class Gate(grpc.aio.ServerInterceptor):
    """Lets calls in that bring ``key`` and the function's id; notes the services that it has let in."""

    def __init__(self, key: str, ids: dict[str, str]) -> None:
        self.key, self.ids = key, ids
        self.let_in: set[str] = set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        told = dict(handler_call_details.invocation_metadata or ())
        service = SERVED_BY.get(handler_call_details.method.split("/")[1], "")
        if told.get("authorization") != f"Bearer {self.key}":
            return _refusing(grpc.StatusCode.UNAUTHENTICATED, "invalid API key")
        if service and told.get("function-id") != self.ids[service]:
            return _refusing(grpc.StatusCode.NOT_FOUND, "no such function")
        self.let_in |= {service} - {""}
        return await continuation(handler_call_details)


def _refusing(code: grpc.StatusCode, words: str) -> grpc.RpcMethodHandler:
    async def refuse(requests: Any, context: Any) -> None:
        await context.abort(code, words)

    return grpc.stream_stream_rpc_method_handler(refuse)


def cloud() -> Settings:
    return load_settings("cloud.yaml", {}, {})


@asynccontextmanager
async def hosted(pki: Path, folder: Path, key: str = KEY) -> AsyncIterator[tuple[Gate, ModelServer, Path]]:
    """Stand-ins for the hosted services, and a file that lays their addresses over the configuration, nothing else."""
    ids = {name: getattr(cloud(), name).endpoint.metadata["function-id"] for name in SERVED_BY.values()}
    gate = Gate(key, ids)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pki / "server.crt", pki / "server.key")
    async with (
        serving(Lab(), pki, interceptors=[gate]) as port,
        model_server(cloud().llm.model, key=key, tls=tls) as model,
    ):
        targets = dict.fromkeys(SERVED_BY.values(), f"localhost:{port}") | {"llm": model.target}
        overlay = {
            name: {"endpoint": {"target": target, "tls": {"ca": str(pki / "ca.crt")}}}
            for name, target in targets.items()
        }
        overlay["asr"]["give_up_seconds"] = 4  # type: ignore[assignment]
        path = folder / "here.yaml"
        path.write_text(yaml.safe_dump(overlay))
        yield gate, model, path


async def talk(overlay: Path, **options: Any) -> tuple[int, Told]:
    told = Told()
    settings = load_settings(("cloud.yaml", overlay), {}, {})
    return await VoiceLoop(settings, Options("cloud.yaml", (QUESTION,), **options), told).run(), told


def holding(folder: Path, words: str) -> list[Path]:
    """The files somewhere in ``folder`` that hold ``words``."""
    return [file for file in folder.rglob("*") if file.is_file() and words.encode() in file.read_bytes()]


@pytest.mark.services
async def test_a_talk_brings_the_key_and_the_ids_and_the_key_is_shown_nowhere(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    monkeypatch.setenv("NVIDIA_API_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))
    caplog.set_level(logging.DEBUG)
    async with hosted(pki, tmp_path) as (gate, model, overlay):
        with logging_to_file():
            code, told = await talk(overlay, json=tmp_path / "turns.jsonl", record=tmp_path / "take")
    assert code == 0, told.errors
    assert [turn.reply.strip() for turn in told.turns] == [SAID]
    assert gate.let_in == {"asr", "tts", "face"}
    assert set(model.keys) == {f"Bearer {KEY}"}
    (tmp_path / "key").unlink()
    assert [file.name for file in holding(tmp_path, SAID)]
    assert holding(tmp_path, KEY) == []
    assert KEY not in caplog.text + json.dumps([told.errors, told.notices])


@pytest.mark.services
async def test_a_key_that_is_not_accepted_is_told_without_it(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "nvapi-of-last-year")
    async with hosted(pki, tmp_path) as (gate, _, overlay):
        code, told = await talk(overlay)
    assert code == 4
    assert "api_key_env" in " ".join(told.errors)
    assert "last-year" not in " ".join(told.errors)
    assert gate.let_in == set()


@pytest.mark.services
async def test_without_a_key_nobody_is_called(tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    monkeypatch.delenv("NVIDIA_API_KEY_FILE", raising=False)
    async with hosted(pki, tmp_path) as (gate, model, overlay):
        code, told = await talk(overlay)
    assert code == 2
    (line,) = told.errors
    assert "NVIDIA_API_KEY is not set" in line
    assert "NVIDIA_API_KEY_FILE" in line
    assert (gate.let_in, model.keys) == (set(), [])


@pytest.mark.parametrize("service", SERVICES)
def test_the_key_is_not_sent_in_plaintext(service: str) -> None:
    with pytest.raises(SettingsError, match="only sent over TLS"):
        load_settings("cloud.yaml", {f"{service}.endpoint.tls.enabled": "false"}, {})


def test_any_service_may_be_embedded_instead() -> None:
    mixed = load_settings("cloud.yaml", {"embedded": "[face, tts]"}, {})
    assert mixed.embedded_services == ("tts", "face")
    assert mixed.asr.endpoint.target == "grpc.nvcf.nvidia.com:443"


def test_every_service_has_the_one_key_and_is_reached_over_tls() -> None:
    for service in SERVICES:
        endpoint = getattr(cloud(), service).endpoint
        assert endpoint.api_key_env == "NVIDIA_API_KEY"
        assert endpoint.tls.enabled
        assert endpoint.tls.ca is None
        assert endpoint.target in ("grpc.nvcf.nvidia.com:443", "integrate.api.nvidia.com:443")


@pytest.mark.skipif(ROOT is None, reason="needs a checkout")
def test_the_page_about_it_names_the_ids_of_the_file() -> None:
    assert ROOT is not None
    identifier = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    ids = set(re.findall(identifier, (ROOT / "configs/cloud.yaml").read_text()))
    assert len(ids) == 3
    assert set(re.findall(identifier, (ROOT / "docs/cloud.md").read_text())) == ids
