"""Keeps her from hearing herself on open speakers.

There are two ways behind one protocol. :class:`EchoCanceller` takes her voice out of the microphone's sound, so that
she can be interrupted. :class:`~sophia.half_duplex.HalfDuplexGuard` silences the microphone while she speaks, so that
she cannot. Both are told what is played by the playout, with the time at which it sounds. With a headset neither is
needed.
"""

from __future__ import annotations

import importlib
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import soxr

from sophia.audio import EAR_RATE, Frame, Pcm, dbfs
from sophia.half_duplex import AUDIBLE_DB, HalfDuplexGuard

_STEP = EAR_RATE // 100  # the canceller works in 10 ms
_LEAD = 0.04  # seconds that the canceller is told ahead of what sounds, at most
_LEAST_LEAD = -0.02  # below that the sink stalls, and waiting for it would put the echo before its cause
_PATIENCE = 10.0
_SLACK = 0.01  # seconds by which playing times may be off before silence is put in or sound left out
_KEPT = 1.0  # seconds of what was played that are kept
_TOLD = 10.0  # seconds of it that wait for the microphone at most; the oldest goes first
_SETTLING = 1.5  # seconds of her voice that AEC3 needs to learn a room; measured, see docs/ears.md


class EchoError(Exception):
    """Echo cannot be kept out as asked; the message says why and what to do, in one line."""


class EchoGuard(Protocol):
    """Between microphone and ears.

    ``reference`` is told what is played: mono ``pcm`` at ``rate`` Hz whose first sample sounds at ``time``
    (``loop.time()``), in order; it may be called from the sound card's thread. ``process`` takes the microphone's
    frames in order and returns those that are ready, without her voice: one may wait for the next to tell whose it is.
    """

    def reference(self, pcm: Pcm, rate: int, time: float) -> None: ...

    def process(self, frame: Frame) -> Sequence[Frame]: ...


class EchoCanceller:
    """Takes her voice out of the microphone's sound by WebRTC's AEC3.

    The canceller finds the room's delay and changes of it by itself; it must only never hear the echo before it was
    told what is played. In double talk it mutes part of the near voice: good enough to notice an interruption, while
    its first words may be garbled. While it is still learning the room, in the first 1.5 s that she ever sounds, it
    lets her echo through; for that long the microphone is silenced instead.

    ``module`` stands in for ``livekit.rtc`` in tests. Raises :class:`EchoError` where that is not installed.
    """

    def __init__(self, *, module: Any = None) -> None:
        self._rtc = module if module is not None else _livekit()
        self._apm = self._rtc.AudioProcessingModule(
            echo_cancellation=True, noise_suppression=False, high_pass_filter=True, auto_gain_control=False
        )
        self._settling = HalfDuplexGuard()
        self._learnt = 0.0  # seconds of her voice so far
        self._far = _Timeline()
        self._told: deque[tuple[Pcm, int, float]] = deque()  # filled by the sound card's thread
        self._lock = threading.Lock()  # over _told
        self._lead = _LEAD
        self._short = _LEAD  # how much was known ahead at the last frame, if less than hoped
        self._least = _LEAD  # the least that was known ahead since …
        self._since = float("-inf")  # … this time

    def reference(self, pcm: Pcm, rate: int, time: float) -> None:
        with self._lock:
            self._told.append((np.array(pcm, np.int16), rate, time))
            while self._told[0][2] < time - _TOLD:
                self._told.popleft()
        if self._learnt < _SETTLING and dbfs(pcm) >= AUDIBLE_DB:
            self._learnt += len(pcm) / rate
            self._settling.reference(pcm, rate, time)

    def process(self, frame: Frame) -> Sequence[Frame]:
        if frame.rate != EAR_RATE or len(frame.pcm) % _STEP:
            raise ValueError(f"the canceller needs whole 10 ms of {EAR_RATE} Hz, not {len(frame.pcm)} at {frame.rate}")
        went_on = False
        with self._lock:
            told, self._told = self._told, deque()
        for block in told:
            went_on = self._far.add(*block)
            if not went_on:
                self._short = _LEAD  # playing had stopped: nothing was late
        if went_on:
            self._adjust_lead(frame.time)
        clean = np.empty_like(frame.pcm)
        for i in range(0, len(frame.pcm), _STEP):
            begin = frame.time + i / EAR_RATE
            far = self._apm_frame(self._played(begin))
            self._apm.process_reverse_stream(far)
            near = self._apm_frame(frame.pcm[i : i + _STEP])
            self._apm.process_stream(near)
            clean[i : i + _STEP] = np.frombuffer(near.data, np.int16)
        self._far.forget(frame.time - _KEPT)
        return self._settling.process(Frame(clean, frame.time, frame.rate))

    def _played(self, begin: float) -> Pcm:
        """10 ms of what she plays from a little after ``begin``: the sooner it is told the better."""
        self._short = min(self._short, self._far.end - begin - _STEP / EAR_RATE)
        return self._far.read(begin + self._lead, _STEP)

    def _adjust_lead(self, now: float) -> None:
        """How much ahead is known depends on the sink.

        Where it is less than hoped the lead shrinks at once, so that nothing more is left out; it grows again only
        after a while without need, since the canceller has to find the delay anew.
        """
        if self._short < self._lead:
            self._lead = max(_LEAST_LEAD, self._short)
        self._least = min(self._least, self._short)
        self._short = _LEAD
        if now - self._since > _PATIENCE:
            self._lead = max(self._lead, self._least)
            self._least, self._since = _LEAD, now

    def _apm_frame(self, pcm: Pcm) -> Any:
        return self._rtc.AudioFrame(bytearray(pcm.tobytes()), EAR_RATE, 1, _STEP)


