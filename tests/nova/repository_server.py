"""A real tritonserver with a repository of the test's own, models loaded and unloaded on request."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.embedded.triton.environment import Environment, Unavailable, installed
from pipelines.embedded.triton.server import Ports
from pipelines.home import home

MODELS = Path(__file__).parents[2] / "nova" / "models"

ADMIN = "nova-admin=secret"

LIMIT = 20.0

# The kernel ends the server with the test, whatever happens to the test.
_EXEC = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True)
class Served:
    """Where the server listens (plaintext, loopback), and the repository that it serves."""

    ports: Ports
    repository: Path

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.ports.grpc}"


def environment() -> Environment:
    """Triton's environment; skips the test where it is not set up, saying why."""
    try:
        return installed(home())
    except Unavailable as error:
        pytest.skip(str(error))


def copy_model(name: str, repository: Path, as_name: str = "") -> Path:
    """A copy of one of the project's models."""
    folder = repository / (as_name or name)
    shutil.copytree(MODELS / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@contextmanager
def served(folder: Path, *models: str, restricted: bool = False) -> Iterator[Served]:
    """Serves ``folder/repository`` until the block ends; ``models`` are loaded at start."""
    found = environment()
    backend = folder / "backends" / "python"
    backend.mkdir(parents=True)
    for file in found.files():
        (backend / file.name).symlink_to(file.resolve())
    ports = Ports.free("127.0.0.1")
    command = [
        str(found.binary.resolve()), f"--model-repository={folder / 'repository'}",
        f"--backend-directory={folder / 'backends'}", "--disable-auto-complete-config",
        "--model-control-mode=explicit", *(f"--load-model={model}" for model in models),
        "--http-address=127.0.0.1", "--grpc-address=127.0.0.1", "--metrics-address=127.0.0.1",
        f"--grpc-port={ports.grpc}", f"--http-port={ports.http}", f"--metrics-port={ports.metrics}",
        "--allow-gpu-metrics=false", f"--backend-config=python,shm-region-prefix-name=novatest{os.getpid()}",
        *([f"--grpc-restricted-protocol=model-repository:{ADMIN}"] if restricted else []),
    ]  # fmt: skip
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_", "GRPC_", "VIRTUAL_ENV"))}
    variables |= {
        "PATH": f"{found.folder.resolve() / 'bin'}:{os.environ['PATH']}", "LD_LIBRARY_PATH": str(found.libpython),
        "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _EXEC, *command], env=variables, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + LIMIT
        while not _ready(ports.http):
            text = (folder / "log").read_text(errors="replace")
            assert process.poll() is None, text[-2000:]
            assert time.monotonic() < end, text[-2000:]
            time.sleep(0.02)
        yield Served(ports, folder / "repository")
    finally:
        process.kill()
        process.wait()
        for leftover in Path("/dev/shm").glob(f"novatest{os.getpid()}*"):
            leftover.unlink(missing_ok=True)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
