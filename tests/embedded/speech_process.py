"""The embedded speech service as its own process over TLS, spoken to by NVIDIA's published client, unmodified."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import riva.client
from riva.client.proto import riva_asr_pb2

from pipelines.embedded.notices import KEY
from pipelines.embedded.speech.prepare import prepare
from pipelines.home import home

SOUNDBITES = Path(__file__).parents[2] / "pipelines" / "soundbites"
SILENCE = bytes(2 * 16_000)


def start(pki: Path, *arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """The process, and the line that it has announced itself with."""
    command = [sys.executable, "-m", "pipelines.embedded.speech", "--tls", str(pki), "--home", str(home()), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@dataclass
class Service:
    port: int
    pki: Path
    process: subprocess.Popen[str]

    @property
    def auth(self) -> riva.client.Auth:
        return riva.client.Auth(ssl_root_cert=str(self.pki / "ca.crt"), uri=f"localhost:{self.port}")

    @property
    def asr(self) -> riva.client.ASRService:
        return riva.client.ASRService(self.auth)

    @property
    def tts(self) -> riva.client.SpeechSynthesisService:
        return riva.client.SpeechSynthesisService(self.auth)


@contextmanager
def served(pki: Path, *, prepared: bool = True) -> Iterator[Service]:
    """The service with room for three streams; set up where that is not done, or as if nothing could be fetched."""
    if prepared:
        prepare(home(), print)
    process, line = start(pki, "--streams", "3", *([] if prepared else ["--home", str(pki)]))
    try:
        yield Service(line["ready"]["port"], pki, process)
    finally:
        process.terminate()
        process.wait(5)


def soundbite(name: str) -> bytes:
    with wave.open(str(SOUNDBITES / name)) as sound:
        return sound.readframes(sound.getnframes())


def config(interims: bool = True, **fields: Any) -> riva.client.StreamingRecognitionConfig:
    settings = {"encoding": riva.client.AudioEncoding.LINEAR_PCM, "sample_rate_hertz": 16_000, "language_code": "en-US"}
    return riva.client.StreamingRecognitionConfig(
        config=riva.client.RecognitionConfig(**{**settings, **fields}), interim_results=interims
    )


def chunks(pcm: bytes, size: int = 640) -> Iterator[bytes]:
    for i in range(0, len(pcm), size):
        yield pcm[i : i + size]


def results(service: Service, pcm: bytes, asked: riva.client.StreamingRecognitionConfig) -> list[Any]:
    responses = service.asr.streaming_response_generator(chunks(pcm), asked)
    return [result for response in responses for result in response.results]


def words_of(result: Any) -> list[str]:
    return result.alternatives[0].transcript.lower().strip(" .?").split()


Asked = riva_asr_pb2.StreamingRecognizeRequest


def notices(call: Any) -> list[str]:
    return [value for key, value in call.trailing_metadata() if key == KEY]
