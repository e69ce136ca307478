"""The speech service as a gRPC server: recognition, voice and health on one TLS port."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from riva.client.proto import riva_asr_pb2_grpc, riva_tts_pb2_grpc

from pipelines.embedded import child
from pipelines.embedded.reflecting import reflect
from pipelines.embedded.speech.ears.recognition import SpeechRecognition
from pipelines.embedded.speech.ears.recognition_config import Recogniser
from pipelines.embedded.speech.ears.workers import Workers, running_workers
from pipelines.embedded.speech.languages import AUTO, ENGLISH, GERMAN, MULTILINGUAL
from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.synthesis import SpeechSynthesis
from pipelines.embedded.speech.voice.voices import Engine

ASR, TTS = "nvidia.riva.asr.RivaSpeechRecognition", "nvidia.riva.tts.RivaSpeechSynthesis"

_LARGEST_MESSAGE = 64 << 20  # what NVIDIA's own clients are set to

SERVER_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    # Clients may ping every 5 s, even without a call: an idle microphone must not cost the connection.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),  # two services on one port is a mistake, not load balancing
]


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """What to serve with. The ears are ``asr_model``, the user's own for sherpa-onnx, else ``moonshine``, a folder,
    or ``whisper``, another, for German or both, else pocketsphinx with the tuned ``language_model``, else with its
    general one.
    ``styles`` is the folder of Kokoro's speakers, if they are wanted. ``language`` is what is heard and spoken.
    ``services`` are which of Riva's two are offered: a NIM has one of them.
    """

    moonshine: Path | None = None
    whisper: Path | None = None
    language_model: Path | None = None
    asr_model: Path | None = None
    tts_model: Path | None = None
    styles: Path | None = None
    streams: int = max(8, 4 * (os.cpu_count() or 1))
    language: str = ENGLISH
    services: tuple[str, ...] = (ASR, TTS)

    @property
    def recogniser(self) -> Recogniser:
        """The ears as clients see them."""
        if self.asr_model:
            return Recogniser(f"sherpa-{self.asr_model.name}", self.language)
        if self.whisper:
            heard = MULTILINGUAL if self.language == AUTO else self.language
            return Recogniser(f"whisper-base-{heard}-embedded", heard)
        if self.moonshine:
            return Recogniser("moonshine-tiny-en-US-embedded", boosts=True)
        return Recogniser("pocketsphinx-en-US-embedded")

    @property
    def worker_arguments(self) -> list[str]:
        if self.asr_model:
            return ["--sherpa", str(self.asr_model)]
        if self.whisper:
            heard = (ENGLISH, GERMAN) if self.language == AUTO else (self.language,)
            return ["--whisper", str(self.whisper), "--languages", *heard]
        if self.moonshine:
            return ["--moonshine", str(self.moonshine)]
        return ["--language-model", str(self.language_model)] if self.language_model else []


async def serve(options: child.ChildOptions, speech: SpeechOptions) -> None:
    """Serves until told to stop; raises ``OSError`` or ``RuntimeError`` naming the reason when it cannot start."""
    if options.tls is not None:
        child.server_credentials(options)  # says which file is missing before the models are loaded
    async with AsyncExitStack() as stack:
        child.stage("the models of recogniser and voice are loaded")
        loading = None
        if ASR in speech.services:
            running = running_workers(speech.worker_arguments, speech.streams, options.start_seconds)
            loading = asyncio.create_task(stack.enter_async_context(running))
        try:
            engines = await _voices(stack, speech) if TTS in speech.services else {}
        except BaseException:
            if loading is not None:
                await asyncio.gather(loading, return_exceptions=True)
            raise
        workers = None if loading is None else await loading
        server = grpc.aio.server(options=SERVER_OPTIONS)
        offered = {}
        if workers is not None:
            offered["asr"] = speech.recogniser.name
            recognition = SpeechRecognition(workers, speech.recogniser)
            riva_asr_pb2_grpc.add_RivaSpeechRecognitionServicer_to_server(recognition, server)
        if engines:
            (language, engine), *others = engines.items()
            offered["tts"] = " and ".join(voice.name for voice in engines.values())
            riva_tts_pb2_grpc.add_RivaSpeechSynthesisServicer_to_server(
                SpeechSynthesis(engine, language, dict(others)), server
            )
        healthy = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        for name in ("", *speech.services):
            await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        reflect(server, speech.services)
        port = child.add_port(server, options)
        await server.start()
        told = asyncio.create_task(child.until_told_to_stop())
        await asyncio.sleep(0)  # its signal handlers are in place before anybody can know that we are ready
        child.announce_ready(port, **offered)
        try:
            await _until_over(told, workers)
        finally:
            await healthy.enter_graceful_shutdown()
            await server.stop(grace=0.3)


async def _voices(stack: AsyncExitStack, speech: SpeechOptions) -> dict[str, Engine]:
    """A voice for each language, warm; they are closed with ``stack``."""
    engines = {}
    for language in (ENGLISH, GERMAN) if speech.language == AUTO else (speech.language,):
        model = speech.tts_model if language == ENGLISH or speech.language != AUTO else None
        engines[language] = engine = await asyncio.to_thread(open_engine, model, speech.styles, language)
        stack.push_async_callback(engine.aclose)
        await _warm(engine)
    return engines


async def _warm(engine: Engine) -> None:
    """Speaks a word unheard: the first sentence is slow, and a voice that cannot speak should be known at once."""
    async with aclosing(engine.speak("Ready.", next(iter(engine.voices)))) as pieces:
        async for _ in pieces:
            pass


async def _until_over(told: asyncio.Task[None], workers: Workers | None) -> None:
    """Returns when told to stop; ends the service with code 1 if the recogniser's process ends, or hangs, first.

    The supervisor then starts the service anew. The one line on standard output has been said already.
    """
    if workers is None:
        await told
        return
    lost = asyncio.create_task(workers.lost())
    try:
        await asyncio.wait({told, lost}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        lost.cancel()
        await asyncio.gather(told, lost, return_exceptions=True)
    if not lost.cancelled():
        print(f"the recognition process {lost.result()}", file=sys.stderr, flush=True)
        raise SystemExit(1)
