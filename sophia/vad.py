"""Voice activity as a pure state machine: speech probabilities in, edges out. No model, no clock, no I/O.

It is quick and raw. It says that a voice started or stopped as soon as a few windows agree, and dates the edge back to
where the sound changed. How long to wait after an edge before a turn is over is endpointing, in turn taking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sophia.audio import EAR_RATE, Frame, Pcm

_BLOCK = EAR_RATE // 100
_BELOW_PEAK = 10 ** (-35 / 20)  # quieter than this beside the voice's loudest 10 ms is its room, not the voice
_ABOVE_NOISE = 2.0
LEAST_OFFSET = 0.01
"""Probability of speech under which every window is unvoiced."""

_LOOK_BACK = 0.2  # seconds; the network never trailed by more


class VadSettings(BaseModel):
    """When a voice counts as started and stopped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    onset: float = Field(0.5, description="speech probability from which a window counts as voiced", gt=0, lt=1)
    offset: float = Field(0.35, description="speech probability under which a window counts as unvoiced", gt=0, lt=1)
    onset_windows: int = Field(2, description="voiced 32 ms windows in a row that start a voice", ge=1, le=20)
    offset_windows: int = Field(2, description="unvoiced 32 ms windows in a row that stop it", ge=1, le=60)
    reset_seconds: float = Field(
        2.0, description="clear non-speech after which the network's memory is emptied, against drift", ge=0.5, le=60
    )

    @model_validator(mode="after")
    def _hysteresis(self) -> VadSettings:
        if self.offset > self.onset:
            raise ValueError(f"offset ({self.offset}) must not be above onset ({self.onset})")
        return self

    def moved_to(self, onset: float) -> VadSettings:
        """The same with another ``onset``; the ``offset`` stays as far below it, if there is room."""
        moved = max(LEAST_OFFSET, onset - (self.onset - self.offset))
        return self.model_copy(update={"onset": onset, "offset": min(moved, onset)})


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """A voice was heard from ``time`` on; that was certain at ``at`` (both ``loop.time()``)."""

    time: float
    at: float


@dataclass(frozen=True, slots=True)
class VoiceStopped:
    """The last voiced sample was at ``time``; that was certain at ``at`` (both ``loop.time()``).

    ``captured`` is when the frame with that sample reached the loop, if whoever passes the edge on knows it.
    """

    time: float
    at: float
    captured: float | None = None


class Detector(Protocol):
    """Voice activity of one session."""

    def push(self, frame: Frame) -> None: ...

    def adapt(self, threshold: float | None) -> None:
        """From now on a voice counts from this probability of speech; None is the detector's own."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """What the network said about the sound from ``start`` to ``end`` (``loop.time()``)."""

    probability: float
    start: float
    end: float


class VoiceActivity:
    """Hysteresis over windows.

    ``step`` takes the next window and returns the edge it made certain, dated by the window's own ends, or None.
    ``settings`` may be changed at any time.
    """

    def __init__(self, settings: VadSettings) -> None:
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Forgets everything; a voice that was on is not reported as stopped."""
        self.speaking = False
        self.silence = 0.0
        """Seconds of unbroken clear non-speech, for the drift reset."""
        self._run = 0
        self._edge = 0.0

    def step(self, window: Window, at: float) -> VoiceStarted | VoiceStopped | None:
        """Takes a window at the time ``at``; windows come in order."""
        if self.speaking:
            return self._while_speaking(window, at)
        return self._while_silent(window, at)

    def _while_silent(self, window: Window, at: float) -> VoiceStarted | None:
        if window.probability < self.settings.offset:
            self.silence += window.end - window.start
        else:
            self.silence = 0.0
        if window.probability < self.settings.onset:
            self._run = 0
            return None
        if self._run == 0:
            self._edge = window.start
        self._run += 1
        if self._run < self.settings.onset_windows:
            return None
        self.speaking, self._run, self.silence = True, 0, 0.0
        started = VoiceStarted(self._edge, at)
        self._edge = window.end
        return started

    def _while_speaking(self, window: Window, at: float) -> VoiceStopped | None:
        if window.probability >= self.settings.offset:
            self._run = 0
            self._edge = window.end
            return None
        self._run += 1
        if self._run < self.settings.offset_windows:
            return None
        self.speaking, self._run = False, 0
        return VoiceStopped(self._edge, at)


def last_voiced(pcm: Pcm, ends: float, edge: float) -> float:
    """Sharpens the end of a voice by its level: the network trails the sound by up to 0.1 s.

    ``pcm`` is the latest second or so at 16 kHz, just after whose last sample it was ``ends``; ``edge`` is the end of
    the last window that the network called voiced. Returns the end of the last 10 ms before ``edge`` that stand out
    from what followed and from the voice's loudest part, or ``edge`` itself where noise leaves nothing to stand out.
    """
    blocks = len(pcm) // _BLOCK
    sound = pcm[len(pcm) - blocks * _BLOCK :].reshape(blocks, _BLOCK).astype(np.float32)
    levels = np.sqrt(np.mean(sound * sound, axis=1))
    seconds = _BLOCK / EAR_RATE
    edge_block = max(0, min(blocks, blocks - round((ends - edge) / seconds)))
    if edge_block in (0, blocks):
        return edge
    threshold = max(float(levels.max()) * _BELOW_PEAK, float(np.median(levels[edge_block:])) * _ABOVE_NOISE)
    first = max(0, edge_block - round(_LOOK_BACK / seconds))
    loud = np.flatnonzero(levels[first:edge_block] > threshold)
    if len(loud) == 0:
        return edge
    return min(edge, ends - (blocks - first - int(loud[-1]) - 1) * seconds)
