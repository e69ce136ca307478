"""Faults of processes: services and programs that are killed, stopped or slowed. No root is needed."""

from __future__ import annotations

import asyncio
import os
import signal

from benchmarks import processes
from benchmarks.chaos.fault import Fault, Inject
from benchmarks.chaos.trial import Record, Trial

BOTH = ("voice", "server")

SLOW_SECONDS, SLICE_SECONDS = 12.0, 0.05
"""How long a service is slow: stopped for one slice, let go on for the next."""


def killed(*names: str, asked: bool = False) -> Inject:
    """Kills services at once, while she speaks, or just after a reply was ``asked`` for."""

    async def inject(trial: Trial) -> None:
        await (trial.asked() if asked else trial.speaking())
        running = trial.services()
        for name in names or tuple(running):
            trial.say(f"kill -9 {name}")
            os.kill(running[name], signal.SIGKILL)

    return inject


def stopped(name: str, seconds: float, *, asked: bool = True) -> Inject:
    """Stops a service with all its workers, and lets it go on after a while."""

    async def inject(trial: Trial) -> None:
        await (trial.asked() if asked else trial.speaking())
        family = list(processes.tree(trial.services()[name]))
        trial.say(f"SIGSTOP {name}, for {seconds:g} s")
        processes.send(family, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            processes.send(family, signal.SIGCONT)
        trial.say(f"SIGCONT {name}")

    return inject


def hung(name: str) -> Inject:
    """Stops a service for good: its supervisor has to find out.

    What is left of it goes on afterwards, to find its parent gone: a stub of Triton that is stopped stays.
    """

    async def inject(trial: Trial) -> None:
        await trial.asked()
        pid = trial.services()[name]
        family = list(processes.tree(pid))
        trial.say(f"SIGSTOP {name}, for good")
        processes.send(family, signal.SIGSTOP)
        try:
            await trial.until(lambda: trial.services().get(name, pid) != pid, f"{name} is started again", 60.0)
        finally:
            processes.send(family, signal.SIGCONT)
        trial.say(f"{name} was started again")

    return inject


def slowed(name: str) -> Inject:
    """Lets a service run half of the time only."""

    async def inject(trial: Trial) -> None:
        await trial.asked()
        family = list(processes.tree(trial.services()[name]))
        trial.say(f"{name} runs every other {SLICE_SECONDS * 1000:.0f} ms, for {SLOW_SECONDS:g} s")
        for _ in range(round(SLOW_SECONDS / SLICE_SECONDS / 2)):
            processes.send(family, signal.SIGSTOP)
            await asyncio.sleep(SLICE_SECONDS)
            processes.send(family, signal.SIGCONT)
            await asyncio.sleep(SLICE_SECONDS)

    return inject


async def a_worker_killed(trial: Trial) -> None:
    """Kills the processes behind the speech service, not itself."""
    await trial.asked()
    _, *workers = processes.tree(trial.services()["speech"])
    trial.say(f"kill -9 {len(workers)} workers of speech")
    processes.send(workers, signal.SIGKILL)


async def the_program_stopped(trial: Trial) -> None:
    """As a lid that is shut, or a virtual machine that is moved."""
    await trial.speaking()
    trial.say("SIGSTOP the program, for 3 s")
    os.kill(trial.pid, signal.SIGSTOP)
    await asyncio.sleep(3.0)
    os.kill(trial.pid, signal.SIGCONT)


async def the_program_killed(trial: Trial) -> None:
    await trial.speaking()
    family = list(processes.tree(trial.pid))
    trial.say("kill -9 the program")
    os.kill(trial.pid, signal.SIGKILL)
    await trial.gone()
    await trial.no_orphans(family)


async def all_the_time(trial: Trial) -> None:
    """Kills and stops services at random, one after another, for a minute."""
    for _ in range(5):
        await asyncio.sleep(trial.chance.uniform(2, 8))
        running = trial.services()
        if not running:
            continue
        name = trial.chance.choice(sorted(running))
        family = list(processes.tree(running[name]))
        if trial.chance.random() < 0.4:
            trial.say(f"kill -9 {name}")
            os.kill(running[name], signal.SIGKILL)
            continue
        pause = trial.chance.choice([0.3, 1.0, 3.0, 6.0])
        trial.say(f"SIGSTOP {name}, for {pause:g} s")
        processes.send(family, signal.SIGSTOP)
        await asyncio.sleep(pause)
        processes.send(family, signal.SIGCONT)


def callers_noticed(record: Record) -> list[str]:
    """A server that was killed is noticed by everybody at once."""
    return [f"a caller noticed nothing: {caller.phase}" for caller in record.callers if not caller.ended]


PROCESSES = (
    Fault(
        "kill-speech",
        "speech (recogniser and voice) is killed while she speaks",
        "what sounded is kept, an apology where it can be, the next turn is answered",
        killed("speech"),
        BOTH,
    ),
    Fault(
        "kill-speech-asked",
        "speech is killed just after a reply was asked for",
        "the voice is tried again; else an apology, and the next turn is answered",
        killed("speech", asked=True),
    ),
    Fault(
        "kill-llm",
        "the model's server is killed while she speaks",
        "the story ends or she apologises; the next turn is answered",
        killed("triton"),
        BOTH,
    ),
    Fault(
        "kill-llm-asked",
        "the model's server is killed just after a reply was asked for",
        "it is asked again until it is back",
        killed("triton", asked=True),
    ),
    Fault("kill-face", "the face is killed while she speaks", "the voice goes on", killed("face"), BOTH),
    Fault(
        "kill-all",
        "all services are killed at once",
        "all are started again, and the next turn is answered",
        killed(),
        BOTH,
        within=45,
    ),
    Fault(
        "kill-workers",
        "the processes behind the recogniser are killed",
        "the service ends, is started again, and hears",
        a_worker_killed,
    ),
    Fault("stop-speech-1", "speech stands still for 1 s", "waited for", stopped("speech", 1.0)),
    Fault(
        "stop-speech-8",
        "speech stands still for 8 s",
        "the deadline of the stage; nothing stale is heard afterwards",
        stopped("speech", 8.0),
        BOTH,
    ),
    Fault(
        "stop-speech-8-speaking",
        "speech stands still for 8 s while she speaks",
        "the reply breaks off with what was heard; nothing stale is heard afterwards",
        stopped("speech", 8.0, asked=False),
    ),
    Fault(
        "stop-llm-8",
        "the model stands still for 8 s",
        "the deadline of the stage, an apology, the next turn is answered",
        stopped("triton", 8.0),
        BOTH,
    ),
    Fault("stop-face-8", "the face stands still for 8 s", "the voice goes on", stopped("face", 8.0)),
    Fault(
        "hang-speech",
        "speech stands still for good",
        "the supervisor finds it and starts it again",
        hung("speech"),
        BOTH,
        within=45,
    ),
    Fault(
        "hang-llm",
        "the model stands still for good",
        "the supervisor finds it and starts it again",
        hung("triton"),
        within=45,
    ),
    Fault("slow-speech", "speech runs half of the time", "slower, no more", slowed("speech")),
    Fault("slow-llm", "the model runs half of the time", "slower, no more", slowed("triton")),
    Fault(
        "pause-program",
        "the program itself stands still for 3 s while she speaks",
        "it goes on; nothing is told twice",
        the_program_stopped,
        BOTH,
    ),
    Fault(
        "kill-program",
        "the program is killed",
        "its services end within 2 s; callers notice at once",
        the_program_killed,
        BOTH,
        recovers=0,
        code=-9,
        ends=True,
        expect=callers_noticed,
    ),
    Fault(
        "random",
        "services are killed and stopped at random, five times",
        "the talk goes on",
        all_the_time,
        BOTH,
        within=60,
    ),
)
