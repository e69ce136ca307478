"""Simulated users and services with exact delays, for tests and for measuring what the runtime itself adds.

Nothing here is a stub of a protocol: the wire is not involved. Each part satisfies the protocol of the real one, so
that a :class:`~.Conversation` cannot tell them apart, on a real or a virtual clock. Every
figure that comes out of them is a figure of a simulated service.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nova.mind import Message
from nova.tools import Choice, ToolCall, ToolSpec
from pipelines.simulation.paced import Answer, Pace, PacedFace, PacedMind, PacedVoice
from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame, Pcm
from sophia.transcripts import Transcript, Word
from sophia.vad import VoiceStarted, VoiceStopped

FRAME_SAMPLES = round(EAR_RATE * FRAME_SECONDS)
SILENCE: Pcm = np.zeros(FRAME_SAMPLES, np.int16)
VOICE: Pcm = np.tile(np.array([3000, -3000], np.int16), FRAME_SAMPLES // 2)


@dataclass(frozen=True, slots=True)
class Delays:
    """What each simulated service takes, in seconds.

    The defaults are the scenario of ``docs/benchmarks.md``: the final transcript 60 ms after the last sample, the
    first token after 120 ms and one each 15 ms, the first sound 80 ms after a text, then 8 times real time in pieces
    of 40 ms, a face frame 10 ms after its sound.
    """

    final: float = 0.060
    first_token: float = 0.120
    token: float = 0.015
    first_sound: float = 0.080
    speed: float = 8.0
    piece: float = 0.040
    face: float = 0.010


@dataclass(frozen=True, slots=True)
class Says:
    """Something the simulated user says, ``at`` seconds from the start; ``pcm`` is the sound, at 16 kHz.

    Without ``pcm`` it is ``seconds`` of a buzz that only a simulated detector takes for a voice. ``text`` is what the
    simulated recogniser will make of it, in ``language``; empty: noise.
    """

    at: float
    text: str
    seconds: float = 0.6
    pcm: Pcm | None = None
    language: str = "en-US"

    @property
    def length(self) -> float:
        return len(self.pcm) / EAR_RATE if self.pcm is not None else self.seconds


class SimulatedUser:
    """An :class:`~sophia.audio.AudioSource` that speaks from a script in real time, on absolute deadlines.

    Its first frame begins ``phase`` seconds after it is asked for. Between the words is ``room``, again and again, or
    digital silence. Where things begin and end is counted in samples: seconds would be rounded.
    """

    def __init__(self, script: Sequence[Says], seconds: float, *, phase: float = 0.0, room: Pcm | None = None) -> None:
        self.overflows = 0
        self.started = 0.0
        self._script = sorted(script, key=lambda says: says.at)
        self._ends = deque(sorted(((_sample(says.at + says.length), says) for says in script), key=lambda end: end[0]))
        self._frames = round(seconds / FRAME_SECONDS)
        self._phase = phase
        self._room = [SILENCE] if room is None else _frames_of(room)

    def ended_in(self, frame: Frame) -> list[Says]:
        """What the user has said with the last sample of this frame: each line once, in the frame where it ends.

        To be asked about each frame, in order.
        """
        end = _sample(frame.time - self.started) + FRAME_SAMPLES
        ended = []
        while self._ends and self._ends[0][0] <= end:
            ended.append(self._ends.popleft()[1])
        return ended

    def utter(self, text: str, seconds: float, *, language: str = "en-US") -> float:
        """Says something that was not in the script, from the next frame on; returns the ``loop.time()`` of its end."""
        now = asyncio.get_running_loop().time() - self.started
        says = Says(math.ceil(now / FRAME_SECONDS + 1) * FRAME_SECONDS, text, seconds, language=language)
        self._script.append(says)
        self._ends.append((_sample(says.at + says.length), says))
        return self.started + says.at + says.length

    async def frames(self) -> AsyncIterator[Frame]:
        loop = asyncio.get_running_loop()
        self.started = loop.time() + self._phase
        for index in range(self._frames):
            start = index * FRAME_SECONDS
            delay = self.started + start + FRAME_SECONDS - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            yield Frame(self._sound(start), self.started + start)

    async def aclose(self) -> None:
        self._frames = 0

    def _sound(self, start: float) -> Pcm:
        place = _sample(start)
        quiet = self._room[place // FRAME_SAMPLES % len(self._room)]
        for says in self._script:
            first, end = _sample(says.at), _sample(says.at + says.length)
            if says.pcm is None:
                if first <= place < end:
                    return VOICE
            elif first - FRAME_SAMPLES < place < end:
                piece = says.pcm[max(0, place - first) : place - first + FRAME_SAMPLES]
                if len(piece) == FRAME_SAMPLES:
                    return piece
                before = max(0, first - place)
                return np.concatenate((quiet[:before], piece, quiet[before + len(piece) :]))
        return quiet


def _sample(seconds: float) -> int:
    return round(seconds * EAR_RATE)


def _frames_of(pcm: Pcm) -> list[Pcm]:
    return [pcm[at : at + FRAME_SAMPLES] for at in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES)]


class OracleDetector:
    """Tells voice from silence at once and without error, given a simulated user's buzz."""

    def __init__(self, emit: Callable[[VoiceStarted | VoiceStopped], None]) -> None:
        self._emit = emit
        self._speaking = False
        self._loop = asyncio.get_running_loop()

    def adapt(self, threshold: float | None) -> None:
        """It knows without a probability."""

    def push(self, frame: Frame) -> None:
        voiced = bool(frame.pcm.any())
        if voiced != self._speaking:
            self._speaking = voiced
            event = VoiceStarted if voiced else VoiceStopped
            self._emit(event(frame.time, self._loop.time()))


