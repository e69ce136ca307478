"""A remote user's voice: packets from a network become frames in real time, dated by the count of their samples.

A network delays packets and lets them come in a heap, but loses none. So a packet that comes late is dated where its
samples belong, after those before it. The earliest packets tell how far the clock is off. What comes faster than it was
spoken waits for its time, and the ears hear each sample once, in order.

The ears never stand still. After :data:`SILENT_AFTER` without a packet they hear silence, so a turn ends although a
client has stopped sending. Where the packets were only late, as much of their own quiet is left out afterwards.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Callable

import numpy as np

from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame, Pcm, dbfs
from sophia.framing import Framer

SILENT_AFTER = 0.2
"""Seconds without a packet after which the ears hear silence."""

LONGEST_BACKLOG = 60.0
"""Seconds of sound that may wait for their time (policy when full: :meth:`NetworkSource.append` takes no more)."""

EARLY_SECONDS = 0.05
"""So much before its time a frame is given: the clock is no more exact while it learns."""

OWED_SECONDS = 2.0
"""Of the silence that the ears heard instead of late packets, so much is made up for at most."""

TICK = 1e-6
"""Seconds that are not worth waiting for: less may round to nothing, and be waited for again and again."""

QUIET_DB = -45.0
"""A frame below this level may be left out to make up for it."""

SLIDE_SECONDS = 0.004
"""How much each frame is dated earlier or later, at most, while packets show that the clock is off."""

HEAP_SECONDS = 0.25
"""Packets so much before their time are no sign of a late clock: they come in a heap."""

WINDOW_SECONDS = 1.0
"""The earliest packet of so long a time tells how far the clock is off."""

REMEMBERED = 3000
"""Packets whose place in the client's sound is remembered: a minute of 20 ms."""

SILENCE: Pcm = np.zeros(round(EAR_RATE * FRAME_SECONDS), np.int16)
SILENCE.flags.writeable = False


class PacketClock:
    """When the next frame begins, by the count of samples; packets tell how far that is off.

    ``next`` is in ``loop.time()``. It follows the earliest packet of the last :data:`WINDOW_SECONDS`: the others were
    only held up. It is moved by at most :data:`SLIDE_SECONDS` a frame, so frames follow each other. ``owed`` is the
    silence that was put in for packets that were perhaps only late.
    """

    def __init__(self, next: float) -> None:
        self.next = next
        self.owed = 0.0
        self._moved = 0.0  # by how much the clock was moved, against the client's count of samples
        self._earliest: deque[tuple[float, float]] = deque()  # time, and how late a packet would have been at first

    def date(self) -> float:
        """The begin of the next frame; the one after that is a frame later."""
        off = self._earliest[0][1] - self._moved if self._earliest else 0.0
        slide = 0.0 if off < -HEAP_SECONDS - self.owed else min(max(off, -SLIDE_SECONDS), SLIDE_SECONDS)
        self._moved += slide
        self.owed = max(0.0, self.owed + min(slide, 0.0))
        begin = self.next + slide
        self.next = begin + FRAME_SECONDS
        return begin

    def put_in(self) -> float:
        """The begin of a frame of silence, while nothing comes."""
        self.owed = min(self.owed + FRAME_SECONDS, OWED_SECONDS)
        return self.date()

    def leave_out(self, seconds: float) -> None:
        """So much of the client's sound gets no date: what follows it comes earlier."""
        self._moved -= seconds

    def learn(self, late: float) -> None:
        """A packet came, so many seconds ``late`` after its end by this clock; below zero it came before."""
        late += self._moved
        while self._earliest and self._earliest[-1][1] >= late:
            self._earliest.pop()
        self._earliest.append((self.next, late))
        while self._earliest[0][0] < self.next - WINDOW_SECONDS:
            self._earliest.popleft()


