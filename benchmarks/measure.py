"""How the runtime's benchmark measures: spreads, processor time in several windows, memory."""

from __future__ import annotations

import asyncio
import resource
import time
from pathlib import Path

import numpy as np

WINDOWS = 5
"""Into so many parts a run of many sessions is cut: the median is less moved by what else the machine does."""

Spread = dict[str, float]


def spread(seconds: list[float]) -> Spread:
    """Median and 95th percentile in ms, and how many."""
    if not seconds:
        return {"n": 0}
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "n": len(seconds)}


class Window:
    """Processor time of this process over a while, as shares of one core."""

    def __init__(self) -> None:
        self.began = asyncio.get_running_loop().time()
        self._shares: list[float] = []

    async def run(self, seconds: float) -> None:
        for _ in range(WINDOWS):
            cpu, start = time.process_time(), time.monotonic()
            await asyncio.sleep(seconds / WINDOWS)
            self._shares.append((time.process_time() - cpu) / (time.monotonic() - start))

    def figures(self, sessions: int) -> dict[str, float]:
        """The median part, and the cheapest one."""
        median = float(np.median(self._shares))
        return {
            "cpu_ms_per_session_second": round(1000 * median / sessions, 2),
            "cpu_ms_least": round(1000 * min(self._shares) / sessions, 2),
            "core_used": round(median, 3),
        }


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
