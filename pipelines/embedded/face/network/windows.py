"""Sound of any cut becomes the network's windows: about half a second around each frame, silence beyond the ends."""

from __future__ import annotations

import numpy as np

from pipelines.embedded.face.features import RATE, Floats
from pipelines.embedded.face.network.layout import Layout


class Windows:
    """Takes sound of 16 kHz in -1..1; frame ``n`` is heard around sample ``n * 16000 // fps``.

    A window is complete once its last sample is there, 260 ms after its frame. Nothing depends on how the sound is cut.
    """

    def __init__(self, layout: Layout, fps: int) -> None:
        self._buffer, self._offset, self._fps = layout.buffer, layout.offset, fps
        self._sound = np.zeros(layout.offset, np.float32)
        self._first = -layout.offset  # the sample that self._sound begins with
        self.frame = 0
        """The frame that is next."""

    def push(self, sound: Floats) -> None:
        """Takes what comes next."""
        self._sound = np.concatenate([self._sound, sound])

    def finish(self) -> None:
        """Silence follows: every frame up to the last sample has its window then, and one more."""
        self.push(np.zeros(self._buffer + RATE // self._fps, np.float32))

    def take(self, most: int) -> Floats:
        """The next windows that are complete, ``(n, 1, buffer)``, ``most`` at most."""
        end = self._first + len(self._sound)
        starts = [self._start(self.frame + ahead) for ahead in range(most)]
        taken = [self._sound[at - self._first :][: self._buffer] for at in starts if at + self._buffer <= end]
        self.frame += len(taken)
        kept = self._start(self.frame) - self._first
        self._sound, self._first = self._sound[kept:], self._first + kept
        return np.array(taken, np.float32).reshape(-1, 1, self._buffer)

    def _start(self, frame: int) -> int:
        return frame * RATE // self._fps - self._offset
