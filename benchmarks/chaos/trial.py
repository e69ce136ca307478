"""One trial: a program talks, a fault befalls it, and everything that can be known of it afterwards is written down.

There are two programs. The voice loop plays soundbites and records a take; the server has callers over sockets, who are
in this process. Each runs as whoever uses it would run it, in a folder and with a data folder of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.chaos.link import Link
from benchmarks.chaos.relay import Relay
from benchmarks.remote_caller import RemoteCaller
from benchmarks.scene import phase, room
from benchmarks.soak.callers import EndlessUser, Lines
from pipelines.home import home

ROOT = Path(__file__).parents[2]
BITES = sorted(bite for bite in (ROOT / "pipelines/soundbites").glob("*.wav") if "story" not in bite.name)
"""Questions with answers of some seconds; a story takes a minute."""

START_SECONDS = 90.0
"""Longest wait for a program to listen; embedded services start slowly on a machine that is busy."""

STOP_SECONDS = 2.0
"""Every stop is over in that time …"""

BUSY_SECONDS = 0.25
"""… and so much more for each process that waits for one of the machine's cores: it may be busy with other things."""

LONGEST_SECONDS = 90.0
"""Longest wait for anything else in a trial."""

ROUNDS = 20
"""How often all soundbites are said: more than any trial lasts."""

CALLERS = 2
"""Callers over sockets in a trial of the server."""

LOOK_SECONDS = 0.05


class TooLate(Exception):
    """What a trial waited for did not happen; the message says what."""


@dataclass(slots=True)
class Level:
    """What the program has: memory in MB, descriptors, threads."""

    mb: float
    descriptors: int
    threads: int


