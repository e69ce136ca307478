"""What the kernel says of processes: children, memory, descriptors, threads; and signals to whole trees. Linux."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

SERVICES = ("speech", "triton", "face")


def alive(pid: int) -> bool:
    """Whether it runs: neither gone nor waited for by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The processes that ``pid`` has started, in no order."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found.append(int(entry))
    return found


def tree(pid: int) -> Iterator[int]:
    """``pid`` and all its descendants, parents first."""
    yield pid
    for child in children(pid):
        yield from tree(child)


def services(pid: int) -> dict[str, int]:
    """The embedded services that ``pid`` runs, each by its name."""
    found = {}
    for child in children(pid):
        line = command_line(child)
        for name in SERVICES:
            if f"pipelines.embedded.{name} " in line:
                found[name] = child
    return found


def command_line(pid: int) -> str:
    """Its words; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def resident_mb(pid: int) -> float:
    """Resident memory in MB; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except (OSError, IndexError):
        return 0.0


def address_space(pid: int) -> int:
    """Its address space in bytes; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def descriptors(pid: int) -> int:
    """Open descriptors; 0 where it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def threads(pid: int) -> int:
    """Threads; 0 where it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def send(pids: list[int], number: signal.Signals) -> None:
    """A signal to each of them that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of them and of their children that have ended, user and system; what is gone counts nothing."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