class NetworkSource:
    """An :class:`sophia.audio.AudioSource` of what :meth:`append` is given; all of it on the loop's thread."""

    def __init__(self) -> None:
        self.overflows = 0
        self._loop = asyncio.get_running_loop()
        self._clock: PacketClock | None = None
        self._framer: Framer | None = None
        self._rate = 0
        self._waiting: deque[Frame] = deque()
        self._news: asyncio.Future[None] | None = None  # while the ears wait for a frame
        self._alarm: asyncio.TimerHandle | None = None
        self._arrived = self._loop.time()
        self._muted = False
        self._closed = False
        self._places: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)  # begin of a packet; ms sent before it
        self._sent_ms = 0.0
        self._given = 0  # frames that were appended and heard
        self._calls: deque[tuple[int, Callable[[], None]]] = deque()  # after so many of them

    def append(self, pcm: Pcm, rate: int) -> bool:
        """Takes sound of ``rate`` Hz, int16 mono; false, and nothing is taken, where too much waits already."""
        now, seconds = self._loop.time(), len(pcm) / rate
        if len(self._waiting) * FRAME_SECONDS + seconds > LONGEST_BACKLOG:
            self.overflows += 1
            return False
        if self._muted or self._closed:
            self._sent_ms += 1000 * seconds
            return True
        if self._framer is None or rate != self._rate:
            self._framer, self._rate = Framer(rate), rate
        frames = self._framer.cut(pcm, now - seconds)  # dated as if the packet had come at once
        delay = self._framer.delay
        clock = self._clock = self._clock or PacketClock(now - seconds - delay)
        self._places.append((clock.next + delay, self._sent_ms))
        self._sent_ms += 1000 * seconds
        self._arrived = now
        for frame in frames:
            if clock.owed:
                if clock.next - frame.time < FRAME_SECONDS / 2:
                    # It is on time: what was heard as silence was silence.
                    clock.owed = max(0.0, clock.owed - FRAME_SECONDS)
                elif clock.owed > FRAME_SECONDS - TICK and dbfs(frame.pcm) < QUIET_DB:
                    clock.owed = max(0.0, clock.owed - FRAME_SECONDS)
                    clock.leave_out(FRAME_SECONDS)
                    continue
            self._waiting.append(Frame(frame.pcm, clock.date()))
        if frames:
            clock.learn(frames[-1].end - clock.next)
            self._wake()
        return True

    def once_heard(self, call: Callable[[], None]) -> None:
        """Calls ``call`` once the ears have heard all that was appended so far: now, if they have."""
        if self._waiting:
            self._calls.append((self._given + len(self._waiting), call))
        else:
            call()

    def clear(self) -> None:
        """Forgets what was appended and not heard yet, but for what a call of :meth:`once_heard` waits for."""
        kept = self._calls[-1][0] - self._given if self._calls else 0
        if self._clock and len(self._waiting) > kept:
            first = self._waiting[kept].time
            self._clock.leave_out(self._clock.next - first)
            self._clock.next = first
        while len(self._waiting) > kept:
            self._waiting.pop()

    def mute(self, muted: bool) -> None:
        """While muted the ears hear silence, whatever is appended."""
        self._muted = muted
        if muted:
            self._framer = None

    def audio_ms(self, time: float) -> float:
        """The position in the sound that the client has sent, in ms, that the ears hear at ``time``."""
        place = bisect_right(self._places, (time, float("inf"))) - 1
        if place < 0:
            return 0.0
        begin, before = self._places[place]
        end = self._places[place + 1][1] if place + 1 < len(self._places) else self._sent_ms
        return min(before + 1000 * (time - begin), end)

    async def frames(self) -> AsyncIterator[Frame]:
        loop = self._loop
        self._arrived = loop.time()
        while not self._closed:
            now = loop.time()
            if self._waiting:
                wait = self._waiting[0].end - now - EARLY_SECONDS
                if wait <= TICK:
                    yield self._waiting.popleft()
                    self._given += 1
                    while self._calls and self._calls[0][0] <= self._given:
                        self._calls.popleft()[1]()
                    continue
            else:
                due = self._clock.next + FRAME_SECONDS if self._clock else 0.0
                wait = max(0.0 if self._muted else self._arrived + SILENT_AFTER, due) - now
                if wait <= TICK:
                    yield self._silence(now)
                    continue
            await self._woken(now + wait)

    async def _woken(self, due: float) -> None:
        """Waits for news, until ``due`` at most; perhaps less long.

        Packets come fifty times a second. So an alarm that is early enough is left as it is, and none is cancelled.
        """
        if self._alarm is None or self._alarm.when() > due:
            if self._alarm:
                self._alarm.cancel()
            self._alarm = self._loop.call_at(due, self._rung)
        self._news = self._loop.create_future()  # one waiter needs no event
        try:
            await self._news
        finally:
            self._news = None

    def _wake(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    def _rung(self) -> None:
        self._alarm = None
        self._wake()

    async def aclose(self) -> None:
        """Ends ``frames()``."""
        self._closed = True
        self._wake()
        if self._alarm:
            self._alarm.cancel()

    def _silence(self, now: float) -> Frame:
        if self._clock is None or now - self._clock.next > LONGEST_BACKLOG:
            self._clock = PacketClock(now - FRAME_SECONDS)
        self._framer = None  # what it holds of the last packet is less than a frame, and old
        return Frame(SILENCE, self._clock.put_in())
