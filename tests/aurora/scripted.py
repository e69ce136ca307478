"""A face service over TLS that does what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from aurora.names import PASCAL_CASE
from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import add_A2FControllerServiceServicer_to_server

Script = Callable[["Conversation"], AsyncIterator[Any]]


@dataclass
class Conversation:
    """One RPC as the service sees it."""

    context: Any
    metadata: dict[str, str]
    heard: list[Any] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the handler has ended, however it did."""

    async def read(self) -> Any:
        """The next message, or ``None`` at the end."""
        message = await self.context.read()
        if message is grpc.aio.EOF:
            return None
        self.heard.append(message)
        return message

    async def read_clip(self) -> bytes:
        """Reads to the end of audio and gives the sound."""
        sound = b""
        while (message := await self.read()) is not None and message.WhichOneof("stream_part") != "end_of_audio":
            sound += message.audio_with_emotion.audio_buffer
        return sound


@dataclass
class ScriptedService:
    """The servicer: each RPC runs the next of ``scripts``, the last one again and again."""

    scripts: list[Script] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)

    async def ProcessAudioStream(self, _requests: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
        conversation = Conversation(context, metadata)
        script = self.scripts[min(len(self.conversations), len(self.scripts) - 1)]
        self.conversations.append(conversation)
        try:
            async for answer in script(conversation):
                yield answer
        finally:
            conversation.over.set()


def header(*names: str) -> Any:
    named = wire.SkelAnimationHeader(blend_shapes=names or PASCAL_CASE)
    return wire.AnimationDataStream(
        animation_data_stream_header=wire.AnimationDataStreamHeader(skel_animation_header=named)
    )


def frames(*timed: tuple[float, list[float]]) -> Any:
    weights = [wire.FloatArrayWithTimeCode(time_code=time, values=values) for time, values in timed]
    return wire.AnimationDataStream(
        animation_data=wire.AnimationData(skel_animation=wire.SkelAnimation(blend_shape_weights=weights))
    )


def status(code: int, words: str = "") -> Any:
    return wire.AnimationDataStream(status=wire.Status(code=code, message=words))


async def honest(conversation: Conversation) -> AsyncIterator[Any]:
    """Header, a frame for each 1/30 s of sound whose jaw counts up, event, status."""
    sound = await conversation.read_clip()
    rate = conversation.heard[0].audio_stream_header.audio_header.samples_per_second
    yield header("JawOpen")
    for i in range(len(sound) * 30 // (2 * rate)):
        yield frames((i / 30, [i / 1000]))
    yield wire.AnimationDataStream(event=wire.Event(event_type=wire.END_OF_A2F_AUDIO_PROCESSING))
    yield status(wire.Status.SUCCESS)


@asynccontextmanager
async def serving(pki: Path, *scripts: Script) -> AsyncIterator[tuple[ScriptedService, grpc.aio.Channel]]:
    """The service on loopback with TLS, and a channel to it."""
    service = ScriptedService(list(scripts))
    server = grpc.aio.server()
    add_A2FControllerServiceServicer_to_server(service, server)
    identity = (pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([identity]))
    await server.start()
    trust = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    async with grpc.aio.secure_channel(f"localhost:{port}", trust) as channel:
        try:
            yield service, channel
        finally:
            await server.stop(None)
