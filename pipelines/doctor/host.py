"""The machine as the doctor sees it: tools that are run, files that are read. Whatever they do, it comes back in time.

A tool's output is input from outside: it is bounded, and stripped of what could steer a terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import shutil
import signal
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

MOST_BYTES: Final = 1 << 20
"""Of one tool's output, or of one file, that are read; the rest is not looked at."""

SECONDS: Final = 5.0
"""How long a tool may take unless its caller says otherwise."""

_KILL_SECONDS: Final = 0.5
_BESIDES: Final = ("/usr/local/cuda/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
"""Folders that are often not on a user's PATH though what we look for is there."""

ARM: Final = ("aarch64", "arm64")
"""What kernels call an Arm processor."""

Trouble = Literal["", "missing", "denied", "hangs"]


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool said: ``text`` on standard output, ``error`` on standard error. ``trouble``: why it said nothing."""

    code: int | None
    text: str = ""
    error: str = ""
    trouble: Trouble = ""

    @property
    def good(self) -> bool:
        """Whether it ran and ended with 0."""
        return self.code == 0

    @property
    def line(self) -> str:
        """The first line that says something, on whichever stream; a failing tool's standard error goes first."""
        streams = (self.text, self.error) if self.good else (self.error, self.text)
        said = next((line.strip() for stream in streams for line in stream.splitlines() if line.strip()), "")
        return said[:300]


class Host(Protocol):
    """What probes may ask of a machine. No method raises for what the machine does."""

    async def run(self, *command: str, seconds: float = SECONDS) -> Output:
        """Runs a tool to its end, or kills it after ``seconds``."""
        ...

    def read(self, path: str) -> str | None:
        """A file's text; None if it cannot be read."""
        ...

    def names(self, pattern: str) -> list[str]:
        """The paths that match a shell pattern, ``~`` included, links resolved, sorted."""
        ...

    def kernel(self) -> tuple[str, str]:
        """The kernel's release and the processor's architecture, as the kernel names them; no tool is asked."""
        ...


class LocalHost:
    """This machine."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = {**(os.environ if environment is None else environment), "LC_ALL": "C", "LANG": "C"}
        folders = [*self._environment.get("PATH", os.defpath).split(os.pathsep), *_BESIDES]
        self._path = [folder for folder in folders if folder]  # an empty one would mean: whatever lies about here
        self._environment["PATH"] = os.pathsep.join(self._path)

    async def run(self, *command: str, seconds: float = SECONDS) -> Output:
        tool = self._find(command[0])
        if isinstance(tool, Output):
            return tool
        try:
            process = await asyncio.create_subprocess_exec(
                tool,
                *command[1:],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,  # so that what it starts ends with it
            )
        except FileNotFoundError:
            return Output(None, trouble="missing")
        except (OSError, ValueError) as error:
            return Output(None, error=str(error), trouble="denied")
        assert process.stdout is not None
        assert process.stderr is not None
        ended = False
        try:
            async with asyncio.timeout(seconds):
                said, complained = await asyncio.gather(
                    *(_bounded(s, process) for s in (process.stdout, process.stderr))
                )
                code = await process.wait()
                ended = True
                return Output(code, printable(said), printable(complained))
        except TimeoutError:
            return Output(None, trouble="hangs")
        finally:
            if not ended:
                _kill(process)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_KILL_SECONDS):
                        await process.wait()

    def _find(self, name: str) -> str | Output:
        """The path of a tool, or why it cannot be run.

        It is not left to the kernel, which says "permission denied" of a tool that is nowhere if there is a folder on
        PATH that this user may not enter.
        """
        if found := shutil.which(name, path=self._environment["PATH"]):
            return found
        if any(os.path.exists(os.path.join(folder, name)) for folder in self._path):
            return Output(None, error=f"{name} is no program that this user may run", trouble="denied")
        return Output(None, trouble="missing")

    def read(self, path: str) -> str | None:
        try:
            with Path(path).open("rb") as file:
                return printable(file.read(MOST_BYTES))
        except (OSError, ValueError):
            return None

    def kernel(self) -> tuple[str, str]:
        told = os.uname()
        return printable(told.release)[:100], printable(told.machine)[:100]

    def names(self, pattern: str) -> list[str]:
        found = (os.path.realpath(path) for path in glob.iglob(os.path.expanduser(pattern)))
        return sorted({path for path, _ in zip(found, range(1000), strict=False)})


def on_arm() -> bool:
    """Whether this is an Arm machine, as among the DGX machines the Spark is."""
    return os.uname().machine in ARM


def printable(raw: bytes | str) -> str:
    """Text without control characters other than line ends and tabs, and without what turns the writing round."""
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
    if text.isascii() and text.isprintable():
        return text
    kept = (char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return "".join(kept)


async def _bounded(stream: asyncio.StreamReader, process: asyncio.subprocess.Process) -> bytes:
    """What comes out of ``stream``; of a ``process`` that says too much the beginning, and its end."""
    parts, size = [], 0
    while part := await stream.read(1 << 16):
        if size < MOST_BYTES:
            parts.append(part)
        elif process.returncode is None:
            _kill(process)
        size += len(part)
    return b"".join(parts)[:MOST_BYTES]


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kills the whole group; one that waits in the kernel for a broken driver stays, and is not waited for long."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
