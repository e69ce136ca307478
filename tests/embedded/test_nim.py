"""The stand-ins for NIMs, each as its own process: one service, in plaintext, with its page of health."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc, riva_tts_pb2, riva_tts_pb2_grpc

from pipelines.embedded.nim import page, ports

STOP = 10.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def health(port: int) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health/ready", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_ports_are_those_of_the_nim_and_told_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NIM_GRPC_API_PORT", "NIM_HTTP_API_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert [ports(kind) for kind in ("asr", "tts", "a2f")] == [(50051, 9000), (50051, 9000), (52000, 8000)]
    monkeypatch.setenv("NIM_GRPC_API_PORT", "50052")
    monkeypatch.setenv("NIM_HTTP_API_PORT", "9001")
    assert ports("asr") == (50052, 9001)
    assert ports("a2f") == (52000, 8000)


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "9001 ", "٣"])
def test_what_is_no_port_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("NIM_HTTP_API_PORT", text)
    with pytest.raises(ValueError, match="NIM_HTTP_API_PORT"):
        ports("tts")


def test_the_page_says_not_ready_while_nobody_serves() -> None:
    with page("127.0.0.1", 0, free_port()) as server:
        try:
            assert health(server.server_port) == (503, {"status": "not ready"})
        finally:
            server.shutdown()


@pytest.mark.services
def test_a_synthesiser_speaks_in_plaintext_and_hears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    grpc_port, http_port = free_port(), free_port()
    monkeypatch.setenv("NIM_GRPC_API_PORT", str(grpc_port))
    monkeypatch.setenv("NIM_HTTP_API_PORT", str(http_port))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.embedded.nim", "tts"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())["ready"]
        assert ready["port"] == grpc_port
        assert "tts" in ready
        assert "asr" not in ready
        assert health(http_port) == (200, {"status": "ready"})
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            known = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
            assert known.status == health_pb2.HealthCheckResponse.SERVING
            tts = riva_tts_pb2_grpc.RivaSpeechSynthesisStub(channel)
            request = riva_tts_pb2.SynthesizeSpeechRequest(text="Hi.", language_code="en-US", sample_rate_hz=16000)
            request.encoding = 1  # linear PCM
            assert len(tts.Synthesize(request, timeout=10).audio) > 3200
            asr = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(channel)
            with pytest.raises(grpc.RpcError) as refused:
                asr.Recognize(riva_asr_pb2.RecognizeRequest(), timeout=5)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP) == 0
    finally:
        process.kill()
        _, said = process.communicate()
    assert "in plaintext on 127.0.0.1" in said
