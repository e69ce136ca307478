"""Triton's command line out of the compose file, run by the real server where it is set up: who may do what there.

The image's release (26.05) is newer than the one that is tried here (2.51, 24.10); the flags are the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from stack_files import merged
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from pipelines.certs import make_development_pki
from pipelines.embedded.triton.environment import Unavailable, installed
from pipelines.embedded.triton.server import Ports
from pipelines.home import home
from pipelines.services.channels import open_channel
from pipelines.settings.model import load_settings

KEY = "admin=0123456789abcdef"
LIMIT = 20.0


def command(folder: Path, ports: Ports) -> list[str]:
    """The compose file's command with this machine's paths and ports, and no model."""
    places = {
        "/run/secrets": str(folder),
        "/repository": str(folder / "repository"),
        "--grpc-port=8001": f"--grpc-port={ports.grpc}",
        "--http-port=8000": f"--http-port={ports.http}",
        "--metrics-port=8002": f"--metrics-port={ports.metrics}",
    }
    words = [word for word in merged("spark")["services"]["triton"]["command"] if not word.startswith("--load-model")]
    for there, here in places.items():
        assert any(there in word for word in words), there
        words = [word.replace(there, here) for word in words]
    return words


@pytest.mark.parametrize("secret", ["", "no-value=", "=no-name", "neither", None])
def test_without_a_key_it_does_not_start(tmp_path: Path, secret: str | None) -> None:
    if secret is not None:
        (tmp_path / "triton_admin").write_text(f"{secret}\n")
    (tmp_path / "tritonserver").write_text("#!/bin/sh\necho started\n")
    (tmp_path / "tritonserver").chmod(0o755)
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        command(tmp_path, Ports(1, 2, 3)), env=variables, capture_output=True, text=True, check=False, timeout=10
    )
    assert done.returncode != 0
    assert "started" not in done.stdout
    assert "triton_admin" in done.stderr


@dataclass(frozen=True)
class Running:
    """A server with the compose file's flags, and its certificates."""

    ports: Ports
    tls: Path

    def asked(self, call: str, *, client: bool, key: str = "") -> grpc.StatusCode:
        """How the server answers a call of its repository or health service."""
        identity = [(self.tls / f"client.{part}").read_bytes() if client else None for part in ("key", "crt")]
        credentials = grpc.ssl_channel_credentials((self.tls / "ca.crt").read_bytes(), *identity)
        name, _, value = key.partition("=")
        metadata = ((f"triton-grpc-protocol-{name}", value),) if key else ()
        requests = {
            "ServerLive": pb.ServerLiveRequest(),
            "RepositoryIndex": pb.RepositoryIndexRequest(),
            "RepositoryModelLoad": pb.RepositoryModelLoadRequest(model_name="x"),
            "SystemSharedMemoryStatus": pb.SystemSharedMemoryStatusRequest(),
            "TraceSetting": pb.TraceSettingRequest(),
            "LogSettings": pb.LogSettingsRequest(),
        }
        with grpc.secure_channel(f"localhost:{self.ports.grpc}", credentials) as channel:
            stub = GRPCInferenceServiceStub(channel)
            try:
                getattr(stub, call)(requests[call], timeout=5, metadata=metadata)
            except grpc.RpcError as error:
                code: grpc.StatusCode = error.code()
                return code
        return grpc.StatusCode.OK


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    try:
        found = installed(home())
    except Unavailable as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("triton")
    make_development_pki(folder)
    (folder / "repository").mkdir()
    (folder / "triton_admin").write_text(f"{KEY}\n")
    ports = Ports.free("127.0.0.1")
    here = [f"--{port}-address=127.0.0.1" for port in ("grpc", "http", "metrics")]
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_", "GRPC_", "VIRTUAL_ENV"))}
    variables |= {
        "PATH": f"{found.binary.resolve().parent}:{found.folder.resolve() / 'bin'}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": str(found.libpython),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command(folder, ports), *here], env=variables, stdout=log, stderr=log, start_new_session=True
        )
    try:
        end = time.monotonic() + LIMIT
        while not live(ports.http):
            text = (folder / "log").read_text(errors="replace")
            assert process.poll() is None, text[-2000:]
            assert time.monotonic() < end, text[-2000:]
            time.sleep(0.02)
        yield Running(ports, folder)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def live(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/live", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.services
def test_nobody_without_a_certificate_is_heard(running: Running) -> None:
    assert running.asked("ServerLive", client=True) is grpc.StatusCode.OK
    assert running.asked("ServerLive", client=False) is grpc.StatusCode.UNAVAILABLE
    assert running.asked("RepositoryIndex", client=False, key=KEY) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.services
async def test_the_sparks_configuration_reaches_it(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the authority and the client's identity where docs/certificates.md puts them."""
    place = tmp_path / ".config" / "sophia"
    place.mkdir(parents=True)
    for name, as_name in (("ca.crt", "lab-ca.crt"), ("client.crt", "client.crt"), ("client.key", "client.key")):
        shutil.copy(running.tls / name, place / as_name)
    monkeypatch.setenv("HOME", str(tmp_path))
    target = {"llm.endpoint.target": f"localhost:{running.ports.grpc}"}
    endpoint = load_settings("spark.yaml", target, environment={}).llm.endpoint
    async with open_channel(endpoint) as channel:
        answer = await GRPCInferenceServiceStub(channel).ServerReady(pb.ServerReadyRequest(), timeout=5)
    assert answer.ready


@pytest.mark.services
@pytest.mark.parametrize("call", ["RepositoryIndex", "SystemSharedMemoryStatus", "TraceSetting", "LogSettings"])
def test_what_changes_the_server_wants_the_key_besides(running: Running, call: str) -> None:
    assert running.asked(call, client=True) is grpc.StatusCode.UNAVAILABLE
    assert running.asked(call, client=True, key="admin=wrong") is grpc.StatusCode.UNAVAILABLE
    assert running.asked(call, client=True, key=KEY) is grpc.StatusCode.OK


@pytest.mark.services
def test_a_model_is_loaded_with_the_key_only(running: Running) -> None:
    assert running.asked("RepositoryModelLoad", client=True) is grpc.StatusCode.UNAVAILABLE
    answer = running.asked("RepositoryModelLoad", client=True, key=KEY)  # of a model that there is not
    assert answer is grpc.StatusCode.INTERNAL


@pytest.mark.services
def test_http_wants_the_key_as_well(running: Running) -> None:
    url = f"http://127.0.0.1:{running.ports.http}/v2/repository/index"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5)
    assert refused.value.code == 403
