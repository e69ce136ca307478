"""What waits to be sent to one client. Putting never waits: a socket that stalls must not stall turn taking.

Policy: at most :data:`MOST_SOUND` seconds of her voice and :data:`MOST_EVENTS` events wait. Who lets more pile up is
too slow, and is cut off; what only tells how things are just now is replaced by what is newer, and never piles up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]

MOST_SOUND = 2.0
"""Seconds of her voice that may wait, beside the lead that the client has got. Sound comes in real time."""

MOST_EVENTS = 4000
"""Events that may wait: some ten seconds of a lively reply, and more than a page that joins is told at once."""

PASSING = frozenset({"sophia.levels", "sophia.playout.position", "sophia.resume.token"})
"""Events that tell how things are just now: the newer replaces the one that waits. A token can be long, too."""


class Outbox:
    """A queue with one reader. All of it on the loop's thread."""

    def __init__(self) -> None:
        self.overfull = False
        """Whether more would have had to wait than may: what was put after that is lost."""
        self.sound = 0.0
        """Seconds of her voice that wait."""
        self._waiting: deque[tuple[Event, float]] = deque()
        self._passing: dict[str, Event] = {}
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._passing)

    def put(self, events: Iterable[Event], seconds: float = 0.0) -> bool:
        """Takes events that hold ``seconds`` of her voice; false if they found no room."""
        for event in events:
            if event["type"] in PASSING:
                self._passing[event["type"]] = event
            else:
                self._waiting.append((event, seconds))
                self.sound += seconds
                seconds = 0.0
        self.overfull = self.overfull or self.sound > MOST_SOUND or len(self._waiting) > MOST_EVENTS
        if self.overfull:
            self.clear()
            return False
        if len(self):
            self._news.set()
        return True

    async def get(self) -> Event:
        """The next event, as soon as there is one. What tells of this moment waits for the rest."""
        while not len(self):
            self._news.clear()
            await self._news.wait()
        if self._waiting:
            event, seconds = self._waiting.popleft()
            self.sound -= seconds
            return event
        return self._passing.pop(next(iter(self._passing)))

    def clear(self) -> None:
        """Forgets what waits."""
        self._waiting.clear()
        self._passing.clear()
        self.sound = 0.0
