"""RTP packets of the user's voice, in order again: a jitter buffer. Pure.

It makes nothing even: the ears date sound by the count of its samples. So a packet in its turn goes on at once, and
only behind a gap packets wait. What is lost is told as a hole, for the count to stay right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HELD: Final = 3
"""Packets that wait behind a gap at most: 60 ms of sound. Then what is missing counts as lost."""

FAR: Final = 500
"""A packet so many numbers away from its turn is no late one: the sender began anew."""

LONGEST_HOLE: Final = 2 * 48_000
"""Samples: a sender that was silent for longer had stopped, and nothing of it is made up for."""

_NUMBERS, _STAMPS = 1 << 16, 1 << 32


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. ``stamp`` counts samples of 48 kHz, and wraps at 2³²."""

    stamp: int
    payload: bytes


class JitterBuffer:
    """One sender's."""

    def __init__(self) -> None:
        self._turn: int | None = None  # the number, not wrapped, of the packet that comes next
        self._held: dict[int, Packet] = {}

    def put(self, number: int, stamp: int, payload: bytes) -> list[Packet]:
        """Takes a packet by its 16-bit ``number``; returns those whose turn it is now, often just this one."""
        if self._turn is None:
            self._turn = number
        away = (number - self._turn + _NUMBERS // 2) % _NUMBERS - _NUMBERS // 2
        ready: list[Packet] = []
        if abs(away) >= FAR:
            ready = [self._held[place] for place in sorted(self._held)]
            self._held.clear()
            self._turn, away = number, 0
        if away < 0:  # it is known, or was given up
            return []
        self._held.setdefault(self._turn + away, Packet(stamp, payload))
        if len(self._held) > HELD:
            self._turn = min(self._held)
        while self._turn in self._held:
            ready.append(self._held.pop(self._turn))
            self._turn += 1
        return ready


class Holes:
    """How much sound is missing before each packet."""

    def __init__(self) -> None:
        self._end: int | None = None

    def before(self, stamp: int, samples: int) -> int:
        """Samples of 48 kHz that are missing before a packet that has ``samples``; packets come in order."""
        hole = 0 if self._end is None else (stamp - self._end) % _STAMPS
        self._end = (stamp + samples) % _STAMPS
        return hole if hole <= LONGEST_HOLE else 0
