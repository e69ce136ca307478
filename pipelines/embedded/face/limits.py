"""What the service refuses: the real one's limits, and the pace at which sound has to come. No I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What the real service refuses; the values are its defaults."""

    lowest_rate: int = 16_000
    highest_rate: int = 144_000
    message_seconds: float = 10.0
    clip_seconds: float = 300.0
    idle_seconds: float = 30.0
    low_fps: float = 29.0
    low_fps_seconds: float = 7.0
    streams: int = 10


class Refused(Exception):
    """The clip breaks a limit; the message goes to the client in a status ERROR."""


class OutOfOrder(Exception):
    """The client breaks the protocol; the RPC ends with INVALID_ARGUMENT."""


class Pace:
    """Watches that sound comes as fast as it plays: too little of it, second after second, means that it doesn't.

    It counts the frames that the sound is worth when it comes, not when they are made: a slow solver is not the
    client's fault. ``now`` is in seconds on any clock that doesn't go back.
    """

    def __init__(self, fps: float, seconds: float, now: float) -> None:
        self._fps = fps
        self._seconds = seconds
        self._until = now + 1.0
        self._came = 0.0
        self._low = 0

    def came(self, frames: float, now: float) -> None:
        """Sound worth so many frames has come."""
        self._roll(now)
        self._came += frames

    def too_slow(self, now: float) -> bool:
        self._roll(now)
        return self._low >= self._seconds

    @property
    def deadline(self) -> float:
        """When it is too slow if no further sound comes."""
        missing = self._seconds if self._came >= self._fps else self._seconds - self._low - 1
        return self._until + missing

    def _roll(self, now: float) -> None:
        while now >= self._until:
            self._low = self._low + 1 if self._came < self._fps else 0
            self._came = 0.0
            self._until += 1.0
