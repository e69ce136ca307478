"""One line a kind and minute: what breaks again and again is told once, and then counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

QUIET_SECONDS = 60.0
"""Seconds in which failures of the same service and kind make one line."""


@dataclass(slots=True)
class _Told:
    at: float
    line: str
    more: int = 0


class Repeats:
    """Decides which failures are shown. Holds one entry for each service and kind, which are few."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], _Told] = {}

    def is_new(self, service: str, kind: str, line: str, at: float) -> bool:
        """Whether ``line`` is to be shown now; if not, it is counted."""
        told = self._told.get((service, kind))
        if told is not None and at - told.at < QUIET_SECONDS:
            told.more += 1
            return False
        self._told[service, kind] = _Told(at, line)
        return True

    def counted(self, at: float, *, ending: bool = False) -> Iterator[str]:
        """What was kept back for a minute: a line for each service and kind, with how often. ``at`` is now.

        ``ending`` gives what was kept back for less, too.
        """
        for told in self._told.values():
            if told.more and (ending or at - told.at >= QUIET_SECONDS):
                within = "" if at - told.at < QUIET_SECONDS else " in a minute"
                yield f"{told.line} ({told.more} more {'time' if told.more == 1 else 'times'}{within}.)"
                told.at, told.more = at, 0
