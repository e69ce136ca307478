"""A scripted Riva that speaks, over TLS on loopback, and what is made of its sound."""

import asyncio
import contextlib

import grpc
import numpy as np
from riva.client.proto import riva_tts_pb2, riva_tts_pb2_grpc

from sophia.synthesis import RivaSynthesizer, SynthesizerSettings

RATE = 22_050
Response = riva_tts_pb2.SynthesizeSpeechResponse


def tone(seconds, period=50, level=8000):
    return np.rint(level * np.sin(2 * np.pi * np.arange(round(seconds * RATE)) / period + 0.9)).astype(np.int16)


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.int16)


def chunks(pcm, size=1999):
    """The sound in messages of an odd number of bytes."""
    data = pcm.tobytes()
    return [Response(audio=data[at : at + size]) for at in range(0, len(data), size)]


async def plain(text, context):
    """A tone of 10 ms a letter between silences of 200 and 400 ms."""
    for answer in chunks(np.concatenate((silence(0.2), tone(0.01 * len(text)), silence(0.4)))):
        yield answer


class Service(riva_tts_pb2_grpc.RivaSpeechSynthesisServicer):
    """Answers each call as ``script`` says; keeps what was asked, and how many calls are open."""

    def __init__(self):
        self.script = plain
        self.calls = []
        self.requests = []
        self.metadata = []
        self.open = 0
        self.models = ("magpie", "bare")
        self.changed = asyncio.Condition()

    async def SynthesizeOnline(self, request_iterator, context):  # noqa: N802
        await self.note(1)
        try:
            self.metadata.append(dict(context.invocation_metadata()))
            texts = []
            async for request in request_iterator:
                self.requests.append(request)
                texts.append(request.text)
            self.calls.append(" ".join(texts))
            await self.note(0)
            async for answer in self.script(" ".join(texts), context):
                yield answer
        finally:
            self.open -= 1
            asyncio.get_running_loop().create_task(self.note(0))

    async def GetRivaSynthesisConfig(self, request, context):  # noqa: N802
        answer = riva_tts_pb2.RivaSynthesisConfigResponse()
        model = answer.model_config.add(model_name=self.models[0])
        model.parameters.update(
            {
                "voice_name": "Magpie.EN-US",
                "subvoices": "Aria:0,Ray:1",
                "language_code": "en-US",
                "sample_rate": "22050",
            }
        )
        for other in self.models[1:]:
            answer.model_config.add(model_name=other)
        return answer

    async def note(self, opened):
        async with self.changed:
            self.open += opened
            self.changed.notify_all()

    async def until(self, condition):
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(condition)


@contextlib.asynccontextmanager
async def served(pki):
    """The service, which answers plainly so far; ``port`` is where."""
    server = grpc.aio.server()
    servicer = Service()
    riva_tts_pb2_grpc.add_RivaSpeechSynthesisServicer_to_server(servicer, server)
    credentials = grpc.ssl_server_credentials([((pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes())])
    servicer.port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield servicer
    finally:
        await server.stop(0)


@contextlib.asynccontextmanager
async def connected(service, pki):
    """Makes synthesisers of that service, given their settings."""
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    async with contextlib.AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.secure_channel(f"localhost:{service.port}", credentials))

        def make(mood="off", **settings):
            return RivaSynthesizer(channel, SynthesizerSettings(**settings), lambda: (("x-turn", "7"),), mood)

        yield make


async def saying(*texts):
    for text in texts:
        yield text


async def collect(speech, heard=None):
    heard = [] if heard is None else heard
    async for chunk in speech:
        heard.append(chunk)
    return heard


def sound(heard, clause=None):
    return np.concatenate([chunk.pcm for chunk in heard if clause in (None, chunk.clause)])
