from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.embedded.child import ChildOptions
from pipelines.embedded.triton import http, supervisor
from pipelines.embedded.triton import server as server_module
from pipelines.embedded.triton.environment import Environment
from pipelines.embedded.triton.server import FOLDER, PREFIX, Ports, Server, StartFailed, sweep
from pipelines.virtual_time import run


class Process:
    def __init__(self) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)


class FakeServer:
    """A server whose deaths are written in advance, in seconds after each start; None lives on."""

    stub = None

    def __init__(self, lives: list[float | None], starts: list[StartFailed | None] | None = None) -> None:
        self.lives, self.starts = lives, starts or []
        self.started = self.stopped = 0
        self.canaries: list[Exception | None] = []
        self.process: Any = None

    async def start(self) -> None:
        await asyncio.sleep(0.5)
        if self.starts and (error := self.starts.pop(0)):
            raise error
        self.process = Process()
        life = self.lives[self.started]
        self.started += 1
        if life is not None:
            asyncio.get_running_loop().call_later(life, self.process.ended.set_result, -9)

    async def stop(self) -> None:
        self.stopped += 1

    async def canary(self, timeout: float) -> None:
        if self.canaries and (error := self.canaries.pop(0)):
            raise error


async def watched(fake: FakeServer, seconds: float) -> None:
    await supervisor.start(fake)  # type: ignore[arg-type]
    async with asyncio.timeout(seconds):
        await supervisor.watch(fake)  # type: ignore[arg-type]


def test_a_death_is_followed_by_a_restart() -> None:
    async def main() -> FakeServer:
        fake = FakeServer([5.0, 5.0, None])
        with pytest.raises(TimeoutError):
            await watched(fake, 600)
        return fake

    fake = run(main())
    assert (fake.started, fake.stopped) == (3, 2)


def test_restarting_for_ever_is_given_up() -> None:
    async def main() -> FakeServer:
        fake = FakeServer([1.0] * 10)
        with pytest.raises(supervisor.GivenUp, match="ended with code -9; restarted 3 times"):
            await watched(fake, 600)
        return fake

    assert run(main()).started == 4


def test_deaths_far_apart_are_forgiven() -> None:
    async def main() -> FakeServer:
        fake = FakeServer([100.0] * 8 + [None])
        with pytest.raises(TimeoutError):
            await watched(fake, 2000)
        return fake

    assert run(main()).started == 9


def test_a_model_that_falls_silent_is_restarted_at_the_second_sign() -> None:
    async def main() -> FakeServer:
        fake = FakeServer([None, None])
        fake.canaries = [None, TimeoutError(), None, OSError("refused"), TimeoutError()]
        with pytest.raises(TimeoutError):
            await watched(fake, 100)
        return fake

    fake = run(main())
    assert (fake.started, fake.canaries) == (2, [])


def test_a_start_that_fails_by_chance_is_tried_once_more() -> None:
    async def main(failures: list[StartFailed | None]) -> int:
        fake = FakeServer([None], failures)
        await supervisor.start(fake)  # type: ignore[arg-type]
        return fake.started

    assert run(main([StartFailed("aborted", again=True)])) == 1
    with pytest.raises(StartFailed, match="no library"):
        run(main([StartFailed("no library")]))
    with pytest.raises(StartFailed, match="aborted twice"):
        run(main([StartFailed("aborted", again=True), StartFailed("aborted twice", again=True)]))


def test_a_restart_that_fails_is_the_end() -> None:
    async def main() -> None:
        await watched(FakeServer([1.0], [None, StartFailed("no memory")]), 600)

    with pytest.raises(supervisor.GivenUp, match="does not start again: no memory"):
        run(main())


@pytest.fixture
def server(tmp_path: Path) -> Any:
    environment = Environment(tmp_path / "venv", (3, 11), tmp_path, tmp_path / "server")
    made = Server(environment, tmp_path, "nova", ChildOptions(tmp_path, "127.0.0.1", 0, True), Ports(1, 2, 3))
    yield made
    asyncio.run(made.close())
    assert not made.folder.exists()


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("", "it said nothing (exit code None)"),
        (
            "I1121 fine\n/x/triton_python_backend_stub: error while loading shared libraries: libpython3.11.so.1.0\n",
            "/x/triton_python_backend_stub: error while loading shared libraries: libpython3.11.so.1.0",
        ),
        (
            "E1121 20:46:54.135 26048 model_lifecycle.cc:642] \"failed to load 'nova': no weights\"\nlast line\n",
            "failed to load 'nova': no weights",
        ),
        ("something\nerror: creating server\n", "error: creating server"),
        ("one\ntwo\n", "two"),
    ],
)
def test_the_log_tells_the_true_reason(server: Server, log: str, reason: str) -> None:
    server.log.write_text(log)
    assert server.reason() == reason


