"""A server with simulated services, and a client's script that talks to it in a process of its own.

The script says what it saw (``{"saw": …}``) and asks for things (``{"ask": …}``): which words the recogniser hears
next, that the server is killed, that it is there again.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import lab
import numpy as np
import soxr
from lab import Lab, config
from page_browser import CHROMIUM

from sophia.wav import WavWriter, read_wav

ROOT = Path(__file__).parents[2]
KEY = "a-key-of-the-tests"
SERVICES = ("asr", "llm", "tts", "face")
SECONDS = 100.0
"""Longest run of a script."""


class Server:
    """The server as a process of its own, on one port."""

    def __init__(self, settings: Path, pki: Path, key: Path, **more: object) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._command = [sys.executable, "-m", "pipelines.server", "--config", str(settings)]
        for name, value in {
            "port": self.port, "cert": pki / "server.crt", "key": pki / "server.key", "api_key_file": key, **more,
        }.items():  # fmt: skip
            self._command += ["--set", f"server.{name}={value}"]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it takes clients."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        assert self._process.stdout
        lines = []
        while line := (await self._process.stdout.readline()).decode():
            lines.append(line)
            if line.startswith("Talk to her"):
                return
        raise AssertionError(f"the server did not start: {lines}")

    async def kill(self) -> None:
        """No farewell."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def server(tmp_path: Path, pki: Path, **more: object):
    """Yields the server, running, and the lab behind it; ``more`` are settings of the server."""
    simulated = Lab()
    key = tmp_path / "key"
    key.write_text(KEY)
    async with lab.serving(simulated, pki) as port:
        one = Server(config(tmp_path, pki, dict.fromkeys(SERVICES, port)), pki, key, **more)
        await one.start()
        try:
            yield one, simulated
        finally:
            await one.kill()


def write_sounds(folder: Path) -> None:
    """What users say, 24 kHz: a question, and something as short as an “mhm”."""
    voice = read_wav(ROOT / "pipelines/soundbites/02_what_time.wav", 16_000).pcm
    for name, pcm in (("question", voice), ("backchannel", voice[8000:12_800])):
        with (folder / f"{name}.wav").open("wb") as file:
            writer = WavWriter(folder / f"{name}.wav", 24_000, file=file)
            writer.write(soxr.resample(pcm, 16_000, 24_000).astype(np.int16))
            writer.close()


async def play(command: list[str], one: Server, simulated: Lab, tmp_path: Path, pki: Path) -> list[dict[str, Any]]:
    """Runs a client's script to its end and returns what it saw, in order."""
    write_sounds(tmp_path)
    authority = str(pki / "ca.crt")
    environment = os.environ | {
        "SOPHIA_URL": f"https://localhost:{one.port}/v1",
        "SOPHIA_KEY": KEY,
        "SOPHIA_SOUNDS": str(tmp_path),
        "SSL_CERT_FILE": authority,
        "NODE_EXTRA_CA_CERTS": authority,
        "SOPHIA_CHROMIUM": CHROMIUM or "",
        "PYTHONUNBUFFERED": "1",
    }
    log = os.open(tmp_path / "stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=pipe, stdout=pipe, stderr=log)
    os.close(log)
    assert process.stdin
    assert process.stdout
    saw: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(SECONDS):
            while line := await process.stdout.readline():
                try:
                    told = json.loads(line)
                except ValueError:
                    continue  # libraries talk, too
                if "saw" in told:
                    saw.append(told)
                    print(line.decode().strip())  # shown of a test that fails
                elif "ask" in told:
                    match told["ask"]:
                        case "hear":
                            simulated.heard = told["words"]
                        case "kill":
                            await one.kill()
                        case "restart":
                            await one.start()
                    process.stdin.write(b"done\n")
                    await process.stdin.drain()
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert code == 0, (tmp_path / "stderr").read_text()[-3000:]
    return saw
