"""Chance that does not depend on what happens elsewhere: each request of a conversation has a generator of its own.

What a request takes depends on the seed, the playing, the line, and how many requests of that kind the line has had
before. It does not depend on other sessions, other processes or the order in which things happen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.records.results import Unit


@dataclass(slots=True)
class Chance:
    """The generators of one playing; ``line`` tells which line is being said, counted from 0."""

    seed: int
    unit: Unit
    line: Callable[[], int]
    _requests: Counter[tuple[str, int]] = field(default_factory=Counter)

    def of(self, kind: str) -> Callable[[], float]:
        """Numbers from 0 to 1 for the next request of this ``kind``."""
        line, unit = self.line(), self.unit
        number = self._requests[kind, line]
        self._requests[kind, line] += 1
        # Seeded with text, the generator is the same in every process and version of Python.
        place = (self.seed, unit.talk, unit.round, unit.session, line, kind, number)
        return random.Random("/".join(map(str, place))).random
