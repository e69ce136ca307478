"""One embedded service as a child process: start, the ready line, the reason of a failure, the end.

Implements the parent's side of the contract in :mod:`pipelines.embedded.child`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

PROCESSES = ("speech", "triton", "face")
"""Those that serve; each is the module ``pipelines.embedded.<name>``. Recogniser and voice share one."""

START_SECONDS = 60.0
"""How long a service may take until it is ready, where the settings do not say otherwise: it takes one or two seconds
on an idle machine, and has taken twenty on a busy one."""

PROGRESS_SECONDS = 5.0
"""A start is told to be under way as often as this."""

STOP_SECONDS = 1.6
"""How long a service may take to end by itself before it is killed; with the killing it stays under 2 s."""

_LINE_BYTES = 64 << 10
_LAST_LINES = 3
"""Lines of the log that go into the message about a failed start."""

_SIGNALS = {sig.value: sig.name for sig in signal.Signals}


class ServiceFailed(Exception):
    """An embedded service could not be started; the message says which and why, ``hint`` where to read more."""

    kind = "down"

    def __init__(self, service: str, why: str, hint: str = "") -> None:
        super().__init__(f"the embedded {service} service did not start: {why}")
        self.service = service
        self.hint = hint


@dataclass(slots=True)
class ServiceProcess:
    """A running service; ``port`` is its gRPC port and ``ready`` all that it told about itself when it was ready."""

    name: str
    process: Process
    log: Path
    ready: dict[str, Any] = field(default_factory=dict)
    _lifeline: int = -1
    _output: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self.ready["port"])

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        log: Path,
        seconds: float = START_SECONDS,
        progress: Callable[[str], None] = lambda _: None,
    ) -> ServiceProcess:
        """Starts ``command`` and waits for its ready line; raises :class:`ServiceFailed` within ``seconds``.

        ``progress`` is called with a line every :data:`PROGRESS_SECONDS` while it waits. The service's standard error
        goes to ``log`` (the last start's is kept beside it). To be called from the main thread: the kernel tells the
        child of the death of the thread that started it, not of the process.
        """
        # Pipes of our own, since asyncio's would make wait() last until every worker of the child closed them, too.
        their_input, lifeline = os.pipe()  # the lifeline closes when we die, whatever kills us
        output, their_output = os.pipe()
        try:
            with _new_log(log) as errors:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=their_input,
                    stdout=their_output,
                    stderr=errors,
                    start_new_session=True,  # Ctrl+C is for us; we end the services in our own order
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
        except BaseException as error:
            os.close(lifeline)
            os.close(output)
            if isinstance(error, OSError):
                raise ServiceFailed(name, f"{error.filename or command[0]}: {error.strerror or error}") from None
            raise
        finally:
            os.close(their_input)
            os.close(their_output)
        service = cls(name, process, log, _lifeline=lifeline)
        said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        service._output = asyncio.create_task(_read(output, said))
        try:
            async with asyncio.timeout(seconds):
                service.ready = await service._understood(await service._first_line(said, progress))
        except TimeoutError:
            words = service._last_words(_LAST_LINES) or ", and has logged nothing: Python was still coming up"
            why = f"process {process.pid} was not ready within {seconds:g} s{_busy()}{words}"
            await service.stop(0.0)
            hint = f"{_see(log)}. embedded_start_seconds gives it more time"
            raise ServiceFailed(name, why, hint) from None
        except BaseException:
            await service.stop(0.0)
            raise
        return service

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ends the service and all that it started: asks, waits ``seconds``, kills."""
        try:
            if self.process.returncode is None and seconds:
                with contextlib.suppress(ProcessLookupError):
                    self.process.terminate()
                self._let_go()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self.process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)  # its own session: workers it may have left behind, too
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await self.process.wait()
            self._let_go()
            if self._output:
                self._output.cancel()

    async def ended(self) -> str:
        """Waits until the process ends; returns how, in words."""
        code = await self.process.wait()
        return _ending(code) if code < 0 else _ending(code) + self._last_words(1)

    async def _first_line(self, said: asyncio.Future[bytes], progress: Callable[[str], None]) -> bytes:
        """The line that the service says about its start; tells meanwhile that it is awaited."""
        waited = 0.0
        while not (await asyncio.wait([said], timeout=PROGRESS_SECONDS))[0]:
            waited += PROGRESS_SECONDS
            progress(f"The embedded {self.name} service is starting, {waited:g} s so far{self._last_words(1)}")
        return said.result()

    async def _understood(self, line: bytes) -> dict[str, Any]:
        if not line:
            why = f"process {self.process.pid} {_ending(await self.process.wait())}"
            why += self._last_words(_LAST_LINES) or " and has logged nothing"
            raise ServiceFailed(self.name, why, _see(self.log))
        try:
            said = json.loads(line)
            ready, failed = said.get("ready"), said.get("failed")
            if failed is None and 0 < int(ready["port"]) < 65536:
                return dict(ready)
        except (ValueError, TypeError, KeyError, AttributeError):
            failed = f"it printed {line[:80].decode(errors='replace').strip()!r} where its ready line was due"
        raise ServiceFailed(self.name, " ".join(str(failed).split()) or "it gave no reason", _see(self.log))

    def _let_go(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _last_words(self, most: int) -> str:
        """The log's last lines that are no mere indentation, as ``: …``; empty if there are none."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 4096))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        said = [" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in lines]
        last = [line[:200] for line in said if line][-most:]
        return f": {' / '.join(last)}" if last else ""


def _ending(code: int) -> str:
    return f"was killed by {_SIGNALS.get(-code, f'signal {-code}')}" if code < 0 else f"ended with code {code}"


def _busy() -> str:
    """Says so where the machine has more to do than it has cores for."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return f" on a busy machine (load {load:.1f}, {cores} cores)" if load > 2 * cores else ""


async def _read(output: int, first: asyncio.Future[bytes]) -> None:
    """Gives the first line that comes out of the pipe to ``first`` and takes the rest, so that nobody blocks on it."""
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    pipe = os.fdopen(output, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        try:
            line = await reader.readline()
        except ValueError:
            line = b"(a very long line)"
        if not first.done():
            first.set_result(line)
        while await reader.read(_LINE_BYTES):
            pass
    finally:
        transport.close()


def module_command(name: str, tls: Path, home: Path, port: int = 0) -> list[str]:
    """How the service ``pipelines.embedded.<name>`` is started on this interpreter."""
    command = [sys.executable, "-m", f"pipelines.embedded.{name}", "--tls", str(tls), "--port", str(port)]
    return command if name == "face" else [*command, "--home", str(home)]  # the face keeps nothing


def _new_log(log: Path) -> BinaryIO:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        log.replace(log.with_suffix(".old.log"))
    return log.open("wb")


def _see(log: Path) -> str:
    return f"Its log is {log}"
