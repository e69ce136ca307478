"""How the machine was while a replay ran: processor, memory, the event loop's lag, the GPU. Sampled each second.

Nothing here holds up the conversation: the GPU is asked in a thread, and whatever goes wrong becomes a note.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import numpy as np

from pipelines.machine.dcgm import DEFAULT_URL, DcgmExporter
from pipelines.machine.gpu import GpuAbsent, GpuSource, Nvml
from pipelines.machine.host import QUANTITIES, Host
from pipelines.machine.series import Quantity, Series
from pipelines.records.results import Counter

T = TypeVar("T")

INTERVAL: Final = 1.0
"""Seconds between two samples."""

LAG_INTERVAL: Final = 0.05
"""Seconds between two looks at the event loop's lag: twenty make a sample."""

GPU_SECONDS: Final = 3.0
"""After this long without an answer a note says so. Waiting goes on: a thread that is stuck cannot be ended."""

LAG: Final = Quantity("event loop lag, median", "s")
"""How much later than asked a timer fires, over the time since the sample before."""
WORST_LAG: Final = Quantity("event loop lag, worst", "s", peak=True)

_ORDER = (LAG, WORST_LAG, *QUANTITIES)


def find_gpu(dcgm: str | None = None) -> GpuSource:
    """Whoever knows about the GPUs: the exporter at ``dcgm``, else this machine's driver, else an exporter beside us.

    Blocks for as long as they take. Raises :class:`~pipelines.machine.gpu.GpuAbsent`, and ``ValueError`` for a ``dcgm``
    that is no URL.
    """
    if dcgm is not None:
        return DcgmExporter(dcgm)
    try:
        return Nvml()
    except GpuAbsent as absent:
        beside = DcgmExporter(DEFAULT_URL)
        try:
            beside.read()
        except GpuAbsent:
            beside.close()
            raise absent from None
        return beside


class MachineCounters:
    """Samples the machine while :meth:`run` runs; :meth:`counters` may be asked at any time, also afterwards.

    ``gpu`` opens the source of the GPU's figures, in a thread; None: there are no such figures. ``notes`` has one line
    for each thing that could not be measured.
    """

    def __init__(self, gpu: Callable[[], GpuSource] | None = find_gpu, host: Host | None = None) -> None:
        self.notes: list[str] = []
        self._gpu = gpu
        self._host = host or Host()
        self._lags: list[float] = []
        self._series: dict[Quantity, Series] = {}

    async def run(self) -> None:
        """Takes a sample now, each second, and when it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_lag())
                group.create_task(self._watch_host())
                if self._gpu is not None:
                    group.create_task(self._watch_gpu(self._gpu))
        finally:
            self._sample_host()

    def counters(self, since: float) -> tuple[Counter, ...]:
        """What was sampled so far, the GPU's figures last; times count from ``since`` (``loop.time()``)."""
        found = [quantity for quantity in _ORDER if quantity in self._series]
        found += [quantity for quantity in self._series if quantity not in _ORDER]
        return tuple(self._series[quantity].counter(since) for quantity in found)

    async def _watch_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self._lags.append(max(0.0, loop.time() - due))

    async def _watch_host(self) -> None:
        began = asyncio.get_running_loop().time()
        while True:
            self._sample_host()
            await _next_tick(began)

    def _sample_host(self) -> None:
        now = asyncio.get_running_loop().time()
        self._add(now, self._host.read(now))
        if self._lags:
            self._add(now, {LAG: float(np.median(self._lags)), WORST_LAG: max(self._lags)})
            self._lags = []

    async def _watch_gpu(self, open_gpu: Callable[[], GpuSource]) -> None:
        try:
            gpu = await self._answer(open_gpu)
        except Exception as error:  # a machine without a GPU is measured all the same
            self._note(f"no GPU counters: {error}")
            return
        began = asyncio.get_running_loop().time()
        try:
            while True:
                try:
                    figures = await self._answer(gpu.read)
                    self._add(asyncio.get_running_loop().time(), figures)
                except Exception as error:  # and so is one whose GPU or exporter goes away
                    self._note(f"GPU counters are missing for some of the time: {error}")
                for note in gpu.notes():
                    self._note(note)
                await _next_tick(began)
        finally:
            _thread(gpu.close)

    async def _answer(self, ask: Callable[[], T]) -> T:
        answer = _in_thread(ask)
        try:
            await asyncio.wait((answer,), timeout=GPU_SECONDS)
            if not answer.done():
                self._note(f"GPU counters are missing for some of the time: no answer within {GPU_SECONDS:g} s")
            return await answer
        finally:
            answer.cancel()

    def _add(self, now: float, figures: Mapping[Quantity, float]) -> None:
        for quantity, value in figures.items():
            self._series.setdefault(quantity, Series(quantity)).add(now, value)

    def _note(self, line: str) -> None:
        line = " ".join(line.split())
        if line not in self.notes and len(self.notes) < 20:
            self.notes.append(line)


async def _next_tick(began: float) -> None:
    """Waits until a whole number of intervals has passed since ``began``; those that were missed are left out."""
    elapsed = asyncio.get_running_loop().time() - began
    ticks = math.floor(elapsed / INTERVAL + 1e-6)  # a timer may fire a rounding error early
    await asyncio.sleep((ticks + 1) * INTERVAL - elapsed)


def _in_thread(ask: Callable[[], T]) -> asyncio.Future[T]:
    """What ``ask`` answers, in a thread that nobody waits for at the end of the program, unlike the loop's own."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(settle_it: Callable[[], None]) -> None:
        if not future.done():
            settle_it()

    def work() -> None:
        try:
            answer = ask()
        except Exception as error:  # handed to whoever awaits
            settled = partial(future.set_exception, error)
        else:
            settled = partial(future.set_result, answer)
        with contextlib.suppress(RuntimeError):  # the loop has gone: nobody waits any more
            loop.call_soon_threadsafe(settle, settled)

    _thread(work)
    return future


def _thread(work: Callable[[], None]) -> None:
    def quietly() -> None:
        with contextlib.suppress(Exception):  # whatever a driver or client raises at its end helps nobody
            work()

    threading.Thread(target=quietly, name="machine-counters", daemon=True).start()
