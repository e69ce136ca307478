"""What this process has at one moment: memory, live objects, tasks, timers, descriptors, threads."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import threading
from collections import Counter

from benchmarks.measure import resident_mb
from benchmarks.soak.growth import Sample


def counted(turns: int, began: float = 0.0) -> Sample:
    """A sample, ``began`` (``loop.time()``) being its beginning."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free is not held
    loop = asyncio.get_running_loop()
    values: dict[str, float] = {
        "resident_mb": resident_mb(),
        "objects": len(gc.get_objects()),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }
    if (timers := getattr(loop, "_scheduled", None)) is not None:  # uvloop does not show its own
        values["timers"] = sum(not timer.cancelled() for timer in timers)
    return Sample(turns, loop.time() - began, values)


def kinds() -> Counter[str]:
    """How many objects of each kind live."""
    return Counter(type(thing).__name__ for thing in gc.get_objects())
