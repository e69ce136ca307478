"""Bad days at the start, on the real wire: ports, certificates, soundbites and settings that will not do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab import Lab, config, serving
from talk_in_lab import QUESTION, ROOT, SERVICES, hold, hold_in_lab, patient_with_the_face

from pipelines.home import home
from pipelines.telemetry.ledger import Outcome
from pipelines.voice_loop import main
from sophia.wav import read_wav

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", autouse=True)
def _patient() -> Iterator[None]:
    with patient_with_the_face():
        yield


# At the start


@asynccontextmanager
async def black_hole(kind: str, pki: Path) -> AsyncIterator[int]:
    """A port that accepts and never answers: not even the handshake ("tcp"), or nothing after it ("tls")."""
    held: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass

    context = None
    if kind == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pki / "server.crt", pki / "server.key")
        context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.close()


@pytest.mark.side_by_side
@pytest.mark.parametrize("kind", ["tcp", "tls"])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_port_that_never_answers_at_the_start(tmp_path: Path, pki: Path, service: str, kind: str) -> None:
    async with serving(Lab(), pki) as port, black_hole(kind, pki) as hole:
        code, told = await hold(config(tmp_path, pki, {**dict.fromkeys(SERVICES, port), service: hole}))
    (line,) = told.errors
    assert f"The {service} at localhost:{hole} does not answer in time." in line
    if service == "face":
        assert code == 0
        assert "She goes on without a face." in line
        assert told.turns[0].outcome is Outcome.REPLIED
    else:
        assert code == 3
        assert told.turns == []


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    ("service", "does"),
    [("asr", "hangs"), ("llm", "hangs"), ("llm", "hangs at once"), ("tts", "hangs at once")],
)
async def test_a_service_that_accepts_calls_and_never_answers_at_the_start(
    tmp_path: Path, pki: Path, service: str, does: str
) -> None:
    code, told = await hold_in_lab(Lab({service: does}, turns=(0,)), tmp_path, pki)
    assert code in (3, 5)
    assert len(told.errors) == 1
    assert told.turns == []


@dataclass(frozen=True)
class Trust:
    """How the lab is secured, and what comes of it."""

    serves: str
    code: int
    says: str
    do: str


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    "trust",
    [
        Trust("other_pki", 4, "shows a certificate that tls.ca does not vouch for", "Set tls.ca"),
        Trust("expired_pki", 4, "shows a certificate that has expired", "Renew"),
        Trust("plaintext", 4, "does not speak TLS on this port", "Turn TLS on"),
        Trust("nothing", 3, "is down: nothing answers on this port", "Start it"),
    ],
    ids=lambda trust: trust.serves,
)
async def test_a_lab_that_cannot_be_trusted_or_reached_is_one_line(
    tmp_path: Path, pki: Path, other_pki: Path, expired_pki: Path, trust: Trust
) -> None:
    """As a user would see it: the program itself, its output, its exit code."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        folders = {"other_pki": other_pki, "expired_pki": expired_pki}
        async with serving(Lab(), folders.get(trust.serves)) as port:
            asked = taken.getsockname()[1] if trust.serves == "nothing" else port
            made = config(tmp_path, pki, dict.fromkeys(SERVICES, asked))
            code, output, errors = await voice_loop("--config", str(made), "--soundbite", str(QUESTION), cwd=tmp_path)
    assert code == trust.code, output + errors
    assert errors == ""
    line, hint = output.splitlines()
    assert line.startswith(f"error: The asr at localhost:{asked} {trust.says}")
    assert trust.do in hint


async def voice_loop(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Runs the program: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipelines.voice_loop", *arguments),
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SOPHIA_HOME": str(home())},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(), errors.decode()


# What comes in: sound and settings


def write_wav(path: Path, pcm: np.ndarray[Any, Any], rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(pcm.itemsize)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return path


@pytest.mark.side_by_side
async def test_soundbites_of_any_make_are_heard_and_a_truncated_one_is_pointed_out(tmp_path: Path, pki: Path) -> None:
    sound = read_wav(QUESTION)
    at_44100 = read_wav(QUESTION, 44_100).pcm
    cut = tmp_path / "cut.wav"
    cut.write_bytes(QUESTION.read_bytes()[: QUESTION.stat().st_size * 9 // 10])
    bites = (
        write_wav(tmp_path / "stereo.wav", np.repeat(sound.pcm, 2), sound.rate, channels=2),
        write_wav(tmp_path / "8_bit.wav", ((sound.pcm >> 8) + 128).astype(np.uint8), sound.rate),
        write_wav(tmp_path / "44100.wav", at_44100, 44_100),
        cut,
    )
    code, told = await hold_in_lab(Lab(), tmp_path, pki, *bites)
    assert (code, told.errors) == (0, [])
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 4
    assert len([line for line in told.notices if line.startswith("cut.wav: cut short: ")]) == 1


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.wav", b"", "is empty."),
        ("header.wav", QUESTION.read_bytes()[:44], "holds no sound."),
        ("stub.wav", QUESTION.read_bytes()[:30], "has a format that is cut short."),
        ("song.mp3", b"ID3\x04" + bytes(2000), "is not a WAV file."),
        ("none.wav", None, "cannot be read (No such file or directory)."),
        (".", None, "is not a file."),
    ],
)
async def test_a_soundbite_that_cannot_be_played_is_told_before_anything_starts(
    tmp_path: Path, pki: Path, name: str, content: bytes | None, says: str
) -> None:
    bite = tmp_path / name
    if content is not None:
        bite.write_bytes(content)
    nowhere = config(tmp_path, pki, dict.fromkeys(SERVICES, 1))  # any service that were asked would be told, too
    code, told = await hold(nowhere, QUESTION, bite)
    assert code == 2
    (line,) = told.errors
    assert line.startswith(f"{bite} {says} ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"tts: {rate: [\n- \t: }", ":2:1: this is not YAML: "),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is not a text file"),
        (b"just words", "settings are a mapping of sections"),
        (b"tts: {rate: fast}", "tts.rate"),
        (b"tts: {rat: 16000}", "did you mean tts.rate?"),
    ],
)
def test_settings_that_are_none_are_one_line_and_nothing_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    (tmp_path / "lab.yaml").write_bytes(content)
    assert main(["--config", str(tmp_path / "lab.yaml")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert "lab.yaml" in line
    assert says in line
