"""A server of MCP as a child process, talked to by its pipes: one JSON message a line.

The child gets little of our environment, and none of our secrets. A message is bounded in bytes. What the child writes
to standard error is kept in a few last lines, for the sentence about its end. However it ends, it is gone within 2 s,
and so is whatever it started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from pipelines.failures import clean
from pipelines.settings.mcp import McpServerSettings

OURS = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What a child gets of our environment."""

MOST_BYTES = 4 << 20
"""Longest message: a server that sends a longer one is ended. A result of 1 MB has room, written in escapes even."""

MOST_A_SECOND = 1000
"""Messages in a second: a server that sends more is ended. Reading them would take a processor for itself."""

LAST_LINES = 3
LINE_CHARS = 200
PIECE_BYTES = 16 << 10
PIECE_SECONDS = 0.02
"""At most that much of standard error is read in that time."""

ASK_SECONDS = 0.7
"""For a child to end once its input is closed, and again once it was asked by SIGTERM."""

KILLED_SECONDS = 0.3

SECRET_BYTES = 16 << 10

Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


class NotStarted(Exception):
    """A server's program cannot be started; the message says why."""


class Pipes:
    """A child and its pipes; ``last`` holds what it last wrote to standard error, ``ended`` is set at its end."""

    def __init__(self, settings: McpServerSettings) -> None:
        self.ended = asyncio.Event()
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self.excess = ""
        """What it sent too much of, where that was its end."""
        self._settings = settings

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Streams]:
        """Starts the child and hands out the streams of its messages. Raises :class:`NotStarted`."""
        process = await self._start()
        # Nothing is awaited before the group is entered: a child must not be left without an owner.
        into, messages = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, out = anyio.create_memory_object_stream[SessionMessage](0)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._read, process, into)
                group.start_soon(self._write, process, out)
                group.start_soon(self._overhear, process)
                try:
                    yield messages, outgoing
                finally:
                    with anyio.CancelScope(shield=True):
                        await _end(process)
                    group.cancel_scope.cancel()
        finally:
            _kill(process)
            for stream in (into, messages, outgoing, out):
                stream.close()
            _close(process)

    async def _start(self) -> Process:
        settings = self._settings
        assert settings.command is not None
        environment = {name: os.environ[name] for name in OURS if name in os.environ}
        environment |= settings.env | await asyncio.to_thread(secrets, settings.env_files)
        if settings.cwd is not None and not await asyncio.to_thread(settings.cwd.is_dir):
            raise NotStarted(f"its folder {settings.cwd} is not there")
        try:
            return await asyncio.create_subprocess_exec(
                settings.command,
                *settings.args,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=environment,
                cwd=settings.cwd,
                limit=MOST_BYTES,
                start_new_session=True,  # Ctrl+C is for us; and all that it starts can be ended with it
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise NotStarted(f"{settings.command} cannot be started: {reason or error}") from None

    async def _read(self, process: Process, into: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        assert process.stdout is not None
        time, since, count = asyncio.get_running_loop().time, 0.0, 0
        try:
            while True:
                line = await process.stdout.readuntil(b"\n")
                count += 1
                if count > MOST_A_SECOND:
                    if time() - since < 1.0:
                        self.excess = f"it sent more than {MOST_A_SECOND} lines in a second"
                        return
                    since, count = time(), 0
                if not line.lstrip().startswith(b"{"):
                    continue  # a server that prints; no message begins otherwise
                with contextlib.suppress(ValueError):
                    await into.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
        except asyncio.LimitOverrunError:
            self.excess = f"it sent more than {MOST_BYTES >> 20} MiB in one message"
        except (asyncio.IncompleteReadError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # it has closed its output, or we have closed ours
        finally:
            self.ended.set()
            into.close()

    async def _write(self, process: Process, out: MemoryObjectReceiveStream[SessionMessage]) -> None:
        assert process.stdin is not None
        try:
            async for sent in out:
                text = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()
        except (OSError, RuntimeError):
            self.ended.set()  # it reads no more
        finally:
            out.close()

    async def _overhear(self, process: Process) -> None:
        """Keeps the last lines of standard error, whatever comes; a line without an end is cut into pieces."""
        assert process.stderr is not None
        rest = b""
        while piece := await process.stderr.read(PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            self.last += [
                text for line in lines[-LAST_LINES:] if (text := clean(line.decode("utf-8", "replace")[:LINE_CHARS]))
            ]
            rest = rest[-LINE_CHARS:]
            if len(piece) > PIECE_BYTES // 2:  # it waits for us, rather than we for it
                await asyncio.sleep(PIECE_SECONDS)


def secrets(files: Mapping[str, Path]) -> dict[str, str]:
    """The content of each file under the name of its variable. Blocks. Raises :class:`NotStarted`."""
    found = {}
    for name, path in files.items():
        try:
            with path.open("rb") as file:
                text = file.read(SECRET_BYTES + 1).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise NotStarted(f"the secret of {name}, {path}, cannot be read: {why}") from None
        if not text or len(text) > SECRET_BYTES or "\0" in text:
            raise NotStarted(f"{path} holds no secret for {name}")
        found[name] = text
    return found


async def _end(process: Process) -> None:
    """Ends the child: closes its input, asks it, kills it."""
    if process.stdin is not None:
        with contextlib.suppress(OSError, RuntimeError):
            process.stdin.close()
    if not await _gone(process, ASK_SECONDS):
        _signal(process, signal.SIGTERM)
        await _gone(process, ASK_SECONDS)
    _kill(process)
    await _gone(process, KILLED_SECONDS)


async def _gone(process: Process, seconds: float) -> bool:
    """Whether it has ended by then. ``wait`` would also wait for whoever else holds its pipes, such as its children."""
    time = asyncio.get_running_loop().time
    until = time() + seconds
    while process.returncode is None and time() < until:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    return process.returncode is not None


def _kill(process: Process) -> None:
    _signal(process, signal.SIGKILL)


def _signal(process: Process, number: signal.Signals) -> None:
    """Signals the child and all that it started, as long as they stayed in its session's group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _close(process: Process) -> None:
    """Closes our ends, which a grandchild may keep open; asyncio warns of those that it finds later."""
    transport = getattr(process, "_transport", None)
    if transport is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            transport.close()
