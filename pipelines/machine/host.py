"""This machine's processor and memory, from ``/proc``. What a system does not tell is left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipelines.machine.series import Quantity

PROCESS_CPU: Final = Quantity("cpu of this process", "%")
"""Of one core, over the time since the sample before; several threads can make it more than 100."""
MACHINE_CPU: Final = Quantity("cpu of the machine", "%")
"""Of all cores, whoever used them."""
STOLEN: Final = Quantity("cpu stolen", "%")
"""Of all cores, what the host of a virtual machine gave to others: why figures taken on one differ between runs."""
LOAD: Final = Quantity("load", "tasks")
"""Tasks that run or wait to run, averaged by the kernel over a minute."""
RESIDENT: Final = Quantity("memory of this process", "MiB")
AVAILABLE: Final = Quantity("memory available", "MiB")
"""What new work could have without swapping. With unified memory (GB10) this is the GPU's as well."""

QUANTITIES: Final = (PROCESS_CPU, MACHINE_CPU, STOLEN, LOAD, RESIDENT, AVAILABLE)
"""All of them, in the order in which they are shown."""

SHORTEST: Final = 0.2
"""Seconds. Over less, a share of processor time is little but the kernel's 10 ms ticks."""

MIB: Final = 2**20
_IDLE: Final = (3, 4)  # proc_stat(5): the columns idle and iowait
_STEAL: Final = 7
_COLUMNS: Final = 8  # guest time, in the columns after these, is already counted as user time


@dataclass(frozen=True, slots=True)
class _Spent:
    at: float
    process: float
    ticks: tuple[int, ...]


@dataclass(slots=True)
class Host:
    """Reads four small files of the kernel, in about 0.2 ms: quick enough for the event loop.

    ``process_time`` gives the processor time that this process has used, in seconds.
    """

    proc: Path = Path("/proc")
    process_time: Callable[[], float] = time.process_time
    _before: _Spent | None = field(default=None, init=False)

    def read(self, now: float) -> dict[Quantity, float]:
        """What can be told at ``now`` (``loop.time()``); shares are over the time since they were last told."""
        return {**self._shares(now), **self._load(), **self._memory()}

    def _shares(self, now: float) -> dict[Quantity, float]:
        spent, before = _Spent(now, self.process_time(), self._ticks()), self._before
        if before is None:
            self._before = spent
            return {}
        seconds = spent.at - before.at
        if seconds < SHORTEST:
            return {}
        self._before = spent
        shares = {PROCESS_CPU: 100 * (spent.process - before.process) / seconds}
        ticks = [now - then for now, then in zip(spent.ticks, before.ticks, strict=False)]
        if len(ticks) == _COLUMNS and (total := sum(ticks)) > 0:
            idle = sum(ticks[column] for column in _IDLE)
            shares[MACHINE_CPU] = 100 * (total - idle - ticks[_STEAL]) / total
            shares[STOLEN] = 100 * ticks[_STEAL] / total
        return shares

    def _ticks(self) -> tuple[int, ...]:
        fields = self._text("stat").partition("\n")[0].split()
        return tuple(int(field) for field in fields[1 : 1 + _COLUMNS])

    def _load(self) -> dict[Quantity, float]:
        fields = self._text("loadavg").split()
        return {LOAD: float(fields[0])} if fields else {}

    def _memory(self) -> dict[Quantity, float]:
        found = {}
        if fields := self._text("self/statm").split():
            found[RESIDENT] = int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
        for line in self._text("meminfo").splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                found[AVAILABLE] = int(value.split()[0]) / 1024  # the kernel's kB are KiB
        return found

    def _text(self, name: str) -> str:
        try:
            return (self.proc / name).read_text(encoding="ascii", errors="replace")
        except OSError:  # another system than Linux, or a sandbox
            return ""
