"""Minds, voices and faces that keep to given delays, on a real or a virtual clock. What the delays are is told them.

They satisfy the protocols of the real clients; no wire is involved. ``busy`` counts requests that are under way.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from aurora.face import ARKIT, FaceFrame, Weights
from aurora.face import Pcm as FacePcm
from aurora.moods import MoodTrack
from nova.mind import Message
from nova.tools import Choice, ToolCall, ToolSpec
from pipelines.simulation.service_load import Busy
from sophia.audio import Pcm
from sophia.speech import SpeechChunk

FRAMES_PER_SECOND = 30
"""What Audio2Face-3D gives."""

CLAUSES = 64
"""Clauses that may wait for the voice (policy when full: whoever has them waits)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the mind: its tokens, seconds to the first, and what tells those to each further one.

    A call of a tool stands among the tokens.
    """

    tokens: Sequence[str | ToolCall]
    first: float
    gap: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pace:
    """One request to voice or face: seconds to the first output, then what one second of sound takes."""

    first: float
    per_second: float


class PacedMind:
    """A :class:`nova.mind.Mind`; ``answer`` is asked for each request."""

    def __init__(self, answer: Callable[[Sequence[Message]], Answer], busy: Busy | None = None) -> None:
        self.busy = busy or Busy()
        self._answer = answer

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        loop = asyncio.get_running_loop()
        with self.busy:
            answer = self._answer(messages)
            due = loop.time() + answer.first
            for token in answer.tokens:
                await asyncio.sleep(max(0.0, due - loop.time()))
                yield token
                due += answer.gap()


class PacedVoice:
    """A :class:`sophia.speech.Synthesizer` that sounds like a tone.

    ``rate`` is in Hz; a word lasts ``word`` seconds, and sound comes in pieces of ``piece`` seconds. ``pace`` is asked
    for each clause. As the real client does, it asks for a clause once the one before has begun to sound.
    """

    def __init__(
        self, pace: Callable[[], Pace], *, rate: int, word: float, piece: float, busy: Busy | None = None
    ) -> None:
        self.rate = rate
        self.busy = busy or Busy()
        self._pace = pace
        self._word = word
        self._piece = piece
        self._tone = tone(rate, max(1.0, piece))

    async def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[SpeechChunk, None]:
        loop = asyncio.get_running_loop()
        texts: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue(CLAUSES)

        async def read() -> None:
            async for clause in clauses:
                await texts.put((loop.time(), clause))
            await texts.put(None)

        reader = asyncio.create_task(read())
        size = round(self._piece * self.rate)
        number, free_at, begun_at = 0, 0.0, 0.0
        try:
            while (item := await texts.get()) is not None:
                with self.busy:
                    handed_at, text = item
                    pace = self._pace()
                    begun_at = due = max(max(handed_at, begun_at) + pace.first, free_at)
                    left = max(1, round(len(text.split()) * self._word * self.rate))
                    while left > 0:
                        await asyncio.sleep(max(0.0, due - loop.time()))
                        pcm = self._tone[: min(size, left)]
                        left -= len(pcm)
                        yield SpeechChunk(pcm, number, text, last=left <= 0)
                        due += self._piece * pace.per_second
                number, free_at = number + 1, due
        finally:
            reader.cancel()
            await asyncio.wait([reader])  # whoever closes ``clauses`` next must not find it in use


class PacedFace:
    """An :class:`aurora.face.Face` that moves its jaw while there is sound; ``pace`` is asked for each clip."""

    def __init__(self, pace: Callable[[], Pace], busy: Busy | None = None) -> None:
        self.busy = busy or Busy()
        self._pace = pace

    async def animate(
        self, sound: AsyncIterator[FacePcm], rate: int, moods: MoodTrack | None = None
    ) -> AsyncGenerator[FaceFrame, None]:
        loop = asyncio.get_running_loop()
        samples = frames = 0
        pace: Pace | None = None
        free_at = 0.0
        with self.busy:
            async for pcm in sound:
                if pace is None:
                    pace = self._pace()
                    free_at = loop.time() + pace.first
                samples += len(pcm)
                await asyncio.sleep(max(0.0, free_at - loop.time()))
                while frames / FRAMES_PER_SECOND < samples / rate:
                    yield FaceFrame(frames / FRAMES_PER_SECOND, _chewing(frames / FRAMES_PER_SECOND))
                    frames += 1
                free_at = max(free_at, loop.time()) + len(pcm) / rate * pace.per_second


def _chewing(time: float) -> Weights:
    """A jaw that goes up and down as with syllables, four times a second; no two frames in a row are alike."""
    weights = np.zeros(len(ARKIT), np.float32)
    weights[ARKIT.index("jawOpen")] = 0.4 + 0.15 * math.sin(8 * math.pi * time)
    return weights


def tone(rate: int, seconds: float) -> Pcm:
    """A tone of 220 Hz, audible from its first sample on; int16 of shape ``(samples,)``."""
    place = np.arange(round(rate * seconds), dtype=np.float32)
    return (8000 * np.cos(2 * np.pi * 220 * place / rate)).astype(np.int16)