class _Timeline:
    """What was played, at 16 kHz, laid out by the time at which it sounds."""

    def __init__(self) -> None:
        self.end = float("-inf")
        """When the last known sample has sounded."""
        self._sound: Pcm = np.zeros(0, np.int16)
        self._resampler: Any = None
        self._rate = 0
        self._due = float("-inf")  # when the next block should begin
        self._held = 0.0  # seconds of sound that the resampler holds back

    def add(self, pcm: Pcm, rate: int, time: float) -> bool:
        """Lays out a block. Gaps become silence; where blocks overlap the later one counts.

        Returns whether it followed the last one without a gap.
        """
        before = self._due
        if abs(time - before) > _KEPT or rate != self._rate:
            self._rate = rate
            self._resampler = _resampler(rate) if rate != EAR_RATE else None
            self._sound = np.zeros(0, np.int16)
            self._due, self._held = time, 0.0
        seconds = len(pcm) / rate
        off = time - self._due
        sound = pcm if self._resampler is None else self._resampler.resample_chunk(pcm)
        self._held += seconds - len(sound) / EAR_RATE
        if off > _SLACK:
            sound = np.concatenate([np.zeros(round(off * EAR_RATE), np.int16), sound])
        elif off < -_SLACK:
            self._sound = self._sound[: max(0, len(self._sound) - round(-off * EAR_RATE))]
        if abs(off) > _SLACK:
            self._due = time
        self._due += seconds
        self.end = self._due - self._held
        self._sound = np.concatenate([self._sound, sound])
        return abs(time - before) <= _SLACK

    def read(self, time: float, samples: int) -> Pcm:
        """``samples`` from ``time`` on, silence where nothing is known."""
        first = len(self._sound) - round((self.end - time) * EAR_RATE) if len(self._sound) else 0
        piece = self._sound[max(first, 0) : max(first + samples, 0)]
        before = min(samples, max(0, -first))
        return np.concatenate([np.zeros(before, np.int16), piece, np.zeros(samples - before - len(piece), np.int16)])

    def forget(self, time: float) -> None:
        """Lets go of what sounded before ``time``."""
        if len(self._sound):
            first = len(self._sound) - round((self.end - time) * EAR_RATE)
            self._sound = self._sound[min(max(first, 0), len(self._sound)) :]


def _resampler(rate: int) -> Any:
    """One that holds back at most 20 ms; better ones hold back 40."""
    return soxr.ResampleStream(rate, EAR_RATE, 1, dtype="int16", quality="LQ")


def _livekit() -> Any:
    try:
        return importlib.import_module("livekit.rtc")
    except (ImportError, OSError) as error:
        raise EchoError(
            "echo cancellation is not installed; .venv/bin/python -m pip install -e '.[aec]', "
            "or use half_duplex or a headset"
        ) from error
