"""A voice detector whose ends of voices are judged: did that sound like the end of a turn?

The sound is judged beside the loop, and nobody waits for it. One judgement is under way for each session at most: what
the user says next makes an older one void. What turn taking makes of it is its own affair.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

import numpy as np

from sophia.audio import EAR_RATE, Frame, Pcm
from sophia.events import SoundJudged
from sophia.smart_turn import SECONDS
from sophia.vad import Detector, VoiceStarted, VoiceStopped

LEAD: Final = 0.2
"""Seconds of sound before a voice that are judged with it: its soft beginning."""

ROOM: Final = 2
"""Seconds of sound that come before what is kept is moved: a session holds 0.3 MB."""

THREADS: Final = 2
"""Judgements at once, of all sessions of a process; each takes a core for 0.1 s."""

_log = logging.getLogger(__name__)

Heard = VoiceStarted | VoiceStopped | SoundJudged


class SoundJudge(Protocol):
    """Judges sound for any number of sessions, and never on their loop."""

    def judge(self, sound: Pcm, tell: Callable[[float], None]) -> Callable[[], None]:
        """Has 16 kHz mono ``sound`` judged, and returns how to call that off.

        ``tell`` hears on the loop how probable it is, from 0 to 1, that the turn is over; or it hears nothing.
        """
        ...


class ThreadedJudge:
    """A :class:`SoundJudge` by ``complete``, which blocks, in threads of its own. Made in the loop that it tells.

    What was called off while it waited for a thread is never begun. So each session has one that waits at most.
    """

    def __init__(self, complete: Callable[[Pcm], float], threads: int = THREADS) -> None:
        self._complete = complete
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="turn model")
        self._loop = asyncio.get_running_loop()

    def judge(self, sound: Pcm, tell: Callable[[float], None]) -> Callable[[], None]:
        wanted = True

        def call_off() -> None:
            nonlocal wanted
            wanted = False
            judging.cancel()

        def hand_over(told: float) -> None:
            if wanted:
                tell(told)

        def judged(done: Future[float]) -> None:
            if done.cancelled():
                return
            if error := done.exception():
                _log.warning("the turn model on audio failed: %s", error)
            else:
                with contextlib.suppress(RuntimeError):  # the loop has gone: nobody waits any more
                    self._loop.call_soon_threadsafe(hand_over, done.result())

        judging = self._threads.submit(self._complete, sound)
        judging.add_done_callback(judged)
        return call_off

    def close(self) -> None:
        """Begins no more, and waits for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class SoundedDetector:
    """The voice detector that ``make`` makes, with a :class:`SoundJudged` after each end of a voice, if it comes.

    ``since`` says when the utterance began that is being heard: it is judged from there on, its last 8 s at most.
    ``emit`` is called with what the detector emits, and with the judgements.
    """

    def __init__(
        self,
        make: Callable[[Callable[[VoiceStarted | VoiceStopped], None]], Detector],
        judge: SoundJudge,
        since: Callable[[], float | None],
        emit: Callable[[Heard], None],
    ) -> None:
        self._judge = judge
        self._since = since
        self._emit = emit
        self._detector = make(self._edge)
        self._sound = np.zeros(EAR_RATE * (SECONDS + ROOM), np.int16)  # what can be judged, and room for more
        self._filled = 0
        self._ends = 0.0  # loop.time() just after its last sample
        self._call_off: Callable[[], None] = lambda: None

    def push(self, frame: Frame) -> None:
        length = len(frame.pcm)
        if self._filled + length > len(self._sound):
            kept = self._sound[self._filled - EAR_RATE * SECONDS : self._filled].copy()
            self._filled = len(kept)
            self._sound[: self._filled] = kept
        self._sound[self._filled : self._filled + length] = frame.pcm
        self._filled += length
        self._ends = frame.end
        self._detector.push(frame)

    def adapt(self, threshold: float | None) -> None:
        self._detector.adapt(threshold)

    def _edge(self, edge: VoiceStarted | VoiceStopped) -> None:
        self._call_off()
        self._emit(edge)
        if isinstance(edge, VoiceStopped) and (since := self._since()) is not None:
            self._call_off = self._judge.judge(self._heard(since - LEAD), lambda told: self._tell(edge.time, told))

    def _tell(self, time: float, complete: float) -> None:
        self._emit(SoundJudged(at=asyncio.get_running_loop().time(), time=time, complete=complete))

    def _heard(self, since: float) -> Pcm:
        samples = min(round((self._ends - since) * EAR_RATE), EAR_RATE * SECONDS, self._filled)
        return self._sound[self._filled - max(0, samples) : self._filled].copy()


def sounded(
    make: Callable[[Callable[[VoiceStarted | VoiceStopped], None]], Detector],
    judge: SoundJudge | None,
    since: Callable[[], float | None],
) -> Callable[[Callable[[Heard], None]], Detector]:
    """Makes what ``make`` does, with its ends of voices judged; ``make`` itself where there is no ``judge``."""
    if judge is None:
        return make
    return lambda emit: SoundedDetector(make, judge, since, emit)
