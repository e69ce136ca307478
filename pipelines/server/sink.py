"""Her voice on its way to a remote client: a sound card with a long cable.

The playout is pulled in real time, a *lead* ahead, so that a network may stumble. The first lead goes at once, in short
blocks as the voice makes them. Then a third of the lead is a block, for each has its price: a client with 300 ms gets
ten a second. The time that a block is pulled with is when the client will let it be heard: as late after it was sent as
the client's own positions say. A client that obeys pausing drops what it holds, so all that it has not played is taken
back, and comes again after the pause.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sophia.audio import FRAME_SECONDS
from sophia.playout import Playout

FIRST_DELAY = 0.05
"""Seconds between sending and hearing that are assumed of a client until it tells: its cushion and its card."""

LONGEST_DELAY = 2.0
"""A client that says it plays later than this is not believed."""

IMPOSSIBLE_SECONDS = 0.06
"""A client that says it played so much before it was sent is not believed; less is rounding."""

REPORTS = 10
"""Of so many of the client's last positions the earliest counts: a network and a busy loop make the others late."""

HELD_UP_SECONDS = 0.5
"""A loop that is later than this does not catch up; it takes a new start, as the client had to."""

LONGEST_BLOCK = 0.1
"""Seconds. Words go out with their block, and captions should not come in lumps."""

KEPT_SECONDS = 5.0
"""How long it is remembered what was sent when."""

EARLY_SECONDS = 1e-4
"""A block may go so much before its time: timers are no more exact, and shorter waits may round to nothing."""

WAIT = 0.01
"""Seconds between two looks whether the voice has made more, while the lead is not full."""


@dataclass(slots=True)
class _Sent:
    """``count`` samples of a generation from ``first`` on, sent to be heard at ``due`` by a client without delay."""

    generation: int
    first: int
    count: int
    due: float


class NetworkSink:
    """A :class:`sophia.sinks.Sink` that pulls at the pace of a remote client; all of it on the loop's thread.

    An observer of the conversation sends what is pulled, at once. ``lead`` is how many seconds it is ahead. ``obeys``
    says that the client falls silent at a pause and drops what it holds; at a clearing every client does. Both may be
    changed at any time.

    ``keeps``: no client ever drops anything, so all that was pulled will be heard. ``delay`` is what is assumed of a
    client until it tells. ``rests`` is called when nothing is to be pulled for now.
    """

    def __init__(
        self,
        *,
        lead: float,
        obeys: bool = False,
        keeps: bool = False,
        delay: float = FIRST_DELAY,
        rests: Callable[[], None] = lambda: None,
    ) -> None:
        self.lead = lead
        self.obeys = obeys
        self.delay = delay
        """Seconds from sending to hearing, without what waits in the client's lead."""
        self._keeps = keeps
        self._rests = rests
        self._found: deque[float] = deque(maxlen=REPORTS)
        self._sent: deque[_Sent] = deque()
        self._anew = True
        self._playout: Playout | None = None
        self._rate = 1
        self._halted = (-1, 0, 0)  # the generation that was halted last, and the first and last sample it may be at
        self._loop = asyncio.get_running_loop()

    @property
    def latency(self) -> float:
        return self.lead + self.delay

    async def run(self, playout: Playout) -> None:
        self._playout, self._rate = playout, playout.rate
        playout.halt = self._halt
        loop = self._loop
        while True:
            await playout.wanted()
            self._anew, start, sent = False, loop.time(), 0.0
            while not (playout.idle or self._anew):
                elapsed, block = loop.time() - start, min(max(self.lead / 3, FRAME_SECONDS), LONGEST_BLOCK)
                least, most = round(FRAME_SECONDS * playout.rate), round(block * playout.rate)
                wanted = most if sent - elapsed > block else least  # a client that has little is sent what there is
                early = sent + block - max(self.lead, block) - elapsed
                if early > EARLY_SECONDS:
                    await asyncio.sleep(early)
                elif (ready := playout.ready) is not None and ready < wanted and sent - elapsed > EARLY_SECONDS:
                    await asyncio.sleep(min(WAIT, sent - elapsed))  # it would be a gap, and the client has a lead yet
                elif elapsed - sent > HELD_UP_SECONDS:
                    self._anew = True
                else:
                    samples = most if ready is None else min(max(ready, least), most)
                    self._pull(playout, samples, start + sent)
                    sent += samples / playout.rate
            if playout.idle:
                self._rests()

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _pull(self, playout: Playout, samples: int, due: float) -> None:
        _, pieces = playout.take(samples, due + self.delay)
        for piece in pieces:
            at = due + piece.offset / self._rate
            self._sent.append(_Sent(piece.generation, piece.first, piece.count, at))
        while self._sent and self._sent[0].due < due - KEPT_SECONDS:
            self._sent.popleft()

    # What the client says

    def reported(self, generation: int, sample: int, at: float) -> float | None:
        """Takes in that the client played ``sample`` of ``generation`` at ``at``, and says how long after its sending.

        That is no less than it really was. ``None`` for what was never sent, or cannot be so.
        """
        sent = next(
            (
                one
                for one in reversed(self._sent)
                if one.generation == generation and one.first <= sample <= one.first + one.count
            ),
            None,
        )
        if sent is None:
            return None
        found = at - sent.due - (sample - sent.first) / self._rate
        if not -IMPOSSIBLE_SECONDS <= found <= LONGEST_DELAY:
            return None
        self._found.append(max(0.0, found))
        self.delay = min(self._found)
        return self._found[-1]

    def stopped(self, generation: int, sample: int) -> None:
        """Takes in that the client, told to pause, stopped before ``sample``: it goes on there."""
        halted, first, last = self._halted
        if self._playout and generation == halted:
            self._playout.stopped_at(generation, min(max(sample, first), last))

    # What the playout says

    def _halt(self, generation: int, cleared: bool) -> int | None:
        if self._keeps or not (cleared or self.obeys):
            return None
        self._anew = True
        heard = self._heard(generation)
        last = self._sent[-1] if self._sent else None
        end = last.first + last.count if last and last.generation == generation else heard
        self._halted = generation, max(0, heard - round(LONGEST_DELAY * self._rate)), end
        self._forget(generation, heard)
        return heard

    def _heard(self, generation: int) -> int:
        """How much of ``generation`` the client has let be heard by now, by the clock."""
        position = self._loop.time() - self.delay
        first = 0
        for one in reversed(self._sent):
            if one.generation != generation:
                continue
            first = one.first
            if one.due <= position:
                return first + min(one.count, int((position - one.due) * self._rate + 0.5))
        return first

    def _forget(self, generation: int, sample: int) -> None:
        """What was sent of ``generation`` from ``sample`` on is not with the client any more."""
        while self._sent and self._sent[-1].generation == generation and self._sent[-1].first >= sample:
            self._sent.pop()
        if self._sent and self._sent[-1].generation == generation:
            self._sent[-1].count = min(self._sent[-1].count, sample - self._sent[-1].first)
