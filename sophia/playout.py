"""Playout: hands samples to the sink at their time, and knows what was heard. Samples played are the one clock.

The loop pushes sound. A sink pulls it, in blocks of whatever size it likes and from whatever thread. Nothing here opens
a device or reads a clock. Sound belongs to a *generation*. A generation is opened (it may deliver, held behind the
gate) and released (it may be heard). It ends when its last sample is played or when it is cleared. The next one may be
opened, filled and even released while the last one still plays; it waits for its turn.

What is heard is exactly what was pushed, sample for sample, but for ramps of :data:`RAMP_SECONDS` where sound is cut or
taken up again. Pausing and resuming ramps down and up over the same samples, so nothing is lost or doubled.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sophia.audio import Pcm
from sophia.played import Halt, PastBlocks, Piece, Position
from sophia.playout_events import PlayoutEvent, PlayoutFinished, PlayoutStarted, PlayoutUnderrun
from sophia.ramps import Ramps
from sophia.track import Track

RAMP_SECONDS = 0.004
"""Length of every ramp: long enough not to click, far shorter than a block."""

AUDIBLE = 104
"""The smallest amplitude that counts as audible: -50 dB relative to full scale."""

REMEMBERED = 64
"""How many past generations can still be asked about."""

Tap = Callable[[Pcm, float, Sequence[Piece]], None]


class Playout:
    """The buffer between the voice and the sink.

    ``rate`` is in Hz; a generation buffers at most ``max_seconds`` of unplayed sound (policy when full: ``push``
    blocks), and begins to sound once ``cushion_seconds`` of it are there, or all of it, so that a voice that delivers
    in drops does not start with a gap. ``on_event`` and ``tap`` are always called on the loop's thread; the tap gets
    every block that was pulled, the ``loop.time()`` of its first sample and whose samples it holds, and perhaps none
    while the playout is idle: no call means silence. It is called before the events that the block brought about.

    All methods but :meth:`pull` belong to the loop's thread. ``pull`` may come from another one; the lock it shares
    with them is held for some ten microseconds. Everything is in samples of ``rate`` and seconds of ``loop.time()``.
    """

    def __init__(
        self,
        rate: int,
        on_event: Callable[[PlayoutEvent], None],
        *,
        max_seconds: float = 30.0,
        cushion_seconds: float = 0.0,
        tap: Tap | None = None,
    ) -> None:
        self.rate = rate
        self.tap = tap
        self.halt: Halt | None = None
        self.took_back = False
        """Whether the sink took sound back at the last pause or clearing."""
        self.underruns = 0
        self._on_event = on_event
        self._limit = int(max_seconds * rate)
        self._cushion = max(1, int(cushion_seconds * rate))
        self._ramps = Ramps(max(1, round(RAMP_SECONDS * rate)))
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._wake = asyncio.Event()
        self._tracks: dict[int, Track] = {}  # in rising order of generation
        self._past: dict[int, int] = {}  # generation -> samples heard, of those that ended
        self._newest = -1
        self._blocks = PastBlocks(rate)
        self._pieces: list[Piece] = []  # of the last block
        self._sounding = False  # the last sample that was pulled belongs to the active generation
        self._paused = False

    # --- the voice's side -------------------------------------------------------------------------------------

    def open(self, generation: int) -> None:
        """Lets ``generation`` deliver, held until it is released. Older ones that were still held are dropped."""
        if generation <= self._newest:
            raise ValueError(f"generation {generation} is not newer than {self._newest}")
        with self._lock:
            self._newest = generation
            for held in [g for g, track in self._tracks.items() if not track.released]:
                self._tracks[held].space.set()
                self._retire(held)
            self._tracks[generation] = Track(self.rate)

    async def push(self, generation: int, pcm: Pcm) -> bool:
        """Appends sound, waiting while the buffer is full; false, at once, if the generation may not deliver any more.

        ``pcm`` is int16 of shape ``(samples,)`` at ``rate`` and must not be changed afterwards. One task at a time
        may push a generation.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise TypeError(f"sound must be int16 of shape (samples,), not {pcm.dtype} of shape {pcm.shape}")
        while True:
            with self._lock:
                track = self._tracks.get(generation)
                if track is None or track.finished:
                    return False
                space = self._limit - track.queued
                track.append(pcm[:space])
                pcm = pcm[space:]
                if len(pcm):
                    track.space.clear()
                    track.crowded = True
            self._wake.set()
            if not len(pcm):
                return True
            await track.space.wait()

    def finish(self, generation: int) -> None:
        """Says that no more sound of ``generation`` will come. It ends when what is buffered was played."""
        with self._lock:
            if track := self._tracks.get(generation):
                track.finished = True
                track.space.set()
        self._wake.set()

    def release(self, generation: int) -> bool:
        """Opens the gate: ``generation`` may be heard, as soon as older ones are over; false if it is not open."""
        with self._lock:
            track = self._tracks.get(generation)
            if track is None:
                return False
            track.released = True
        self._wake.set()
        return True

    def clear(self, generation: int | None = None) -> int:
        """Fences a generation off, by default the active one: nothing of it sounds any more but a ramp of 4 ms.

        Other generations stay. Pausing and ducking end with the active generation. Returns how many samples of it
        were heard (the ramp not counted).
        """
        events: list[PlayoutEvent] = []
        with self._lock:
            if generation is None:
                generation = self._active()
                if generation is None:
                    return 0
            track = self._tracks.get(generation)
            if track is not None:
                if generation == self._active():
                    self._stop(generation, cleared=True)
                    self._gap_over(generation, track, events)
                    self._calm()
                track.space.set()  # a push that waits returns false
                self._retire(generation)
            heard = self._past.get(generation, 0)
        self._wake.set()
        self._tell(events)
        return heard

    # --- what can be done to the active generation ----------------------------------------------------------------

    def pause(self) -> bool:
        """Stops the active generation where it is, within the next block; false if there is none, or it is paused."""
        with self._lock:
            active = self._active()
            if active is None or self._paused:
                return False
            self._stop(active, cleared=False)
            self._paused = True
            return True

    def resume(self, rewind_seconds: float = 0.0) -> bool:
        """Takes a paused generation up again, ``rewind_seconds`` (at most 2) before it stopped; false if none is."""
        with self._lock:
            active = self._active()
            if active is None or not self._paused:
                return False
            track = self._tracks[active]
            track.rewind(max(0, round(rewind_seconds * self.rate)))
            self._paused = self.took_back = False
            self._ramps.rise(needed=track.top > 0)
        self._wake.set()
        return True

    def stopped_at(self, generation: int, sample: int) -> None:
        """A sink that took sound back has learnt where the paused ``generation`` really stopped: it goes on there."""
        with self._lock:
            if self._paused and self.took_back and generation == self._active():
                self._tracks[generation].go_to(sample)
                self._blocks.take_back(generation, sample)

    def duck(self, gain_db: float = -12.0) -> None:
        """Lowers the active generation by ``gain_db`` until :meth:`unduck`, or until it ends."""
        with self._lock:
            if self._active() is not None:
                self._ramps.target = 10.0 ** (gain_db / 20.0)

    def unduck(self) -> None:
        """Undoes :meth:`duck`."""
        with self._lock:
            self._ramps.target = 1.0

    # --- the sink's side ------------------------------------------------------------------------------------------

    def pull(self, samples: int, time: float, *, heard: bool = True) -> Pcm:
        """The next ``samples`` samples, the first of which is heard at ``time``; silence where nothing is due.

        Returns int16 of shape ``(samples,)`` that the caller may keep but not change. Never blocks, never raises.
        Without ``heard`` the samples reach nobody: the clock goes on, and what is left of this generation does not
        count as heard, even if a later block is.
        """
        return self.take(samples, time, heard=heard)[0]

    def take(self, samples: int, time: float, *, heard: bool = True) -> tuple[Pcm, Sequence[Piece]]:
        """The same as :meth:`pull`, and whose samples they are; what no piece names is silence, or a ramp."""
        events: list[PlayoutEvent] = []
        with self._lock:
            block = self._fill(samples, time, events, heard)
            pieces, self._pieces = self._pieces, []
            if not heard:
                block = np.zeros(samples, np.int16)
        if events or self.tap is not None:
            if threading.get_ident() == self._thread:
                self._tell(events, block, time, pieces)
            else:
                self._loop.call_soon_threadsafe(self._tell, events, block, time, pieces)
        return block, pieces

    @property
    def ready(self) -> int | None:
        """How many samples can be pulled before the active generation runs dry; ``None`` if it never will."""
        with self._lock:
            active = self._active()
            track = self._tracks[active] if active is not None else None
            return None if track is None or track.finished else track.queued

    @property
    def idle(self) -> bool:
        """Whether a sink may stop pulling, until :meth:`wanted` returns: there is nothing to play, and no gap runs."""
        with self._lock:
            return self._is_idle()

    async def wanted(self) -> None:
        """Waits until there is something to pull."""
        while self.idle:
            self._wake.clear()
            await self._wake.wait()

    # --- what was heard -------------------------------------------------------------------------------------------

    @property
    def newest(self) -> int:
        """The generation opened last, -1 if none was; the next one must be higher."""
        return self._newest

    @property
    def active(self) -> int | None:
        """The generation that sounds, or is the next to: the oldest released one."""
        with self._lock:
            return self._active()

    @property
    def audible(self) -> bool:
        """Whether she can be heard now: the active generation has started, and is neither paused nor in a gap."""
        with self._lock:
            active = self._active()
            return self._sounding and active is not None and self._tracks[active].started

    @property
    def paused(self) -> bool:
        """Whether the active generation is paused."""
        return self._paused

    def heard(self, generation: int) -> int:
        """How many samples of ``generation`` were played; what is played again after a rewind does not count twice."""
        with self._lock:
            track = self._tracks.get(generation)
            return track.top if track is not None else self._past.get(generation, 0)

    def buffered(self, generation: int) -> float:
        """Seconds of ``generation`` that wait to be played."""
        with self._lock:
            track = self._tracks.get(generation)
            return track.queued / self.rate if track is not None else 0.0

    def at(self, time: float) -> Position | None:
        """What sounds at ``time``, to the sample, within the last two seconds; ``None`` before anything did."""
        with self._lock:
            return self._blocks.at(time)

    def loud_at(self, time: float) -> bool:
        """Whether a block that sounded at ``time``, or a moment before, was audible."""
        with self._lock:
            return self._blocks.loud_at(time)

    # --- inside; the lock is held -------------------------------------------------------------------------------

    def _active(self) -> int | None:
        for generation, track in self._tracks.items():
            if track.released:
                return generation
        return None

    def _is_idle(self) -> bool:
        active = self._active()
        if self._ramps.dying:
            return False
        if active is None or self._paused:
            return True
        track = self._tracks[active]
        return not track.ready(self._cushion)

    def _retire(self, generation: int) -> None:
        track = self._tracks.pop(generation)
        self._past[generation] = track.top
        if len(self._past) > REMEMBERED:
            del self._past[next(iter(self._past))]

    def _calm(self) -> None:
        self._paused = self._sounding = False
        self._ramps.calm()

    def _fill(self, samples: int, time: float, events: list[PlayoutEvent], heard: bool) -> Pcm:
        block: Pcm = np.zeros(0, np.int16)
        while len(block) < samples and not self._paused:
            generation = self._active()
            if generation is None:
                break
            track = self._tracks[generation]
            if not track.ready(self._cushion):
                break
            now = time + len(block) / self.rate
            first = track.cursor
            track.unheard = track.unheard or not heard
            part = track.take(samples - len(block))
            if len(part):
                self._gap_over(generation, track, events)
                loud = heard and bool(part.max() >= AUDIBLE or part.min() <= -AUDIBLE)
                if loud and not track.started:
                    track.started = True
                    onset = int(np.argmax((part >= AUDIBLE) | (part <= -AUDIBLE)))
                    events.append(PlayoutStarted(generation, now + onset / self.rate))
                self._blocks.add(now, generation, first, len(part), loud)
                self._pieces.append(Piece(generation, first, len(block), len(part)))
                part = self._ramps.shape(part)
                block = np.concatenate((block, part)) if len(block) else part
                self._sounding = True
                if track.crowded:
                    track.crowded = False
                    self._loop.call_soon_threadsafe(track.space.set)
            elif track.finished:
                events.append(PlayoutFinished(generation, track.gap_time if track.gap else now, track.top))
                self._retire(generation)
                self._calm()
            else:
                if track.top:
                    if not track.gap:
                        self._fade_out(track, after=len(block))
                        track.gap_time = now
                    track.gap += samples - len(block)
                break
        if len(block) < samples:
            self._sounding = False
            block = np.concatenate((block, np.zeros(samples - len(block), np.int16)))
        return self._ramps.mix(block)

    def _gap_over(self, generation: int, track: Track, events: list[PlayoutEvent]) -> None:
        if track.gap:
            self.underruns += 1
            events.append(PlayoutUnderrun(generation, track.gap_time, track.gap))
            track.gap = 0
            self._ramps.rise()

    def _fade_out(self, track: Track, after: int = 0) -> None:
        if self._sounding:
            self._ramps.fade_out(track.following(self._ramps.length), after)
            self._sounding = False

    def _stop(self, generation: int, *, cleared: bool) -> None:
        heard = self.halt(generation, cleared) if self.halt else None
        self.took_back = heard is not None
        if heard is None:
            self._fade_out(self._tracks[generation])
        else:
            self._sounding = False
            self._tracks[generation].go_to(heard)
            self._blocks.take_back(generation, heard)

    # --- inside; the lock is not held ---------------------------------------------------------------------------

    def _tell(
        self, events: list[PlayoutEvent], block: Pcm | None = None, time: float = 0.0, pieces: Sequence[Piece] = ()
    ) -> None:
        if block is not None and self.tap is not None:
            self.tap(block, time, pieces)
        for event in events:
            self._on_event(replace(event, at=self._loop.time()))
