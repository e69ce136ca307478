"""Starts the embedded Nova server as its supervisor would, for the tests beside this file."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from pipelines.embedded.triton.environment import Unavailable, installed
from pipelines.home import home

LIMIT = 30.0  # an upper bound for a busy machine that only a failure ever reaches


@dataclass
class Service:
    """A running service process and the line it announced itself with."""

    process: subprocess.Popen[str]
    told: dict[str, Any]
    pki: Path

    @property
    def ready(self) -> dict[str, Any]:
        return dict(self.told["ready"])

    def channel(self, *, client: bool = False, ca: Path | None = None) -> grpc.aio.Channel:
        """A TLS channel; with ``client`` it identifies itself, ``ca`` trusts another folder's authority."""
        key, chain = ((self.pki / "client.key"), (self.pki / "client.crt")) if client else (None, None)
        credentials = grpc.ssl_channel_credentials(
            ((ca or self.pki) / "ca.crt").read_bytes(),
            key.read_bytes() if key else None,
            chain.read_bytes() if chain else None,
        )
        return grpc.aio.secure_channel(f"localhost:{self.ready['port']}", credentials)


@contextmanager
def service(pki: Path, *arguments: str, plaintext: bool = False) -> Iterator[Service]:
    """Starts ``python -m pipelines.embedded.triton`` and waits for its line; ends it afterwards."""
    how = ["--plaintext"] if plaintext else ["--tls", str(pki)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.embedded.triton", *how, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        told, _, _ = select.select([process.stdout], [], [], LIMIT)
        assert told, "the service said nothing"
        yield Service(process, json.loads(process.stdout.readline()), pki)
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        finally:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def need_triton() -> None:
    """Skips the test where Triton's environment is not set up, saying why."""
    try:
        installed(home())
    except Unavailable as error:
        pytest.skip(str(error))


def processes(marker: str) -> list[int]:
    """Living processes whose command line or environment-free arguments contain ``marker``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                if alive and marker in (entry / "cmdline").read_text().replace("\0", " "):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
