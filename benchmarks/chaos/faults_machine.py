"""Faults of the machine: a disk that is full, descriptors that run out, memory that is tight, clocks that jump."""

from __future__ import annotations

import asyncio
import mmap
import os
import resource
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import processes
from benchmarks.chaos.fault import Fault, root
from benchmarks.chaos.trial import Record, Trial

SMALL_DISK = "400k"
"""Room for a few seconds of a recording."""

SPARE_MB = 4
"""Address space that is left to a program whose memory is tight."""

UPTIME_SECONDS = 10 * 365 * 86_400
"""Of a machine that was not restarted for ten years: its monotonic clock."""

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long *shift(void) {
    static volatile long *at, none;
    if (!at) {
        const char *name = getenv("CHAOS_CLOCK");
        int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
        void *map = file < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
        if (file >= 0) close(file);
        at = map == MAP_FAILED ? &none : map;
    }
    return at;
}
int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(which, now);
    if (!result && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += *shift();
    return result;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    now->tv_sec = at.tv_sec;
    now->tv_usec = at.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (out) *out = at.tv_sec;
    return at.tv_sec;
}
"""
"""Stands between a program and the C library, and shifts its wall clock by the seconds in a file; other programs keep
theirs."""


@contextmanager
def small_disk(folder: Path) -> Iterator[dict[str, str]]:
    """The take's folder is a disk of its own, and soon full."""
    place = folder / "take"
    place.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=700", "tmpfs", str(place)], check=True)
    try:
        yield {}
    finally:
        subprocess.run(["umount", str(place)], check=True)


async def disk_fills(trial: Trial) -> None:
    trial.say(f"the take is on a disk of {SMALL_DISK}")
    await trial.until(lambda: "ecording stopped" in trial.output(), "the recording stops")


def told_once(record: Record) -> list[str]:
    told = record.output.count("ecording stopped")
    return [] if told == 1 else [f"the full disk was told {told} times"]


@contextmanager
def shifted_clock(folder: Path) -> Iterator[dict[str, str]]:
    """A wall clock that can be set; everything that the program starts has it, too."""
    source, library, place = folder / "clock.c", folder / "clock.so", folder / "clock"
    source.write_text(CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    place.write_bytes(struct.pack("l", 0))
    yield {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(place)}


async def clock_steps(trial: Trial) -> None:
    with (trial.record.folder / "clock").open("r+b") as file, mmap.mmap(file.fileno(), 8) as shift:
        for hours in (1, -2, 24):
            await trial.speaking()
            trial.say(f"the wall clock is {hours:+d} h")
            shift[:] = struct.pack("l", hours * 3600)
            await asyncio.sleep(3)


def compiler() -> str:
    return "" if shutil.which("cc") else "it needs a C compiler (apt-get install gcc libc6-dev)"


async def descriptors_run_out(trial: Trial) -> None:
    """The server may open three more, and thirty clients come."""
    await trial.speaking()
    pid = trial.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    limit = processes.descriptors(pid) + 3
    trial.say(f"descriptors are limited to {limit}; 30 connections come")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
    port = int(trial.address.rpartition(":")[2].strip("/"))
    crowd = []
    try:
        for _ in range(30):
            one = socket.socket()
            one.setblocking(False)
            crowd.append(one)
            with suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
        await asyncio.sleep(5)
    finally:
        for one in crowd:
            one.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    trial.say("the limit is gone")
    await trial.call(1)


async def memory_is_tight(trial: Trial) -> None:
    """The program gets no more address space, for a while."""
    await trial.asked()
    pid = trial.pid
    limits = resource.prlimit(pid, resource.RLIMIT_AS)
    size = processes.address_space(pid)
    trial.say(f"{SPARE_MB} MB of address space are left, for 10 s")
    resource.prlimit(pid, resource.RLIMIT_AS, (size + (SPARE_MB << 20), limits[1]))
    try:
        await asyncio.sleep(10)
    finally:
        if processes.alive(pid):
            resource.prlimit(pid, resource.RLIMIT_AS, limits)


async def nothing(trial: Trial) -> None:
    trial.say("nothing happens")


def old_machine(command: list[str]) -> list[str]:
    return ["unshare", "--time", f"--monotonic={UPTIME_SECONDS}", f"--boottime={UPTIME_SECONDS}", "--fork", *command]


def time_namespaces() -> str:
    if root():
        return root()
    return "" if os.path.exists("/proc/self/ns/time") else "it needs a kernel with time namespaces"


MACHINE = (
    Fault(
        "nothing", "nothing", "all goes well: what else is told here comes of the fault", nothing, ("voice", "server")
    ),
    Fault(
        "disk-full",
        f"the recording is on a disk of {SMALL_DISK}",
        "told once; the talk goes on; exit code 6",
        disk_fills,
        code=6,
        expect=told_once,
        needs=root,
        around=small_disk,
        whole_take=False,
    ),
    Fault(
        "clock-steps",
        "the wall clock is an hour ahead, two behind, a day ahead",
        "nothing",
        clock_steps,
        ("voice", "server"),
        needs=compiler,
        around=shifted_clock,
    ),
    Fault(
        "uptime",
        "the machine has run for ten years",
        "nothing",
        nothing,
        needs=time_namespaces,
        wrap=old_machine,
    ),
    Fault(
        "descriptors",
        "the server may open three more descriptors, and thirty clients connect",
        "those who talk go on; whoever comes later is let in",
        descriptors_run_out,
        ("server",),
    ),
    Fault(
        "memory",
        f"the program gets {SPARE_MB} MB more address space and no more, for 10 s",
        "a turn may be lost; the program goes on",
        memory_is_tight,
        ("voice", "server"),
    ),
)
