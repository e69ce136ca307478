"""A scripted Riva that hears, over TLS on loopback, and a recogniser that is being read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
from riva.client.proto import riva_asr_pb2 as pb
from riva.client.proto import riva_asr_pb2_grpc as pb_grpc

from sophia.audio import Frame
from sophia.events import EarsBack, EarsLost
from sophia.recognition import RecognizerSettings, RivaRecognizer
from sophia.transcripts import Transcript

Scripted = Callable[["Stream"], Awaitable[None]]


@dataclass
class Stream:
    """The service's end of one stream, for a script to play with."""

    requests: AsyncIterator[pb.StreamingRecognizeRequest]
    context: grpc.aio.ServicerContext
    config: pb.StreamingRecognitionConfig
    frames: list[int] = field(default_factory=list)  # the number that each 20 ms frame was filled with
    finish: list[int] = field(default_factory=list)  # how many frames had come at each force_eou
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # the client closed its side

    async def hear(self, count: int | None = None) -> int:
        """Takes ``count`` more frames, or all until the client closes its side; returns the last one's number."""
        goal = None if count is None else len(self.frames) + count
        while goal is None or len(self.frames) < goal:
            request = await anext(self.requests, None)
            if request is None:
                self.ended.set()
                break
            if request.runtime_config.get("force_eou") == "true":
                assert len(request.audio_content) == 2560
                self.finish.append(len(self.frames))
                break
            self.frames += np.frombuffer(request.audio_content, np.int16)[::320].tolist()
        return self.frames[-1] if self.frames else -1

    async def say(
        self, text: str, *, processed: float | None = None, final: bool = False, stability: float = 0.1
    ) -> None:
        result = pb.StreamingRecognitionResult(
            is_final=final,
            stability=0.0 if final else stability,
            audio_processed=len(self.frames) * 0.02 if processed is None else processed,
        )
        result.alternatives.add(transcript=text, confidence=0.9 if final else 0.0)
        await self.context.write(pb.StreamingRecognizeResponse(results=[result]))


class Riva(pb_grpc.RivaSpeechRecognitionServicer):
    """Plays one script for each stream, the last one for all that follow."""

    def __init__(self) -> None:
        self.scripts: list[Scripted] = []
        self.streams: list[Stream] = []
        self.metadata: list[dict[str, str]] = []
        self.opened = asyncio.Event()
        self.asked = asyncio.Event()  # for its health
        self.busy = False  # and lists no models until the utterance is over

    async def check(self, request: bytes, context: object) -> bytes:
        self.asked.set()
        return b"\x08\x01"

    async def ended(self, number: int) -> None:
        """Waits until the client has closed its side of the stream."""
        async with asyncio.timeout(10):
            await self.opened.wait()
            await self.streams[number].ended.wait()

    async def StreamingRecognize(self, request_iterator, context):  # noqa: N802
        requests = aiter(request_iterator)
        first = await anext(requests)
        assert first.WhichOneof("streaming_request") == "streaming_config"
        stream = Stream(requests, context, first.streaming_config)
        self.metadata.append(dict(context.invocation_metadata()))
        self.streams.append(stream)
        self.opened.set()
        await self.scripts[min(len(self.streams), len(self.scripts)) - 1](stream)

    async def GetRivaSpeechRecognitionConfig(self, request, context):  # noqa: N802
        if self.busy:
            await asyncio.Event().wait()
        answer = pb.RivaSpeechRecognitionConfigResponse()
        answer.model_config.add(model_name="parrot-en", parameters={"language_code": "en-US", "streaming": "True"})
        return answer


async def serving(servicer: Riva, pki: Path, port: int = 0) -> tuple[grpc.aio.Server, int]:
    # Small windows, so that a peer which does not read is felt soon.
    server = grpc.aio.server(options=[("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384)])
    pb_grpc.add_RivaSpeechRecognitionServicer_to_server(servicer, server)
    check = grpc.unary_unary_rpc_method_handler(servicer.check)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check}),))
    key, chain = ((pki / name).read_bytes() for name in ("server.key", "server.crt"))
    port = server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, chain)]))
    await server.start()
    return server, port


@contextlib.asynccontextmanager
async def connected(pki: Path) -> AsyncIterator[tuple[Riva, grpc.aio.Channel]]:
    """A service without scripts so far, and a channel to it."""
    servicer = Riva()
    server, port = await serving(servicer, pki)
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    try:
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
            yield servicer, channel
    finally:
        await server.stop(None)


def frame(number: int) -> Frame:
    return Frame(np.full(320, number, np.int16), number * 0.02)


def patient(**changes: object) -> RecognizerSettings:
    return RecognizerSettings.model_validate({"answer_seconds": 0.3, "drain_seconds": 0.3} | changes)


class Session:
    """A recogniser that is being read, and what it said."""

    def __init__(self, channel: grpc.aio.Channel, settings: RecognizerSettings) -> None:
        self.troubles: list[Exception] = []
        self.told: list[type] = []
        self.recognizer = RivaRecognizer(channel, settings, lambda: (("traceparent", "00-1-2-01"),), self._told)
        self.heard: list[Transcript] = []
        self._new = asyncio.Event()
        self.reading = asyncio.create_task(self._read())
        self._pushed = 0

    def _told(self, event: EarsLost | EarsBack) -> None:
        self.told.append(type(event))
        if isinstance(event, EarsLost):
            self.troubles.append(event.error)

    async def has_told(self, *kinds: type) -> None:
        """Waits, while sound comes, until it has told just this of its outages."""
        async with asyncio.timeout(10):
            while self.told != [*kinds]:
                self.push(1)
                await asyncio.sleep(0.02)

    async def _read(self) -> None:
        async for transcript in self.recognizer.transcripts():
            self.heard.append(transcript)
            self._new.set()

    def push(self, count: int) -> None:
        for _ in range(count):
            self.recognizer.push(frame(self._pushed))
            self._pushed += 1

    async def until(self, text: str) -> Transcript:
        while not (self.heard and self.heard[-1].text == text):
            self._new.clear()
            new = asyncio.create_task(self._new.wait())
            await asyncio.wait({new, self.reading}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
            new.cancel()
            if self.reading.done():
                await self.reading
                raise AssertionError(f"ended with {self.heard}")
        return self.heard[-1]


@contextlib.asynccontextmanager
async def session(channel: grpc.aio.Channel, settings: RecognizerSettings | None = None) -> AsyncIterator[Session]:
    it = Session(channel, settings or patient())
    try:
        yield it
    finally:
        await it.recognizer.aclose()
        it.reading.cancel()
        await asyncio.wait({it.reading}, timeout=5)
