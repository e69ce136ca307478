"""The gRPC side of the embedded Audio2Face: one RPC is one clip, and limits are answered as the real service does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import add_A2FControllerServiceServicer_to_server
from pipelines.embedded import child
from pipelines.embedded.endings import read_out, refusing
from pipelines.embedded.face.clip import LATE_SECONDS, Clip
from pipelines.embedded.face.description import CONTROLLER, EXPORT, described
from pipelines.embedded.face.engine import Engine
from pipelines.embedded.face.export import handler
from pipelines.embedded.face.limits import Limits, OutOfOrder, Refused
from pipelines.embedded.face.lips import Lips
from pipelines.embedded.reflecting import reflect

STOP_SECONDS = 1.0
"""How long running clips may finish when the service is told to stop."""

REFUSED_SECONDS = 30.0
"""How long a client may go on sending a clip that was refused: it has been told in the stream."""

log = logging.getLogger("sophia.embedded.face")


class Busy(Exception):
    """All streams are taken."""


_CODES: dict[type[Exception], grpc.StatusCode] = {
    Busy: grpc.StatusCode.RESOURCE_EXHAUSTED,
    OutOfOrder: grpc.StatusCode.INVALID_ARGUMENT,
}


class FaceService:
    """The servicer: ``ProcessAudioStream`` as the generated stub calls it.

    Solvers run in one worker thread, so that the loop is free for health calls, sound and frames. Clips take turns
    there by the batch. A clip that is cancelled during a batch leaves the worker after it.
    """

    def __init__(self, limits: Limits | None = None, engine: Engine | None = None) -> None:
        self._limits = limits or Limits()
        self._engine = engine or Lips()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="solver")
        self._running = 0

    async def ProcessAudioStream(self, requests: AsyncIterator[Any], context: Any) -> None:  # noqa: N802 - wire's name
        async with refusing(context, _CODES):
            if self._running >= self._limits.streams:
                raise Busy(f"all {self._limits.streams} streams are taken; try again later")
            self._running += 1
            try:
                await self._clip(context)
            finally:
                self._running -= 1

    async def _clip(self, context: Any) -> None:
        call = _Call(Clip(self._limits, self._engine), context, self._worker)
        try:
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(call.answer())
                refusal = await call.listen()
                if refusal:
                    async with call.writing:
                        answering.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if isinstance(refusal, OutOfOrder):
            raise refusal
        if refusal:
            status = wire.Status(code=wire.Status.ERROR, message=str(refusal))
            await context.write(wire.AnimationDataStream(status=status))
            await read_out(context, REFUSED_SECONDS)
        else:
            await context.write(call.clip.last_word())
            await read_out(context)  # whoever goes on writing after the end gets to read it


class _Call:
    """One RPC: its client is read and answered at the same time."""

    def __init__(self, clip: Clip, context: Any, worker: Executor) -> None:
        self.clip = clip
        self.writing = asyncio.Lock()
        """Held while something is written: gRPC takes no second word before the first is out, cancelled or not."""
        self._context = context
        self._worker = worker
        self._more = asyncio.Event()

    async def listen(self) -> Refused | OutOfOrder | None:
        """Reads the client's messages as they come, up to the clip's end; returns what is wrong with one of them."""
        clip, clock = self.clip, asyncio.get_running_loop().time
        try:
            while not clip.ended:
                try:
                    async with asyncio.timeout(clip.patience(clock())):
                        message = await self._context.read()
                except TimeoutError:
                    clip.waited(clock())
                    raise
                if message is grpc.aio.EOF:
                    clip.hang_up()
                    break
                clip.take(message, clock())
                self._more.set()
        except (Refused, OutOfOrder) as refusal:
            return refusal
        self._more.set()
        return None

    async def answer(self) -> None:
        """Has the clip animated in the worker, and writes what comes of it, up to the clip's end."""
        clip, loop = self.clip, asyncio.get_running_loop()
        told = False
        while True:
            self._more.clear()
            answers = await loop.run_in_executor(self._worker, clip.animate)
            if answers:
                async with self.writing:
                    for answer in answers:
                        await self._context.write(answer)
                behind = clip.keep_time(loop.time())
                if behind > LATE_SECONDS and not told:
                    told = True
                    log.warning("the face is %.1f s behind its sound", behind)
            elif clip.done:
                return
            else:
                await self._more.wait()


async def serve(options: child.ChildOptions, limits: Limits | None = None, make: Callable[[], Engine] = Lips) -> None:
    """Serves until told to stop; announces the port when ready. ``make`` gives the engine, and may take its time."""
    child.stage("the network is read")
    engine = await asyncio.to_thread(make)
    server = grpc.aio.server()
    add_A2FControllerServiceServicer_to_server(FaceService(limits, engine), server)
    pool = described()
    server.add_generic_rpc_handlers((handler(limits or Limits(), engine, pool),))
    reflect(server, (CONTROLLER, EXPORT), pool)
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    port = child.add_port(server, options)
    await server.start()
    for service in ("", CONTROLLER, EXPORT):
        await state.set(service, health_pb2.HealthCheckResponse.SERVING)
    child.announce_ready(port, **engine.about())
    await child.until_told_to_stop()
    await state.enter_graceful_shutdown()
    await server.stop(STOP_SECONDS)