class SimulatedRecognizer:
    """Gives the final transcript a fixed time after it was handed the last sample of what was said. No interims.

    ``stable_first`` adds a stable partial at that time and gives the final that much later. Its words have times, all
    of one length.
    """

    def __init__(self, user: SimulatedUser, delays: Delays, stable_first: float = 0.0) -> None:
        self.dropped = 0
        self.listening = True
        self._user = user
        self._delays = delays
        self._stable_first = stable_first
        self._queue: asyncio.Queue[Transcript | None] = asyncio.Queue(64)
        self._loop = asyncio.get_running_loop()

    def push(self, frame: Frame) -> None:
        for says in self._user.ended_in(frame):
            delay = self._delays.final
            processed = frame.end - self._user.started
            if self._stable_first:
                stable = Transcript(says.text, stability=1.0, audio_processed=processed, language=says.language)
                self._loop.call_later(delay, self._queue.put_nowait, stable)
                delay += self._stable_first
            said = says.text.split()
            length = says.length / max(1, len(said))
            words = tuple(
                Word(word, says.at + place * length, says.at + (place + 1) * length, 1.0)
                for place, word in enumerate(said)
            )
            final = Transcript(
                says.text,
                final=True,
                confidence=1.0,
                words=words,
                audio_processed=processed,
                language=says.language,
            )
            self._loop.call_later(delay, self._queue.put_nowait, final)

    def finish_utterance(self) -> None:
        """The final comes when it comes."""

    def expect_answer(self, *, goes_on: bool = False) -> None:
        """The answer comes when it comes."""

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (transcript := await self._queue.get()) is not None:
            yield transcript

    async def aclose(self) -> None:
        self._queue.put_nowait(None)


class SimulatedMind(PacedMind):
    """Streams the same tokens for every question, at an exact pace."""

    def __init__(self, tokens: Sequence[str | ToolCall], delays: Delays) -> None:
        super().__init__(lambda _: Answer(tokens, delays.first_token, lambda: delays.token))
        self.calls: list[list[Message]] = []
        self.offers: list[tuple[tuple[ToolSpec, ...], Choice]] = []

    @property
    def open(self) -> int:
        """Requests under way."""
        return self.busy.count

    def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        self.calls.append(list(messages))
        self.offers.append((tuple(tools), choice))
        return super().reply(messages, tools, choice)


class SimulatedVoice(PacedVoice):
    """Sounds like a tone: ``pace`` seconds for each word, in pieces, faster than real time after an exact delay."""

    def __init__(self, delays: Delays, rate: int = 24_000, pace: float = 0.3) -> None:
        exact = Pace(delays.first_sound, 1 / delays.speed)
        super().__init__(lambda: exact, rate=rate, word=pace, piece=delays.piece)

    @property
    def open(self) -> int:
        """Requests under way."""
        return self.busy.count


class SimulatedFace(PacedFace):
    """Moves its jaw an exact delay after the first sound, and then follows the sound at once."""

    def __init__(self, delays: Delays | None = None) -> None:
        exact = Pace((delays or Delays()).face, 0.0)
        super().__init__(lambda: exact)
