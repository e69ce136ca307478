"""Her voice on its way out, at the client's rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import soxr

from sophia.audio import Pcm
from sophia.played import Piece

Say = Callable[[int, int, Pcm, float], None]
"""Takes a generation, the position of the first sample in it at the voice's rate, samples at the client's, seconds."""


class Voice:
    """The blocks that were pulled from the playout, for one client; ``say`` is handed what to send.

    ``rate`` is the voice's and ``out_rate`` the client's, in Hz. A resampler keeps its memory as long as samples follow
    each other. What it holds back, at most 20 ms, follows at the end of a reply.
    """

    def __init__(self, rate: int, out_rate: int, say: Say) -> None:
        self._rate = rate
        self._out_rate = out_rate
        self._say = say
        self._resampler: Any = None
        self._begin = 0  # where the resampler began in the generation
        self._given = 0  # samples that it has given since
        self._next = (-1, 0)  # the generation and sample that would follow

    def adapt(self, out_rate: int) -> None:
        """From now on at another rate."""
        if out_rate != self._out_rate:
            self._out_rate, self._next = out_rate, (-1, 0)

    def take(self, pcm: Pcm, pieces: Sequence[Piece]) -> None:
        """A block as it was pulled."""
        for piece in pieces:
            self._add(piece.generation, piece.first, pcm[piece.offset : piece.offset + piece.count])
        if not pieces:
            self.finish()

    def finish(self) -> None:
        """The reply is over: sends what is left of it."""
        generation, _ = self._next
        if self._resampler is not None:
            self._give(generation, self._resampler.resample_chunk(np.zeros(0, np.int16), last=True))
            self._resampler = None
        self._next = (-1, 0)

    def _add(self, generation: int, first: int, pcm: Pcm) -> None:
        if (generation, first) != self._next:
            if generation != self._next[0]:
                self.finish()
            self._begin, self._given = first, 0
            self._resampler = None
            if self._out_rate != self._rate:
                self._resampler = soxr.ResampleStream(self._rate, self._out_rate, 1, dtype="int16", quality="LQ")
        self._next = generation, first + len(pcm)
        self._give(generation, pcm if self._resampler is None else self._resampler.resample_chunk(pcm))

    def _give(self, generation: int, pcm: Pcm) -> None:
        first = self._begin + round(self._given * self._rate / self._out_rate)
        self._given += len(pcm)
        if len(pcm):
            self._say(generation, first, pcm, len(pcm) / self._out_rate)
