"""The service's side of the recognition workers: starts the worker process and opens streams to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from pipelines.embedded.speech.ears import frames
from pipelines.embedded.speech.ears.boosting import Boosts
from pipelines.embedded.speech.ears.endpointing import Endpointing
from pipelines.embedded.speech.ears.hypothesis import Heard

_STOP_DEADLINE = 1.0

SIGN_SECONDS = 5.0
"""Between two looks at the worker process."""

HANG_SECONDS = 15.0
"""A worker process without a sign of life for so long hangs; on a busy machine it may be late."""


class TooManyStreams(Exception):
    """Every recogniser is taken."""


class RecognizerFailed(Exception):
    """The worker process ended or could not go on; the message says why."""


class Stream:
    """One recognition stream to a worker: sound in, :class:`Heard` out. Closing it ends the worker's child."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, pcm: bytes) -> None:
        """Sends 16 kHz int16 mono sound; waits while the worker lags behind (that is the bound)."""
        await self._write(frames.pack(frames.AUDIO, pcm))

    async def end_utterance(self) -> None:
        """Asks for the final of what was heard so far."""
        await self._write(frames.pack(frames.END_UTTERANCE))

    async def close_sound(self) -> None:
        """No more sound: :meth:`results` ends after the last final."""
        await self._write(frames.pack(frames.CLOSE))

    async def results(self) -> AsyncIterator[Heard]:
        """Everything heard, in order; raises :class:`RecognizerFailed` when the worker fails."""
        try:
            while True:
                kind, size = frames.length(await self._reader.readexactly(frames.HEADER.size))
                payload = await self._reader.readexactly(size)
                if kind == frames.DONE:
                    return
                if kind == frames.FAILED:
                    raise RecognizerFailed(payload.decode(errors="replace"))
                yield frames.read_result(payload)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise RecognizerFailed("the recognition process ended unexpectedly") from None

    async def _write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            raise RecognizerFailed("the recognition process ended unexpectedly") from None

    def abort(self) -> None:
        """Ends the stream at once."""
        self._writer.transport.abort()


class Workers:
    """The worker process and its streams, at most ``most`` at a time.

    Streams share nothing: what one learns of its speaker ends with it, since the next may be somebody else.
    """

    def __init__(self, control: socket.socket, process: asyncio.subprocess.Process, most: int) -> None:
        self._control, self._process, self._most = control, process, most
        self.streams = 0

    @asynccontextmanager
    async def stream(
        self, endpointing: Endpointing, *, boosts: Boosts = (), patient: bool = False
    ) -> AsyncIterator[Stream]:
        """A recogniser of its own for one stream; raises :class:`TooManyStreams` instead of queueing."""
        if self.streams >= self._most:
            raise TooManyStreams(f"all {self._most} recognisers are in use; try again when one is free")
        self.streams += 1
        try:
            ours, theirs = socket.socketpair()
            try:
                with theirs:
                    socket.send_fds(self._control, [b"+"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise RecognizerFailed("the recognition process has ended") from None
            reader, writer = await asyncio.open_connection(sock=ours)
            stream = Stream(reader, writer)
            try:
                settings = {"endpointing": asdict(endpointing), "boosts": boosts, "patient": patient}
                writer.write(frames.pack(frames.SETTINGS, json.dumps(settings).encode()))
                yield stream
            finally:
                stream.abort()
        finally:
            self.streams -= 1

    async def lost(self) -> str:
        """Waits until the worker process ends, or hangs; returns which, in words."""
        ending = asyncio.create_task(self._process.wait())
        try:
            while not (await asyncio.wait({ending}, timeout=SIGN_SECONDS))[0]:
                with contextlib.suppress(ConnectionError):  # it has ended, as is seen above
                    async with asyncio.timeout(HANG_SECONDS):
                        await self._sign_of_life()
            return f"ended with code {ending.result()}"
        except TimeoutError:
            return f"gave no sign of life for {HANG_SECONDS:g} s"
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    async def _sign_of_life(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._control, b"?")
        await loop.sock_recv(self._control, frames.HEADER.size)


@asynccontextmanager
async def running_workers(arguments: Sequence[str], most: int, seconds: float) -> AsyncIterator[Workers]:
    """Starts the worker process with the ``arguments`` of :mod:`.worker` and waits until its models are loaded.

    Raises ``RuntimeError`` naming the reason when it cannot start within ``seconds``.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pipelines.embedded.speech.ears.worker",
            "--control",
            str(theirs.fileno()),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
        )
    try:
        await _until_ready(ours, seconds)
        yield Workers(ours, process, most)
    finally:
        ours.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_DEADLINE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _until_ready(control: socket.socket, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    control.setblocking(False)
    unpacker = frames.Unpacker()
    try:
        async with asyncio.timeout(seconds):
            while data := await loop.sock_recv(control, 4096):
                for kind, payload in unpacker.feed(data):
                    if kind == frames.DONE:
                        return
                    raise RuntimeError(f"the recogniser cannot start: {payload.decode(errors='replace')}")
    except TimeoutError:
        raise RuntimeError(f"the recogniser did not load its models within {seconds:g} s") from None
    raise RuntimeError("the recogniser ended while it loaded its models")
