"""The clauses of one reply on their way from the model to the voice. What was not said yet can be read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

CLAUSES_AHEAD = 8
"""Clauses that may wait for synthesis (policy when full: the model's stream is held up, and with it its server)."""


class ClauseQueue:
    """A queue that remembers. ``said`` clauses are done with; ``begun``: the one after them has begun to sound."""

    def __init__(self) -> None:
        self.said = 0
        self.begun = False
        self._taken: list[str] = []  # no more than the reply's text, which is kept anyway
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(CLAUSES_AHEAD)
        self._ended = False

    async def put(self, clause: str) -> None:
        """Adds a clause; waits while too many wait."""
        await self._waiting.put(clause)

    async def end(self) -> None:
        """Says that no more come."""
        await self._waiting.put(None)

    @property
    def current(self) -> str | None:
        """The first clause that is not said; None if the voice has taken none."""
        return self._taken[self.said] if self.said < len(self._taken) else None

    @property
    def waiting(self) -> bool:
        """Whether there is a clause that is not said."""
        return self.said < len(self._taken) or not self._waiting.empty()

    def done(self, said: int) -> None:
        """So many clauses are done with."""
        self.said, self.begun = said, False

    def unsaid(self) -> AsyncIterator[str]:
        """All clauses that are not done with, as they come. A reader that was given up takes none away."""
        return _Unsaid(self)

    def taken(self, place: int) -> str | None:
        """The clause at ``place``, if the voice has taken it."""
        return self._taken[place] if place < len(self._taken) else None

    async def at(self, place: int) -> str | None:
        """The clause at ``place``; None if the reply has fewer."""
        while place >= len(self._taken):
            if self._ended:
                return None
            clause = await self._waiting.get()
            if clause is None:
                self._ended = True
                self._waiting.put_nowait(None)  # for whoever else waits
            else:
                self._taken.append(clause)
        return self._taken[place]


class _Unsaid(AsyncIterator[str]):
    """No generator: a voice that breaks off may leave its reader in mid-step, and closing that would raise."""

    def __init__(self, queue: ClauseQueue) -> None:
        self._queue = queue
        self._place = queue.said

    async def __anext__(self) -> str:
        if (clause := await self._queue.at(self._place)) is None:
            raise StopAsyncIteration
        self._place += 1
        return clause
