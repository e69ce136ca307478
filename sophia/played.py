"""What sounded when, in the last moments: the playout's memory of the blocks that it handed out. No clock, no lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

LOUD_SECONDS = 0.05
"""Sound counts as audible for so long after its last block that was: voices have dips, and blocks may be short."""

REMEMBERED_SECONDS = 2.0
"""How long after it sounded a block can still be asked about."""


@dataclass(frozen=True, slots=True)
class Position:
    """What sounds at some time: ``sample`` of ``generation``. While nothing moves ``playing`` is false."""

    generation: int
    sample: int
    playing: bool


Halt = Callable[[int, bool], int | None]
"""Of a sink that plays far behind what it pulls, and can take that back. It is told the generation that is paused, or,
if true, cleared. It falls silent and returns how many samples of it were heard; ``None`` if it cannot take any back.
Called with the playout's lock held, so it asks the playout nothing."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a block: ``count`` samples from ``offset`` on are those of ``generation`` from ``first`` on."""

    generation: int
    first: int
    offset: int
    count: int


class _Block(NamedTuple):
    begin: float
    generation: int
    first: int
    length: int
    loud: bool


class PastBlocks:
    """The blocks of the last :data:`REMEMBERED_SECONDS`; ``rate`` is in Hz, times are ``loop.time()``."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._blocks: deque[_Block] = deque()

    def add(self, begin: float, generation: int, first: int, count: int, loud: bool) -> None:
        """``count`` samples from ``first`` on sound from ``begin`` on; ``loud``: one of them is audible."""
        self._blocks.append(_Block(begin, generation, first, count, loud))
        while self._blocks[0].begin + self._blocks[0].length / self._rate < begin - REMEMBERED_SECONDS:
            self._blocks.popleft()

    def take_back(self, generation: int, sample: int) -> None:
        """Forgets what was to sound of ``generation`` from ``sample`` on, as far as it was handed out last."""
        while self._blocks and self._blocks[-1].generation == generation:
            last = self._blocks.pop()
            if last.first < sample:
                kept = min(last.length, sample - last.first)
                self._blocks.append(last._replace(length=kept))
                return

    def at(self, time: float) -> Position | None:
        """What sounds at ``time``, to the sample; ``None`` before anything did."""
        for begin, generation, first, count, _ in reversed(self._blocks):
            if begin <= time:
                passed = int((time - begin) * self._rate + 0.5)
                return Position(generation, first + min(passed, count), passed < count)
        return None

    def loud_at(self, time: float) -> bool:
        """Whether a block that sounded at ``time``, or within :data:`LOUD_SECONDS` before, was audible."""
        for begin, _, _, count, loud in reversed(self._blocks):
            if begin + count / self._rate <= time - LOUD_SECONDS:
                return False
            if loud and begin <= time:
                return True
        return False
