"""The simple way to keep her from hearing herself: the microphone is silenced while she speaks.

And no longer than her echo lasts, which is measured: a quick answer begins before a room is quiet. After her last
sample frames wait a moment, until they are clearly louder than her echo can be. Then what was held back is let through.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from sophia.audio import Frame, Pcm, dbfs
from sophia.echo_tail import EchoTail, power

AUDIBLE_DB = -60.0
"""What she plays below this level is no sound."""

LOUDER = 4.0
"""A frame with this many times the power that her echo has is somebody else: 6 dB, more than echoes fluctuate."""

ABOVE_ROOM = 10.0
"""A voice has at least this many times the power of the quiet room."""

IN_A_ROW = 2
"""Frames in a row that are louder before the microphone is opened: one may be a click."""

HELD = 15
"""Frames held back: what a word begins with, while it does not stand out from her echo yet. 0.3 s, the whole tail."""

WAITING = 10.0
"""Seconds of what she plays that wait for the microphone at most; the oldest goes first."""

RISING = 1.02
"""How fast the room's level may rise, each frame: 4 dB a second. It falls at once."""


class HalfDuplexGuard:
    """Silences the microphone while she sounds, and her echo for at most ``tail_seconds`` after.

    Until her echo was heard for a second, nothing is known of it, and the whole tail is silenced.
    """

    def __init__(self, tail_seconds: float = 0.3) -> None:
        self._tail = tail_seconds
        self._told: deque[tuple[Pcm, int, float]] = deque()  # may be filled by the sound card's thread
        self._lock = threading.Lock()  # over _told
        self._spans: deque[tuple[float, float]] = deque(maxlen=256)  # when she sounds
        self._echo = EchoTail()
        self._held: deque[tuple[Frame, bool]] = deque()  # and whether it is as loud as her echo at least
        self._louder = 0
        self._open = True
        self._room = 1000.0  # power of the quiet room

    def reference(self, pcm: Pcm, rate: int, time: float) -> None:
        with self._lock:
            self._told.append((np.array(pcm, np.int16), rate, time))
            while self._told[0][2] < time - WAITING:
                self._told.popleft()

    def process(self, frame: Frame) -> list[Frame]:
        """The frames that may be heard now: none while it is undecided whose they are, and later all of those."""
        with self._lock:
            told = list(self._told)
            self._told.clear()
        for block in told:
            self._lay_out(*block)
        while self._spans and self._spans[0][1] + self._tail < frame.time and len(self._spans) > 1:
            self._spans.popleft()
        if any(begin < frame.end and frame.time < end for begin, end in self._spans):
            self._echo.hear(frame)
            self._open, self._louder = False, 0
            return [*self._let_go(heard=False), _silent(frame)]
        if self._open or not any(frame.time < end + self._tail for _, end in self._spans):
            loud, self._open = power(frame.pcm), True
            held = self._let_go(heard=loud > max(ABOVE_ROOM * self._room, LOUDER * self._echo.expected(frame)))
            self._room = min(self._room * RISING, max(1.0, loud))
            return [*held, frame]
        return self._undecided(frame)

    def _lay_out(self, pcm: Pcm, rate: int, time: float) -> None:
        if dbfs(pcm) < AUDIBLE_DB:
            return
        end = time + len(pcm) / rate
        self._echo.played(pcm, rate, time)
        if self._spans and abs(time - self._spans[-1][1]) < 1e-3:
            self._spans[-1] = (self._spans[-1][0], end)
        else:
            self._spans.append((time, end))

    def _undecided(self, frame: Frame) -> list[Frame]:
        """A frame of her tail: her echo, the quiet room, or an answer."""
        if not self._echo.learned:
            self._echo.hear(frame)
            return [_silent(frame)]
        if not self._held and not self._louder:
            self._echo.solve()
        loud, echo = power(frame.pcm), self._echo.expected(frame)
        self._louder = self._louder + 1 if loud > LOUDER * echo else 0
        self._held.append((frame, loud > echo))
        if self._louder >= IN_A_ROW:
            self._open = True
            return self._let_go(heard=loud > ABOVE_ROOM * self._room)
        return [_silent(self._held.popleft()[0])] if len(self._held) > HELD else []

    def _let_go(self, *, heard: bool) -> list[Frame]:
        """What was held back: heard, from the first frame that is more than her echo on, if it led to a voice."""
        first = next((i for i, (_, more) in enumerate(self._held) if more), len(self._held))
        held = [frame if heard and i >= first else _silent(frame) for i, (frame, _) in enumerate(self._held)]
        self._held.clear()
        return held


def _silent(frame: Frame) -> Frame:
    return Frame(np.zeros_like(frame.pcm), frame.time, frame.rate)
