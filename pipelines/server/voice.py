"""Her voice on its way out: at the client's rate, in blocks of the length that the client likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import soxr

from sophia.audio import Pcm
from sophia.played import Piece

GATHERED_SECONDS = 0.1
"""Length of a block for clients that are no page of ours: some forward each block as a message of its own."""

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
        self._gather = True
        self._resampler: Any = None
        self._begin = 0  # where the resampler began in the generation
        self._given = 0  # samples that it has given since
        self._next = (-1, 0)  # the generation and sample that would follow
        self._held: list[Pcm] = []
        self._held_from = (-1, 0)
        self._held_samples = 0

    def adapt(self, out_rate: int, *, gather: bool) -> None:
        """Another rate; ``gather`` makes blocks of :data:`GATHERED_SECONDS`, else they go out as they come."""
        self.flush()
        if out_rate != self._out_rate:
            self._out_rate, self._next = out_rate, (-1, 0)
        self._gather = gather

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
        self.flush()

    def flush(self) -> None:
        """Sends what was gathered."""
        if self._held:
            sound = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
            (generation, first), self._held, self._held_samples = self._held_from, [], 0
            self._say(generation, first, sound, len(sound) / self._out_rate)

    def _add(self, generation: int, first: int, pcm: Pcm) -> None:
        if (generation, first) != self._next:
            (self.finish if generation != self._next[0] else self.flush)()
            self._begin, self._given = first, 0
            self._resampler = None
            if self._out_rate != self._rate:
                self._resampler = soxr.ResampleStream(self._rate, self._out_rate, 1, dtype="int16", quality="LQ")
        self._next = generation, first + len(pcm)
        self._give(generation, pcm if self._resampler is None else self._resampler.resample_chunk(pcm))

    def _give(self, generation: int, pcm: Pcm) -> None:
        first = self._begin + round(self._given * self._rate / self._out_rate)
        self._given += len(pcm)
        if not len(pcm):
            return
        if not self._held:
            self._held_from = generation, first
        self._held.append(pcm)
        self._held_samples += len(pcm)
        if not self._gather or self._held_samples >= GATHERED_SECONDS * self._out_rate:
            self.flush()
