"""The caller of a replayed conversation: an audio source that says a talk's lines when it is cued, in real time.

Frames leave on absolute deadlines, as from a microphone. What was said is known to the sample, and so is when each
frame was taken: that is what latencies are measured against.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np

from pipelines.scenarios.scenario import Line, Talk
from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame, Pcm

FRAME_SAMPLES = round(EAR_RATE * FRAME_SECONDS)

SILENCE: Pcm = np.zeros(FRAME_SAMPLES, np.int16)
SILENCE.flags.writeable = False  # every silent frame is this one


@dataclass(slots=True)
class Said:
    """A line that has begun: its first sample lies at ``start`` on the loop's clock.

    ``captured`` is when the frame that holds its last voiced sample was handed over; None until then.
    """

    line: Line
    start: float
    captured: float | None = None

    @property
    def end(self) -> float:
        """When its last sample is over."""
        return self.start + self.line.seconds

    @property
    def first_voiced(self) -> float | None:
        """When its voice begins."""
        return None if self.line.voiced is None else self.start + self.line.voiced[0] / EAR_RATE

    @property
    def last_voiced(self) -> float | None:
        """When its voice is over: just after its last voiced sample."""
        return None if self.line.voiced is None else self.start + self.line.voiced[1] / EAR_RATE


@dataclass(slots=True)
class _Due:
    line: Line
    at: float
    sample: int | None = None  # place of its first sample in the stream, once the stream has come near


@dataclass(slots=True)
class Caller:
    """An :class:`sophia.audio.AudioSource`. ``said`` lists the lines that have begun, ``late`` frames a frame late.

    Two lines may overlap; they are added. Nothing is ever lost, so ``overflows`` stays 0.
    """

    talk: Talk
    overflows: int = 0
    late: int = 0
    said: list[Said] = field(default_factory=list)
    started: float = 0.0
    _due: list[_Due] = field(default_factory=list)
    _sample: int = 0
    _closed: bool = False

    def say(self, line: Line, at: float) -> None:
        """Says ``line`` from ``at`` (``loop.time()``) on, or at once if that is over; to the sample."""
        self._due.append(_Due(line, at))

    async def frames(self) -> AsyncIterator[Frame]:
        """20 ms frames in real time; each leaves when its last sample would have been spoken."""
        loop = asyncio.get_running_loop()
        self.started = loop.time()
        number = 0
        while not self._closed:
            time = self.started + number * FRAME_SECONDS
            number += 1
            if (ahead := self.started + number * FRAME_SECONDS - loop.time()) > 0:
                await asyncio.sleep(ahead)
            elif ahead < -FRAME_SECONDS:
                self.late += 1
            frame = Frame(self._mix(), time)
            self._sample += FRAME_SAMPLES
            for said in self.said:
                if said.captured is None and said.last_voiced is not None and said.last_voiced <= frame.end + 1e-9:
                    said.captured = loop.time()
            yield frame

    async def aclose(self) -> None:
        """Ends ``frames()`` at its next frame."""
        self._closed = True

    def _mix(self) -> Pcm:
        """The next frame: whatever is said, on top of the noise."""
        if not self._due and self.talk.noise is None:
            return SILENCE
        mixed = self._noise()
        for due in list(self._due):
            if due.sample is None:
                due.sample = max(round((due.at - self.started) * EAR_RATE), self._sample)
            place = due.sample - self._sample
            if place >= FRAME_SAMPLES:
                continue
            if place >= 0:
                self.said.append(Said(due.line, self.started + due.sample / EAR_RATE))
            piece = due.line.pcm[max(0, -place) : FRAME_SAMPLES - place]
            mixed[max(0, place) : max(0, place) + len(piece)] += piece
            if FRAME_SAMPLES - place >= len(due.line.pcm):
                self._due.remove(due)
        return np.clip(mixed, -32768, 32767).astype(np.int16)

    def _noise(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        noise = self.talk.noise
        if noise is None:
            return np.zeros(FRAME_SAMPLES, np.int32)
        return noise.take(range(self._sample, self._sample + FRAME_SAMPLES), mode="wrap").astype(np.int32)
