"""A quantity of the machine over time, in bounded memory: a long run is kept coarser, never longer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pipelines.records.results import Counter

MOST_SAMPLES: Final = 2048
"""Samples that a series holds at most: at one each second, half an hour before two are merged into one."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is sampled. ``peak``: merging samples keeps the largest of them; otherwise their mean."""

    name: str
    unit: str
    peak: bool = False


@dataclass(slots=True)
class Series:
    """The samples of one quantity; times never fall.

    When the series is full, neighbours are merged and from then on twice as many samples make one value, so that it is
    equally fine from end to end. A merged value stands at the time of the last sample in it.
    """

    quantity: Quantity
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    _together: int = 1
    _waiting: list[float] = field(default_factory=list)
    _waiting_since: float = 0.0

    def add(self, time: float, value: float) -> None:
        """Takes a sample."""
        self._waiting.append(value)
        self._waiting_since = time
        if len(self._waiting) < self._together:
            return
        self.times.append(time)
        self.values.append(self._merged(self._waiting))
        self._waiting = []
        if len(self.times) >= MOST_SAMPLES:
            self._together *= 2
            self.times = self.times[1::2]
            self.values = [self._merged(list(pair)) for pair in zip(self.values[::2], self.values[1::2], strict=True)]

    def counter(self, since: float) -> Counter:
        """Everything so far, what waits to be merged included; times count from ``since``."""
        times, values = list(self.times), list(self.values)
        if self._waiting:
            times.append(self._waiting_since)
            values.append(self._merged(self._waiting))
        return Counter(
            name=self.quantity.name,
            unit=self.quantity.unit,
            times=tuple(round(time - since, 3) for time in times),
            values=tuple(float(f"{value:.6g}") for value in values),
        )

    def _merged(self, values: list[float]) -> float:
        return max(values) if self.quantity.peak else sum(values) / len(values)
