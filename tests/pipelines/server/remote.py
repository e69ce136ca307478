"""A client at the other end of a network, on the virtual clock: buffers, plays, obeys, tells how far it is."""

from __future__ import annotations

import asyncio
from collections import deque

STEP = 0.005


class Remote:
    """Plays what it is sent, ``network`` seconds later, once ``cushion`` seconds are there; heard ``card`` later.

    ``heard`` holds (time, generation, first, count) of all that came out of its loudspeaker. ``report`` is called with
    (generation, sample, playing) each 100 ms, and at each stop, ``network`` seconds after it was so.
    """

    def __init__(self, rate, *, network=0.01, cushion=0.04, card=0.02, report=lambda *_: None):
        self.rate = rate
        self.network, self.cushion, self.card = network, cushion, card
        self.report = report
        self.heard = []
        self.underruns = 0
        self.most = 0.0
        """The most seconds that ever waited in its buffer."""
        self._buffer = deque()
        self._wire = deque()
        self._playing = False
        self._last = None
        self._loop = asyncio.get_running_loop()
        self._steps = 0

    def send(self, generation, first, pcm):
        """What the server's sink calls."""
        self._wire.append((self._arrive, generation, first, len(pcm)))
        self._loop.call_later(self.network, self._next)

    def pause(self):
        """The server's word to fall silent, on its way."""
        self._wire.append((self._drop,))
        self._loop.call_later(self.network, self._next)

    @property
    def buffered(self):
        return sum(count for _, _, count in self._buffer) / self.rate

    def position(self):
        """Generation and sample that are heard by now."""
        now = self._loop.time()
        for time, generation, first, count in reversed(self.heard):
            if time <= now:
                return generation, first + min(count, round((now - time) * self.rate))
        return None

    def samples(self, generation):
        """The samples of ``generation`` in the order in which they were heard, as spans without gaps."""
        spans = []
        for _, one, first, count in self.heard:
            if one != generation:
                continue
            if spans and spans[-1][1] == first:
                spans[-1][1] = first + count
            else:
                spans.append([first, first + count])
        return [tuple(span) for span in spans]

    def began(self, generation, sample=0):
        """When ``sample`` of ``generation`` was heard first."""
        for time, one, first, count in self.heard:
            if one == generation and first <= sample < first + count:
                return time + (sample - first) / self.rate
        return None

    async def run(self):
        due = self._loop.time()
        while True:
            await asyncio.sleep(due + STEP - self._loop.time())
            while due + STEP <= self._loop.time() + 1e-9:  # a card stands still for nobody
                self._play(round(STEP * self.rate), due + self.card)
                due += STEP
            self._steps += 1
            if self._steps % round(0.1 / STEP) == 0 and self._playing:
                self._tell(playing=True)

    def _next(self):
        """Timers of one moment fire in any order; a connection keeps it."""
        what, *args = self._wire.popleft()
        what(*args)

    def _arrive(self, generation, first, count):
        self._buffer.append((generation, first, count))
        self.most = max(self.most, self.buffered)
        if not self._playing and self.buffered >= self.cushion:
            self._playing = True

    def _play(self, count, at):
        while count and self._playing:
            if not self._buffer:
                self._playing = False
                self._tell(playing=False)
                return
            generation, first, there = self._buffer.popleft()
            part = min(count, there)
            if part < there:
                self._buffer.appendleft((generation, first + part, there - part))
            self.heard.append((at, generation, first, part))
            at += part / self.rate
            count -= part

    def _drop(self):
        held = [(generation, first) for _, generation, first, _ in self.heard] + [part[:2] for part in self._buffer]
        self._buffer.clear()
        now = self._loop.time()
        kept = []
        for time, generation, first, count in self.heard:  # what is in the card is faded out
            if time < now:
                kept.append((time, generation, first, min(count, round((now - time) * self.rate))))
        self.heard[:] = kept
        self._playing = False
        self._tell(playing=False, unheard=held[0] if held else None)

    def _tell(self, *, playing, unheard=None):
        if where := self.position() or unheard:
            self._loop.call_later(self.network, self.report, *where, playing)