@dataclass(slots=True)
class Record:
    """What is known of a trial. ``breaches`` are those that were seen while it went on.

    ``load`` is how many processes there were for each core when it was told to stop.
    ``cut_off`` are the callers whose socket was closed before the trial ended.
    """

    folder: Path
    output: str = ""
    log: str = ""
    code: int | None = None
    stop_seconds: float | None = None
    load: float = 0.0
    before: Level | None = None
    after: Level | None = None
    orphans: list[str] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    replied_since: int = 0
    recovery_seconds: float | None = None
    breaches: list[str] = field(default_factory=list)
    callers: list[RemoteCaller] = field(default_factory=list)
    cut_off: list[RemoteCaller] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """What a fault's injection works with.

    ``relays`` are the lines to the services by name, where the trial has some, ``link`` the namespace it talks from.
    """

    target: str
    chance: random.Random
    record: Record
    relays: Mapping[str, Relay] = field(default_factory=dict)
    link: Link | None = None
    _process: asyncio.subprocess.Process | None = None
    _began: float = 0.0
    _talking: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The program's own, whatever it was started by."""
        assert self._process
        pid = self._process.pid
        while not processes.command_line(pid).startswith(sys.executable) and (below := processes.children(pid)):
            pid = below[0]
        return pid

    @property
    def address(self) -> str:
        """Where the server is."""
        return str(re.findall(r"in a browser: (\S+)", self.output())[0])

    def say(self, line: str) -> None:
        """Notes what was done, and when."""
        self.record.notes.append(f"{time.monotonic() - self._began:6.2f} s  {line}")

    # The program

    async def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts the program in its folder; returns once it listens."""
        self._began = time.monotonic()
        with (self.record.folder / "said.txt").open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.record.folder,
                env={**os.environ, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        begun = "She is listening." if self.target == "voice" else "Talk to her in a browser"
        await self.until(lambda: begun in self.output(), "it listens", START_SECONDS)

    async def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ends the program as Ctrl+C does, and notes how long that took."""
        if not self._process:
            return
        self.record.cut_off = [caller for caller in self.record.callers if caller.ended]
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        family = list(processes.tree(self._process.pid))
        self.record.load = os.getloadavg()[0] / (os.cpu_count() or 1)
        began = time.monotonic()
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            try:
                async with asyncio.timeout(STOP_SECONDS + 3.0):
                    await self._process.wait()
            except TimeoutError:
                self.record.breaches.append("it did not end and was killed")
                processes.send(family, signal.SIGKILL)
                await self._process.wait()
            self.record.stop_seconds = time.monotonic() - began
        self.record.code = self._process.returncode
        self.record.output = self.output()
        await self.no_orphans(family)

    async def no_orphans(self, family: Sequence[int]) -> None:
        """Notes those of the family that are there 2 s later, and ends them."""
        until = time.monotonic() + STOP_SECONDS
        while (left := [pid for pid in family if processes.alive(pid)]) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        self.record.orphans = [processes.command_line(pid)[:100] for pid in left]
        processes.send(left, signal.SIGKILL)

    async def gone(self) -> None:
        """Waits until the program ended by itself."""
        assert self._process
        async with asyncio.timeout(LONGEST_SECONDS):
            await self._process.wait()

    def output(self) -> str:
        """What the program has said so far."""
        return (self.record.folder / "said.txt").read_text(errors="replace")

    def level(self) -> Level:
        """What the program has now."""
        pid = self.pid
        return Level(round(processes.resident_mb(pid), 1), processes.descriptors(pid), processes.threads(pid))

    def services(self) -> dict[str, int]:
        """The embedded services that it runs."""
        return processes.services(self.pid)

    # The talk

    async def call(self, count: int = CALLERS) -> None:
        """Callers come to the server, and talk for as long as the trial lasts."""
        lines = Lines(0, (1.0, 1.0))
        for number in range(count):
            user = EndlessUser(phase=phase(number), room=room())
            caller = RemoteCaller(self.address, user, self.record.breaches.append)
            self.record.callers.append(caller)
            self._talking.append(asyncio.create_task(caller.run()))
            self._talking.append(asyncio.create_task(self._ask(user, caller, lines)))

    async def _ask(self, user: EndlessUser, caller: RemoteCaller, lines: Lines) -> None:
        questions = [line for line in lines.questions if "story" not in (line.transcript or "")]
        while not caller.ended:
            await asyncio.sleep(user.say("", self.chance.choice(questions).pcm) + 0.5)
            quiet = began = time.monotonic()
            while time.monotonic() - quiet < 1.0 and time.monotonic() - began < LONGEST_SECONDS / 3:
                await asyncio.sleep(LOOK_SECONDS)
                if caller.phase != "idle":
                    quiet = time.monotonic()

    def turns(self) -> list[dict[str, Any]]:
        """The ledgers so far."""
        if self.target == "server":
            return [ledger for caller in self.record.callers for ledger in caller.ledgers]
        return list(rows(self.record.folder / "turns.jsonl"))

    def replied(self) -> int:
        """Turns that were answered to their end so far; of the server's callers, those of the one who has fewest."""
        if self.target == "server":
            return min(int(sum(turn["outcome"] == "replied" for turn in one.ledgers)) for one in self.record.callers)
        return sum(turn["outcome"] == "replied" for turn in self.turns())

    async def speaking(self) -> None:
        """Returns in the middle of a reply."""
        if self.target == "server":
            caller = self.record.callers[0]
            heard = caller.sound_bytes
            await self.until(lambda: caller.phase == "speaking" and caller.sound_bytes > heard, "she speaks")
        else:
            before = self._count("playout_started")
            await self.until(lambda: self._count("playout_started") > before, "she speaks")
        await asyncio.sleep(self.chance.uniform(0.1, 0.6))

    async def asked(self) -> None:
        """Returns when a reply has just been asked for."""
        if self.target == "server":
            caller = self.record.callers[0]
            await self.until(lambda: caller.phase == "idle", "she is silent")
            await self.until(lambda: caller.phase in ("thinking", "hearing"), "somebody speaks")
        else:
            before = self._count("start")
            await self.until(lambda: self._count("start") > before, "a reply is asked for")
        await asyncio.sleep(self.chance.uniform(0.0, 0.1))

    async def recovers(self, turns: int = 2, seconds: float = LONGEST_SECONDS) -> None:
        """Waits for so many more answers, and notes how long the first took and how many came."""
        before, began = self.replied(), time.monotonic()
        try:
            await self.until(lambda: self.replied() > before, "a turn is answered again", seconds)
            self.record.recovery_seconds = time.monotonic() - began
            await self.until(lambda: self.replied() >= before + turns, f"{turns} turns are answered again", seconds)
        finally:
            self.record.replied_since = self.replied() - before

    async def until(self, true: Callable[[], bool], what: str, seconds: float = LONGEST_SECONDS) -> None:
        """Waits; raises :class:`TooLate`, also if the program ends meanwhile."""
        assert self._process
        until = time.monotonic() + seconds
        while not true():
            if self._process.returncode is not None and not true():
                raise TooLate(f"it ended with {self._process.returncode} before {what}")
            if time.monotonic() > until:
                raise TooLate(f"{seconds:g} s passed before {what}")
            await asyncio.sleep(LOOK_SECONDS)

    def _count(self, kind: str) -> int:
        with suppress(OSError):
            return (self.record.folder / "take/events.jsonl").read_text(errors="replace").count(f'"kind": "{kind}"')
        return 0


def rows(path: Path) -> Sequence[dict[str, Any]]:
    """The lines of a file of JSON lines, up to one that is not whole."""
    found: list[dict[str, Any]] = []
    with suppress(OSError, ValueError):
        for line in path.read_text(errors="replace").splitlines():
            found.append(json.loads(line))
    return found


def data_folder(folder: Path) -> Path:
    """A data folder of the trial's own: models and certificates are those of this installation, the logs are not."""
    own = folder / "home"
    own.mkdir(mode=0o700)
    for thing in home().iterdir():
        if thing.name != "logs":
            (own / thing.name).symlink_to(thing)
    return own
