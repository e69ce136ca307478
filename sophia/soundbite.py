"""Recorded voices through the same door as a microphone: WAV files as an audio source, in real time.

Frames leave on absolute deadlines, so a late event loop is caught up with and nothing drifts. After the first bite the
next may wait for a cue, which is how a conversation is held: the next soundbite is spoken when the reply is over. Where
she has something to say before anything else, the first one may wait as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame, Pcm

_FRAME = round(EAR_RATE * FRAME_SECONDS)
_BLOCK = EAR_RATE // 100
_BELOW_PEAK = 10 ** (-35 / 20)
_QUIETEST = 33.0  # RMS, -60 dB of full scale: less than this is no voice


class SoundbiteSettings(BaseModel):
    """When the recorded voices speak."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lead_seconds: float = Field(0.5, description="silence before the first soundbite", ge=0, le=60)
    pause_seconds: float = Field(1.0, description="silence between two soundbites, or after a cue", ge=0, le=60)
    tail_seconds: float | None = Field(
        2.0, description="silence after the last soundbite; none listens until it is stopped", ge=0, le=3600
    )
    wait_for_cue: bool = Field(False, description="speak the next soundbite only after the reply to the last is over")


@dataclass(frozen=True, slots=True)
class Bite:
    """A recording to be played: mono 16 kHz ``pcm``, shape ``(samples,)``, and the ``name`` reports call it by."""

    name: str
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where a bite lies on the loop's clock.

    It is known when its first frame leaves, so the times may be yet to come. The voice begins at ``first_voiced`` and
    ends at ``last_voiced``; both are None for a bite of silence.
    """

    bite: Bite
    first_voiced: float | None
    last_voiced: float | None


class Soundbite:
    """An :class:`sophia.audio.AudioSource` that plays bites.

    ``spoken`` lists what was begun so far; ``late`` counts frames that left more than a frame after their deadline.
    Nothing is ever lost, so ``overflows`` stays 0.
    """

    def __init__(self, bites: Sequence[Bite], settings: SoundbiteSettings) -> None:
        self.overflows = 0
        self.late = 0
        self.spoken: list[Spoken] = []
        self._bites = bites
        self._settings = settings
        self._cued = False
        self._closed = False
        self._held = False

    @property
    def held(self) -> bool:
        """Whether the first bite waits for a cue, too."""
        return self._held

    def hold(self) -> None:
        """Has the first bite wait for a cue, too; to be called before ``frames()``."""
        self._held = True

    @property
    def left(self) -> int:
        """Bites that have not begun."""
        return len(self._bites) - len(self.spoken)

    def cue(self) -> None:
        """Lets the next bite come, ``pause_seconds`` from now or, while one is played, from its end."""
        self._cued = True

    async def frames(self) -> AsyncIterator[Frame]:
        """20 ms frames in real time; each leaves when its last sample would have been spoken."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, pcm in enumerate(self._pieces(start)):
            deadline = start + (number + 1) * FRAME_SECONDS
            if (ahead := deadline - loop.time()) > 0:
                await asyncio.sleep(ahead)
            elif ahead < -FRAME_SECONDS:
                self.late += 1
            if self._closed:
                return
            yield Frame(pcm, start + number * FRAME_SECONDS)

    async def aclose(self) -> None:
        """Ends ``frames()`` at its next frame."""
        self._closed = True

    def _pieces(self, start: float) -> Iterator[Pcm]:
        """All of the stream's sound in frames, decided one frame at a time."""
        silence = np.zeros(_FRAME, np.int16)
        played = 0  # frames so far
        for number, bite in enumerate(self._bites):
            pause = self._settings.pause_seconds if number else self._settings.lead_seconds
            while (self._settings.wait_for_cue if number else self._held) and not self._cued:
                yield silence
                played += 1
            for _ in range(round(pause / FRAME_SECONDS)):
                yield silence
                played += 1
            self._cued = False
            self.spoken.append(_placed(bite, start + played * FRAME_SECONDS))
            for i in range(0, len(bite.pcm), _FRAME):
                piece = bite.pcm[i : i + _FRAME]
                yield np.pad(piece, (0, _FRAME - len(piece)))
                played += 1
        tail = self._settings.tail_seconds
        left = None if tail is None else round(tail / FRAME_SECONDS)
        while left is None or left > 0:
            yield silence
            left = None if left is None else left - 1


def voiced_span(pcm: Pcm) -> tuple[int, int] | None:
    """The first and just after the last voiced sample by level, to 10 ms; None if all is silence.

    Voiced is what is less than 35 dB below the loudest 10 ms and above -60 dB of full scale. Good for clean
    recordings; in a noisy one the noise counts.
    """
    padded = np.pad(pcm, (0, -len(pcm) % _BLOCK)).reshape(-1, _BLOCK).astype(np.float32)
    levels = np.sqrt(np.mean(padded * padded, axis=1))
    loud = np.flatnonzero(levels > max(_QUIETEST, float(levels.max(initial=0.0)) * _BELOW_PEAK))
    if len(loud) == 0:
        return None
    return int(loud[0]) * _BLOCK, min(len(pcm), (int(loud[-1]) + 1) * _BLOCK)


def _placed(bite: Bite, start: float) -> Spoken:
    span = voiced_span(bite.pcm)
    if span is None:
        return Spoken(bite, None, None)
    return Spoken(bite, start + span[0] / EAR_RATE, start + span[1] / EAR_RATE)
