"""How the embedded Nova server starts, ends, and comes back: nothing may survive it, and failures say why."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import grpc
import pytest
from triton_service import LIMIT, Service, need_triton, processes, service

from nova.errors import MindTimeout
from nova.mind import Message
from nova.services.triton_client import TritonMind, TritonSettings
from pipelines.embedded.triton.server import PREFIX

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


def until(condition: Callable[[], bool]) -> bool:
    """Waits for what another process does; true as soon as it is so, false after the limit."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def server_of(started: Service) -> list[int]:
    return processes(f"--grpc-port={started.ready['port']} ")


def memory_of(started: Service) -> list[str]:
    return [f.name for f in Path("/dev/shm").glob(f"{PREFIX}{started.process.pid}x*")]


async def one_plus_one(channel: grpc.aio.Channel) -> str:
    async with aclosing(TritonMind(channel).reply([Message("user", "what is 1 plus 1")])) as pieces:
        return "".join([piece async for piece in pieces])


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "standard input", "SIGKILL"])
def test_nothing_survives(pki: Path, how: str) -> None:
    need_triton()
    with service(pki, "--backend", "triton") as started:
        (server,) = server_of(started)
        stubs = processes(f"{PREFIX}{started.process.pid}x")
        assert len(stubs) >= 2  # tritonserver and the model's own process
        assert memory_of(started)
        if how == "standard input":
            assert started.process.stdin is not None
            started.process.stdin.close()
        else:
            started.process.send_signal(getattr(signal, how))
        started.process.wait(LIMIT)
        assert until(lambda: not processes(f"{PREFIX}{started.process.pid}x"))
        assert not Path("/proc", str(server), "exe").exists()
        assert until(lambda: not memory_of(started))
        if how != "SIGKILL":
            assert started.process.returncode == 0


async def test_a_dead_model_process_is_noticed_and_replaced(pki: Path) -> None:
    need_triton()
    with service(pki, "--backend", "triton") as started:
        async with started.channel() as channel:
            assert await one_plus_one(channel) == "That's 2."
            (server,) = server_of(started)
            stub = next(pid for pid in processes(f"{PREFIX}{started.process.pid}x") if pid != server)
            story = TritonMind(channel, TritonSettings(token_timeout=2.0)).reply([Message("user", "tell me a story")])
            assert await anext(story)
            os.kill(stub, signal.SIGKILL)
            with pytest.raises((MindTimeout, grpc.aio.AioRpcError)):
                async for _ in story:
                    pass
            assert await asyncio.to_thread(until, lambda: bool(server_of(started)) and server_of(started) != [server])
            for _ in range(200):
                try:
                    answer = await one_plus_one(channel)
                    break
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.1)
            assert answer == "That's 2."


def test_without_its_environment_the_model_is_served_all_the_same(pki: Path, tmp_path: Path) -> None:
    with service(pki, "--home", str(tmp_path)) as started:
        assert started.ready["backend"] == "kserve"
        assert started.ready["reason"] == "Triton's environment is not set up yet"
    assert started.process.returncode == 0


def test_insisting_on_triton_without_its_environment(pki: Path, tmp_path: Path) -> None:
    with service(pki, "--home", str(tmp_path), "--backend", "triton") as started:
        assert started.told == {"failed": "tritonserver cannot run: Triton's environment is not set up yet"}
        assert started.process.wait(LIMIT) == 1


def broken_model(folder: Path) -> Path:
    model = folder / "nova"
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text('name: "nova" backend: "python" max_batch_size: 1')
    (model / "1" / "model.py").write_text("raise RuntimeError('the weights are missing')")
    return folder


@pytest.mark.parametrize("backend", ["triton", "kserve"])
def test_a_model_that_does_not_load_says_why(pki: Path, tmp_path: Path, backend: str) -> None:
    if backend == "triton":
        need_triton()
    models = broken_model(tmp_path)
    with service(pki, "--models", str(models), "--backend", backend) as started:
        assert "the weights are missing" in started.told["failed"]
        assert "\n" not in started.told["failed"]
        assert started.process.wait(LIMIT) == 1


@pytest.mark.parametrize("backend", ["triton", "kserve"])
def test_missing_certificates_say_so(tmp_path: Path, backend: str) -> None:
    if backend == "triton":
        need_triton()
    with service(tmp_path, "--backend", backend) as started:
        assert "server." in started.told["failed"]
        assert started.process.wait(LIMIT) == 1
