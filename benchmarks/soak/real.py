"""Real time and real services: the embedded ones, a server, a caller in this process and callers over sockets.

Those over sockets are in another process, so that what is counted is the server's. One of them stays, the other place
is taken by one after another.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks import processes
from benchmarks.checker import Checker
from benchmarks.remote_caller import RemoteCaller
from benchmarks.scene import phase, room
from benchmarks.soak.callers import EndlessUser, Lines, Tally, calls
from benchmarks.soak.counting import counted, kinds
from benchmarks.soak.growth import Sample
from pipelines.server.serving import serving
from pipelines.settings.model import load_settings
from pipelines.talk.runtime import Runtime
from pipelines.talk.session import Session
from sophia.sinks import NullSink

SAMPLE_SECONDS = 15.0

REMOTE = 2
"""Callers over sockets."""

SILENCE = (10.0, 40.0)
"""Seconds for which a caller may be silent: an hour is short."""


async def soak(minutes: float, seed: int, progress: Callable[[Sample, float], None]) -> dict[str, Any]:
    """Talks for so many minutes; returns samples and what became of the turns."""
    settings = load_settings(["embedded.yaml"])
    server = settings.server.model_copy(update={"port": 0, "sessions": 2 * REMOTE})
    loop = asyncio.get_running_loop()
    tally, lines = Tally(), Lines(seed, SILENCE)
    samples: list[Sample] = []
    async with (
        Runtime(settings.model_copy(update={"server": server}), sessions=1 + REMOTE, notice=_say) as runtime,
        serving(runtime) as address,
    ):

        def meet(chance: random.Random) -> tuple[EndlessUser, Session, Checker]:
            user, checker = EndlessUser(phase=phase(0), room=room()), Checker(told=tally.breach)
            tally.sessions += 1
            return user, runtime.session(user, NullSink(), [checker, tally]), checker

        began, until = loop.time(), loop.time() + minutes * 60
        visitors = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.soak.real", address, str(minutes * 60), str(seed),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        early: Counter[str] = Counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(calls(meet, lines, random.Random(f"{seed}/0"), until, stays=True))
            group.create_task(_read(visitors, tally))
            while loop.time() + SAMPLE_SECONDS < until:
                await asyncio.sleep(SAMPLE_SECONDS)
                sample = counted(tally.turns, began)
                services = {f"{name}_mb": mb for name, mb in _services().items()}
                samples.append(Sample(sample.turns, sample.seconds, {**sample.values, **services}))
                progress(samples[-1], loop.time() - began)
                if not early and loop.time() - began > minutes * 15:
                    early = kinds()
            grown = kinds()
        grown.subtract(early)
    return tally.result(samples, grown) | {"real_seconds": round(loop.time() - began)}


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _services() -> dict[str, float]:
    """Memory of each embedded service in MB, with its workers."""
    found = processes.services(os.getpid()).items()
    return {name: sum(processes.resident_mb(one) for one in processes.tree(pid)) for name, pid in found}


async def _read(visitors: asyncio.subprocess.Process, tally: Tally) -> None:
    """Takes in what the visitors say of each turn."""
    assert visitors.stdout
    async for line in visitors.stdout:
        told = json.loads(line)
        if "breach" in told:
            tally.breach(f"over a socket: {told['breach']}")
        else:
            tally.turns += 1
            tally.sessions += told["new"]
            tally.outcomes[told["outcome"]] += 1
    if code := await visitors.wait():
        tally.breach(f"the callers over sockets ended with {code}")


# The callers' process


async def visit(address: str, seconds: float, seed: int) -> None:
    """All callers over sockets; prints a line for each turn, and each breach."""
    lines, until = Lines(seed, SILENCE), asyncio.get_running_loop().time() + seconds

    def breach(line: str) -> None:
        print(json.dumps({"breach": line}), flush=True)

    def meet(chance: random.Random) -> tuple[EndlessUser, RemoteCaller, RemoteCaller]:
        new = True

        def ledger(told: dict[str, Any]) -> None:
            nonlocal new
            print(json.dumps({"outcome": told["outcome"], "new": new}), flush=True)
            new = False

        user = EndlessUser(phase=phase(1), room=room())
        caller = RemoteCaller(address, user, breach, ledger=ledger)
        return user, caller, caller

    async with asyncio.TaskGroup() as group:
        for number in range(REMOTE):
            chance = random.Random(f"{seed}/{1 + number}")
            group.create_task(calls(meet, lines, chance, until, stays=number == 0))


if __name__ == "__main__":
    asyncio.run(visit(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
