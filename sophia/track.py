"""The unplayed, and the last played, sound of one generation: a plain deque of samples with a cursor."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np
from numpy.typing import NDArray

from sophia.audio import Pcm

REWIND_SECONDS = 2.0
"""How much played sound is kept, to be played again."""


class Track:
    """What :class:`sophia.playout.Playout` keeps of one generation. Not thread-safe: the playout holds its lock.

    ``cursor`` is the index of the next sample to be played, ``top`` the furthest it has been heard, ``queued`` how
    many samples lie ahead of it. Once a sample is ``unheard`` no later one counts: what was heard is a beginning.
    ``gap`` counts the samples of silence since the track ran dry at ``gap_time``.
    """

    __slots__ = (
        "_ahead", "_behind", "_certain", "_keep", "_kept", "crowded", "cursor", "finished", "gap", "gap_time", "queued",
        "released", "space", "started", "top", "unheard",
    )  # fmt: skip

    def __init__(self, rate: int) -> None:
        self.released = self.finished = self.started = self.crowded = self.unheard = False
        self.cursor = self.top = self.queued = self.gap = 0
        self.gap_time = 0.0
        self.space = asyncio.Event()
        self._ahead: deque[Pcm] = deque()
        self._behind: deque[Pcm] = deque()
        self._keep = int(REWIND_SECONDS * rate)
        self._kept = 0
        self._certain = 0  # heard before it was last rewound, whatever is taken back later

    def ready(self, cushion: int) -> bool:
        """Whether it may begin, or has begun: ``cushion`` samples are there, or all there will be."""
        return bool(self.cursor) or self.finished or self.crowded or self.queued >= cushion

    def append(self, pcm: Pcm) -> None:
        """Adds sound at the end."""
        if len(pcm):
            self._ahead.append(pcm)
            self.queued += len(pcm)

    def take(self, samples: int) -> Pcm:
        """Up to ``samples`` samples from the cursor on, in one piece; moves the cursor past them."""
        parts: list[Pcm] = []
        missing = samples
        while missing and self._ahead:
            part = self._ahead.popleft()
            if len(part) > missing:
                self._ahead.appendleft(part[missing:])
                part = part[:missing]
            parts.append(part)
            missing -= len(part)
        taken = samples - missing
        self.queued -= taken
        self.cursor += taken
        if not self.unheard:
            self.top = max(self.top, self.cursor)
        self._behind.extend(parts)
        self._kept += taken
        while self._behind and self._kept - len(self._behind[0]) >= self._keep:
            self._kept -= len(self._behind.popleft())
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def rewind(self, samples: int) -> None:
        """Moves the cursor back by ``samples``, as far as the sound was kept, to play again what was heard."""
        self._certain = self.top
        self._back(samples)

    def go_to(self, sample: int) -> None:
        """Moves the cursor to ``sample``, for a sink that took back what it had not played: so far it was heard."""
        if sample >= self.cursor:
            self.take(sample - self.cursor)
        else:
            self._back(self.cursor - sample)
        self.top = max(self.cursor, self._certain)

    def _back(self, samples: int) -> None:
        samples = missing = min(samples, self._kept, self._keep)
        while missing:
            part = self._behind.pop()
            if len(part) > missing:
                self._behind.append(part[:-missing])
                part = part[-missing:]
            self._ahead.appendleft(part)
            missing -= len(part)
        self._kept -= samples
        self.queued += samples
        self.cursor -= samples

    def following(self, samples: int) -> NDArray[np.float32]:
        """The next ``samples`` samples without moving; where they end, the sound before is mirrored.

        A mirror goes on from the last sample without a jump, which is all that a fade of a few milliseconds needs.
        """
        ahead: list[Pcm] = []
        missing = samples
        for part in self._ahead:
            if not missing:
                break
            ahead.append(part[:missing])
            missing -= len(ahead[-1])
        if missing:
            behind: list[Pcm] = list(reversed(ahead))
            wanted = missing - (samples - missing)
            for part in reversed(self._behind):
                if wanted <= 0:
                    break
                behind.append(part)
                wanted -= len(part)
            mirrored = np.concatenate([part[::-1] for part in behind])[:missing] if behind else np.zeros(0, np.int16)
            ahead.append(mirrored)
        joined = np.concatenate(ahead).astype(np.float32)
        return np.pad(joined, (0, samples - len(joined)))
