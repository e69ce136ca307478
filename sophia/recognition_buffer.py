"""The sound a recogniser has not finished with: what is still to be sent, and what a reopened stream needs again.

Positions are samples since the first frame ever pushed. No clock and no I/O.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sophia.audio import EAR_RATE, Frame


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive sound that begins at sample ``start``; 16-bit little-endian."""

    start: int
    sound: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.sound) // 2


class SoundBuffer:
    """Holds at most ``seconds``; when full, the oldest frame goes, and counts in ``dropped`` if it was never sent."""

    def __init__(self, seconds: float) -> None:
        self.dropped = 0
        self.pushed = 0
        """Samples pushed so far."""
        self.sent = 0
        """Where the next piece to send begins."""
        self._most = round(seconds * EAR_RATE)
        self._pieces: deque[Piece] = deque()
        self._next = 0  # index in _pieces of the first piece not sent

    @property
    def waiting(self) -> int:
        """Samples that wait to be sent."""
        return self.pushed - max(self.sent, self._pieces[0].start if self._pieces else self.pushed)

    def push(self, frame: Frame) -> None:
        """Takes the next frame of the user's sound."""
        if len(frame.pcm) == 0:
            return
        self._pieces.append(Piece(self.pushed, frame.pcm.astype("<i2", copy=False).tobytes()))
        self.pushed += len(frame.pcm)
        while self.pushed - self._pieces[0].start > self._most:
            if self._next == 0:
                self.dropped += 1
            self._forget()

    def take(self, most: int) -> Piece | None:
        """The next unsent sound, about ``most`` samples at once (whole frames, at least one), or None."""
        first = self._next
        while self._next < len(self._pieces):
            size = self._pieces[self._next].end - self._pieces[first].start
            if self._next > first and size > most:
                break
            self._next += 1
        if self._next == first:
            return None
        taken = [self._pieces[i] for i in range(first, self._next)]
        self.sent = taken[-1].end
        return Piece(taken[0].start, b"".join(piece.sound for piece in taken))

    def settle(self, position: int) -> None:
        """Sound up to ``position`` will not be needed again. Unsent sound stays whatever ``position`` is."""
        while self._next > 0 and self._pieces[0].end <= position:
            self._forget()

    def rewind(self) -> None:
        """Sends all that is held once more, into a new stream."""
        self._next = 0
        self.sent = self._pieces[0].start if self._pieces else self.pushed

    def _forget(self) -> None:
        self._pieces.popleft()
        self._next = max(0, self._next - 1)