def test_only_loopback_and_tls(server: Server) -> None:
    command = server._command()
    assert {a for a in command if "-address=" in a} == {
        "--grpc-address=127.0.0.1", "--http-address=127.0.0.1", "--metrics-address=127.0.0.1"
    }  # fmt: skip
    assert "--grpc-use-ssl=true" in command
    assert "--grpc-use-ssl-mutual=true" in command


def test_the_servers_environment_is_its_own(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/ours")
    variables = server._variables()
    assert "PYTHONPATH" not in variables
    assert variables["LD_LIBRARY_PATH"] == str(server.environment.libpython)
    assert variables["PATH"].startswith(f"{server.environment.folder}/bin:")


def test_only_what_dead_supervisors_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SHM", tmp_path)
    monkeypatch.setattr(server_module.tempfile, "gettempdir", lambda: str(tmp_path))
    dead = 2**22 + 1  # beyond any process id of Linux
    for name in (f"{PREFIX}{dead}x1_a", f"{PREFIX}{os.getpid()}x1_a", "somebody_elses"):
        (tmp_path / name).write_text("")
    for name in (f"{FOLDER}{dead}-a", f"{FOLDER}{os.getpid()}-a"):
        (tmp_path / name / "models").mkdir(parents=True)
    sweep()
    assert {p.name for p in tmp_path.iterdir()} == {
        f"{PREFIX}{os.getpid()}x1_a", f"{FOLDER}{os.getpid()}-a", "somebody_elses"
    }  # fmt: skip


def test_free_ports_are_three_different_ones() -> None:
    ports = Ports.free("127.0.0.1")
    assert len({ports.grpc, ports.http, ports.metrics}) == 3
    assert Ports.free("127.0.0.1", ports.grpc).grpc == ports.grpc


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi")),
        (b"HTTP/1.1 400 Bad\r\n\r\n", (400, b"")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", None),
        (b"SSH-2.0\r\n\r\n", None),
        (b"nonsense", None),
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nhi", None),
    ],
)
async def test_the_small_http_client(answer: bytes, result: tuple[int, bytes] | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        if result is None:
            with pytest.raises(OSError, match="no HTTP on port"):
                await http.request(port, "GET", "/v2")
        else:
            assert await http.request(port, "GET", "/v2") == result


def scripted(folder: Path, script: str) -> Server:
    """A server whose binary is a shell script."""
    environment = Environment(folder / "venv", (3, 11), folder, folder / "server")
    environment.binary.parent.mkdir(parents=True)
    environment.binary.write_text(f"#!/bin/sh\n{script}\n")
    environment.binary.chmod(0o700)
    return Server(environment, folder, "nova", ChildOptions(folder, "127.0.0.1", 0, False), Ports(1, 2, 3))


async def failed(server: Server) -> StartFailed:
    try:
        with pytest.raises(StartFailed) as caught:
            await server.start()
    finally:
        await server.close()
    assert server.process is not None
    with pytest.raises(ProcessLookupError):
        os.kill(server.process.pid, 0)
    return caught.value


@pytest.mark.skipif(sys.platform != "linux", reason="Triton runs on Linux only")
async def test_a_start_that_hangs_is_ended_with_the_true_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "START_SHARE", 1.5 / 60)
    loader = "stub: error while loading shared libraries: libpython3.11.so.1.0: cannot open shared object file"
    error = await failed(scripted(tmp_path, f"trap '' TERM INT; echo '{loader}' >&2; while true; do sleep 1; done"))
    assert str(error) == f"not ready after 1.5 s: {loader}"
    assert not error.again


@pytest.mark.skipif(sys.platform != "linux", reason="Triton runs on Linux only")
@pytest.mark.parametrize(
    ("script", "reason", "again"),
    [
        ("kill -ABRT $$", "it said nothing (exit code -6)", True),
        (
            'echo "E1121 1.1 1 main.cc:1] \\"Socket \'127.0.0.1:8001\' already in use\\"" >&2; exit 1',
            "already in use",
            True,
        ),
        ("echo 'error: creating server: no models' >&2; exit 1", "error: creating server: no models", False),
    ],
)
async def test_a_start_that_fails(tmp_path: Path, script: str, reason: str, again: bool) -> None:
    error = await failed(scripted(tmp_path, script))
    assert reason in str(error)
    assert error.again is again
