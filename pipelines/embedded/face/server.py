"""The gRPC side of the embedded Audio2Face: one RPC is one clip, and limits are answered as the real service does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import add_A2FControllerServiceServicer_to_server
from pipelines.embedded import child
from pipelines.embedded.endings import read_out, refusing
from pipelines.embedded.face.clip import Clip, Limits, OutOfOrder, Refused
from pipelines.embedded.face.description import CONTROLLER, EXPORT, described
from pipelines.embedded.face.export import handler
from pipelines.embedded.face.solver import trained
from pipelines.embedded.reflecting import reflect

STOP_SECONDS = 1.0
"""How long running clips may finish when the service is told to stop."""

REFUSED_SECONDS = 30.0
"""How long a client may go on sending a clip that was refused: it has been told in the stream."""

FRAMES_A_TURN = 15
"""Frames answered before other clips get a turn."""


class Busy(Exception):
    """All streams are taken."""


_CODES: dict[type[Exception], grpc.StatusCode] = {
    Busy: grpc.StatusCode.RESOURCE_EXHAUSTED,
    OutOfOrder: grpc.StatusCode.INVALID_ARGUMENT,
}


class FaceService:
    """The servicer: ``ProcessAudioStream`` as the generated stub calls it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._running = 0

    async def ProcessAudioStream(  # noqa: N802 - the name on the wire
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        async with refusing(context, _CODES):
            if self._running >= self._limits.streams:
                raise Busy(f"all {self._limits.streams} streams are taken; try again later")
            self._running += 1
            try:
                async for answer in self._clip(context):
                    yield answer
            finally:
                self._running -= 1

    async def _clip(self, context: Any) -> AsyncIterator[Any]:
        clock = asyncio.get_running_loop().time
        clip = Clip(self._limits)
        try:
            while not clip.ended:
                try:
                    async with asyncio.timeout(clip.patience(clock())):
                        message = await context.read()
                except TimeoutError:
                    clip.waited(clock())
                    raise
                if message is grpc.aio.EOF:
                    break
                async for answer in _in_turns(clip.take(message, clock())):
                    yield answer
        except Refused as refusal:
            yield wire.AnimationDataStream(status=wire.Status(code=wire.Status.ERROR, message=str(refusal)))
            await read_out(context, REFUSED_SECONDS)
        else:
            yield clip.last_word()
            await read_out(context)  # whoever goes on writing after the end gets to read it


async def _in_turns(answers: Iterator[Any]) -> AsyncIterator[Any]:
    """Hands on the answers and lets other tasks run now and then, whether the transport waits or not."""
    for number, answer in enumerate(answers):
        if number % FRAMES_A_TURN == FRAMES_A_TURN - 1:
            await asyncio.sleep(0)
        yield answer


async def serve(options: child.ChildOptions, limits: Limits | None = None) -> None:
    """Serves until told to stop; announces the port when ready."""
    child.stage("the network is read")
    trained()  # read before the first clip asks for it
    server = grpc.aio.server()
    add_A2FControllerServiceServicer_to_server(FaceService(limits), server)
    pool = described()
    server.add_generic_rpc_handlers((handler(limits or Limits(), pool),))
    reflect(server, (CONTROLLER, EXPORT), pool)
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    port = child.add_port(server, options)
    await server.start()
    for service in ("", CONTROLLER, EXPORT):
        await state.set(service, health_pb2.HealthCheckResponse.SERVING)
    child.announce_ready(port)
    await child.until_told_to_stop()
    await state.enter_graceful_shutdown()
    await server.stop(STOP_SECONDS)
