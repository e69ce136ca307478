"""The life of the service: how it starts, what it tells of itself, and that it ends with all its processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import riva.client
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc
from speech_process import Service, config, served, soundbite, start

from pipelines.embedded.speech.ears import workers
from pipelines.embedded.speech.ears.endpointing import Endpointing
from pipelines.embedded.speech.service import ASR, TTS

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def service(pki: Path) -> Iterator[Service]:
    with served(pki) as started:
        yield started


def descendants(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return children + [grandchild for child in children for grandchild in descendants(child)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def all_gone(pids: list[int], within: float) -> bool:
    deadline = time.monotonic() + within
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_health(service: Service) -> None:
    check = service.auth.channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"", timeout=5) == b"\x08\x01"  # SERVING


def test_it_tells_its_calls_to_whoever_asks(service: Service) -> None:
    told = ProtoReflectionDescriptorDatabase(service.auth.channel)
    assert {ASR, TTS, "grpc.health.v1.Health"} <= set(told.get_services())
    method = DescriptorPool(told).FindServiceByName(ASR).methods_by_name["StreamingRecognize"]
    assert method.input_type.full_name == "nvidia.riva.asr.StreamingRecognizeRequest"


@pytest.mark.parametrize("how", ["terminate", "interrupt", "close standard input"])
def test_it_ends_within_two_seconds_with_all_its_processes(pki: Path, how: str) -> None:
    process, line = start(pki)
    pids = [process.pid, *descendants(process.pid)]
    assert len(pids) >= 2
    begun = time.monotonic()
    if how == "close standard input":
        assert process.stdin is not None
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM if how == "terminate" else signal.SIGINT)
    assert process.wait(5) == 0
    assert time.monotonic() - begun < 2
    assert all_gone(pids, 1)
    assert "ready" in line


def test_a_killed_service_leaves_nothing_behind(pki: Path) -> None:
    process, line = start(pki)
    auth = riva.client.Auth(ssl_root_cert=str(pki / "ca.crt"), uri=f"localhost:{line['ready']['port']}")
    call = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(auth.channel).StreamingRecognize(
        iter(
            [
                riva_asr_pb2.StreamingRecognizeRequest(streaming_config=config()),
                *(
                    riva_asr_pb2.StreamingRecognizeRequest(audio_content=soundbite("01_who_are_you.wav"))
                    for _ in range(20)
                ),
            ]
        )
    )
    next(call)  # a recogniser is at work
    pids = descendants(process.pid)
    assert pids
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    assert all_gone(pids, 3)


def test_a_port_in_use_is_told(pki: Path, service: Service) -> None:
    process, line = start(pki, "--port", str(service.port))
    assert process.wait(10) == 1
    assert str(service.port) in line["failed"]


def test_missing_certificates_are_told(tmp_path: Path) -> None:
    process, line = start(tmp_path)
    assert process.wait(10) == 1
    assert "server.key" in line["failed"]


def test_a_model_that_is_none_is_told(pki: Path, tmp_path: Path) -> None:
    process, line = start(pki, "--asr-model", str(tmp_path))
    assert process.wait(10) == 1
    assert "tokens.txt" in line["failed"]


def test_the_service_ends_when_its_recogniser_dies(pki: Path) -> None:
    process, _ = start(pki)
    [worker] = descendants(process.pid)
    os.kill(worker, signal.SIGKILL)
    assert process.wait(5) == 1
    assert process.stdout is not None
    assert process.stdout.read() == "", "the one line was said already"


async def test_a_recogniser_that_hangs_is_lost_and_one_that_answers_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SIGN_SECONDS", 0.05)
    monkeypatch.setattr(workers, "HANG_SECONDS", 5.0)
    others = descendants(os.getpid())
    async with workers.running_workers([], 1, 60.0) as running:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running.lost(), 0.5)
        async with running.stream(Endpointing()) as stream:  # as before: a sign of life is no stream
            await stream.close_sound()
            assert [heard.kind async for heard in stream.results()] == []
        worker = next(pid for pid in descendants(os.getpid()) if pid not in others)
        monkeypatch.setattr(workers, "HANG_SECONDS", 0.3)
        os.kill(worker, signal.SIGSTOP)
        async with asyncio.timeout(10):
            assert await running.lost() == "gave no sign of life for 0.3 s"
    assert not alive(worker)


def test_mutual_tls(pki: Path, other_pki: Path) -> None:
    process, line = start(pki, "--mtls")
    check = "/grpc.health.v1.Health/Check"

    def auth(identity: Path | None) -> riva.client.Auth:
        files = {}
        if identity:
            files = {"ssl_client_cert": str(identity / "client.crt"), "ssl_client_key": str(identity / "client.key")}
        return riva.client.Auth(ssl_root_cert=str(pki / "ca.crt"), uri=f"localhost:{line['ready']['port']}", **files)

    try:
        assert auth(pki).channel.unary_unary(check)(b"", timeout=5) == b"\x08\x01"
        for stranger in (None, other_pki):
            with pytest.raises(grpc.RpcError):
                auth(stranger).channel.unary_unary(check)(b"", timeout=5)
    finally:
        process.terminate()
        process.wait(5)
