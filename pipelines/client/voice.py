"""Her voice at this end: what the server sends goes through a playout of our own, which knows what was heard of it.

An item is played as one generation, or as several: after a pause it goes on in a new one, from where the server says.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sophia.playout import Playout, Tap
from sophia.playout_events import PlayoutEvent, PlayoutFinished

RATE = 24_000
"""Hz of her voice on the wire, unless another rate is asked for."""

REPORT_SECONDS = 0.1
"""Between two reports of what is heard."""

CUSHION_SECONDS = 0.04
"""Sound that is there before an item begins, against the network's jitter."""


@dataclass(slots=True)
class _Run:
    """Sound of ``item`` without a break, from its ``first`` sample on."""

    item: str
    first: int
    open: bool = True


class Voice:
    """Plays items, and tells ``send`` how far each was heard. ``tap`` is told what sounds and when."""

    def __init__(self, send: Callable[[dict[str, Any]], None], tap: Tap | None = None) -> None:
        self.playout = Playout(RATE, self._told, cushion_seconds=CUSHION_SECONDS, tap=tap)
        self._send = send
        self._runs: dict[int, _Run] = {}
        self._cleared: deque[str] = deque(maxlen=64)

    async def sound(self, item: str, start_ms: float | None, pcm: bytes) -> None:
        """The next sound of an item: int16 little-endian mono of :data:`RATE`, ``start_ms`` into the item."""
        if item in self._cleared:
            return
        number, run = max(self._runs.items(), default=(self.playout.newest, None))
        if run is None or run.item != item or not run.open:
            number += 1
            run = self._runs[number] = _Run(item, round((start_ms or 0.0) * RATE / 1000))
            self._runs.pop(number - 16, None)
            self.playout.open(number)
            self.playout.release(number)
        samples = np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)
        await self.playout.push(number, samples)  # the server is at most its lead ahead, so this does not wait

    def finish(self, item: str) -> None:
        """No more sound of the item will come."""
        for number, run in self._runs.items():
            if run.item == item:
                self.playout.finish(number)

    def stop(self, item: str, *, for_good: bool) -> None:
        """Falls silent at once, and drops what was not heard; ``for_good`` also what is still under way."""
        if for_good:
            self._cleared.append(item)
        for number, run in list(self._runs.items()):
            if run.item == item and run.open:
                self._over(run, self.playout.clear(number))

    def stop_all(self) -> None:
        """The same for every item: nothing more of them will come."""
        for run in list(self._runs.values()):
            self.stop(run.item, for_good=True)

    async def report(self) -> None:
        """Tells what is heard, ten times a second, until cancelled."""
        while True:
            await self.playout.wanted()
            place = self.playout.at(asyncio.get_running_loop().time())
            if place and (run := self._runs.get(place.generation)) and run.open:
                self._tell(run, place.sample, playing=True)
            await asyncio.sleep(REPORT_SECONDS)

    def _told(self, event: PlayoutEvent) -> None:
        if isinstance(event, PlayoutFinished) and (run := self._runs.get(event.generation)):
            self._over(run, event.samples)

    def _over(self, run: _Run, heard: int) -> None:
        if run.open:
            run.open = False
            self._tell(run, heard, playing=False)

    def _tell(self, run: _Run, sample: int, *, playing: bool) -> None:
        place = {"item_id": run.item, "audio_ms": round((run.first + sample) * 1000 / RATE, 3)}
        self._send({"type": "sophia.playout.position", **place, "playing": playing})
