"""Watches one replayed conversation: its ledgers, and what was audible at the sink, to the sample."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.conversation.events import Failed, Happening, Phase, PhaseChanged, PlayoutStarted, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.failures import explain
from pipelines.telemetry.ledger import Ledger, Outcome
from sophia.audio import Pcm, dbfs
from sophia.playout import AUDIBLE


@dataclass(frozen=True, slots=True)
class Sounding:
    """A block of the sink that is not silent: its beginning, its level (dB of full scale), its audible stretch."""

    time: float
    level: float
    first: float
    last: float


class Listener(Observer):
    """Everything of a conversation that a replay reports. ``rate`` is the sink's, in Hz.

    ``ledgers`` are those of turns that an attempt at a reply was made for.

    :meth:`change` wakes whoever waits for something to happen.
    """

    def __init__(self, rate: int) -> None:
        self.ledgers: list[Ledger] = []
        self.faults: list[str] = []
        self.soundings: list[Sounding] = []
        self.started: list[float] = []
        """When each reply that was heard became audible, as the playout told it."""
        self.now: Phase = "idle"
        self.idle_since = 0.0
        self._rate = rate
        self._changed = asyncio.Event()

    async def change(self, until: float) -> None:
        """Returns when something has happened, at ``until`` (``loop.time()``) at the latest."""
        self._changed.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return

    def told(self, happening: Happening) -> None:
        match happening:
            case PhaseChanged(at=at, phase=phase):
                self.now, self.idle_since = phase, at
            case PlayoutStarted(time=time):
                self.started.append(time)
            case TurnEnded(ledger=ledger):
                if ledger.generations and ledger.outcome is not Outcome.JOINED:
                    self.ledgers.append(ledger)
            case Failed(service=service, error=error):
                self.faults.append(explain(error, service).line)
                return
            case _:
                return
        self._changed.set()

    def played(self, pcm: Pcm, time: float) -> None:
        loud = np.flatnonzero((pcm >= AUDIBLE) | (pcm <= -AUDIBLE))
        if len(loud):
            first, last = time + int(loud[0]) / self._rate, time + (int(loud[-1]) + 1) / self._rate
            self.soundings.append(Sounding(time, dbfs(pcm), first, last))

    def first_audible(self, since: float) -> float | None:
        """When the first audible sample at or after ``since`` was played."""
        return next((heard.first for heard in self.soundings if heard.first >= since), None)

    def last_audible(self, before: float) -> float | None:
        """When the last audible sample of the blocks that began before ``before`` was over."""
        return next((heard.last for heard in reversed(self.soundings) if heard.time < before), None)

    def within(self, since: float, until: float) -> Iterator[Sounding]:
        """The blocks that began between two times."""
        return (heard for heard in self.soundings if since <= heard.time < until)
