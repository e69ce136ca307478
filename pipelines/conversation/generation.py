"""One attempt at a reply: the mind's words become clauses, the clauses sound, the sound a moving face.

A generation runs as one task. Everything it makes goes into the playout under its number, where a gate holds it until
the turn is decided, and a fence keeps it out once it is cancelled. Cancelling the task cancels all its RPCs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from aurora.errors import FaceError
from aurora.face import Face
from aurora.face import Pcm as FacePcm
from aurora.timeline import FaceTimeline
from nova.errors import ModelError
from nova.mind import Message, Mind
from pipelines.telemetry.ranges import stage
from sophia.audio import Pcm
from sophia.clauses import ClauseSplitter
from sophia.heard import Script
from sophia.playout import AUDIBLE, Playout
from sophia.speech import SpeechChunk, Synthesizer

CLAUSES_AHEAD = 8
"""Clauses that may wait for synthesis (policy when full: the mind's stream is held up, and with it its server)."""

FACE_CHUNKS = 256
"""Pieces of sound that may wait for the face (policy when full: the face sits this reply out)."""

T = TypeVar("T")


class StageFailed(Exception):
    """A service failed while it worked on a reply; ``service`` is ``llm``, ``tts`` or ``face``."""

    def __init__(self, service: str, cause: Exception) -> None:
        super().__init__(f"{service}: {cause}")
        self.service = service
        self.cause = cause


@dataclass(slots=True)
class Speakers:
    """Who makes replies: shared by all generations of a conversation."""

    llm: Mind
    tts: Synthesizer
    playout: Playout
    timeline: FaceTimeline
    face: Face | None = None
    language: str = "en-US"


@dataclass(slots=True)
class Generation:
    """A reply in the making: ``note`` is told each instant of the ledger, ``progress`` the text so far.

    ``rate`` is the voice's, in Hz.
    """

    number: int
    messages: Sequence[Message]
    note: Callable[[str], None]
    progress: Callable[[str], None]
    rate: int
    script: Script = field(init=False)
    text: str = ""
    tokens: int = 0
    face_fault: StageFailed | None = None
    _mind_fault: StageFailed | None = None
    _sound: asyncio.Queue[FacePcm | None] | None = None
    _samples: int = 0

    def __post_init__(self) -> None:
        self.script = Script(self.rate)

    @property
    def seconds(self) -> float:
        """How much sound was made so far."""
        return self._samples / self.rate

    async def run(self, speakers: Speakers, apologise: Callable[[StageFailed], Awaitable[None]]) -> None:
        """Makes the reply; returns when voice and face are complete, or the playout wants no more.

        If the mind or the voice fails, ``apologise`` is called once all that was said until then has been put into
        the playout, which then is not finished yet; the face still moves with that. A face that fails is only noted
        in ``face_fault``.
        """
        async with asyncio.TaskGroup() as group:
            clauses: asyncio.Queue[str | None] = asyncio.Queue(CLAUSES_AHEAD)
            thinking = group.create_task(self._think(speakers, clauses))
            if speakers.face:
                self._sound = asyncio.Queue(FACE_CHUNKS)
                group.create_task(self._animate(speakers.face, speakers.timeline, self._sound, speakers.tts.rate))
            # A task of its own: cancelled, nothing waits for the voice to close before the mind is cancelled too.
            group.create_task(self._say(speakers, clauses, thinking, apologise))

    async def _say(
        self,
        speakers: Speakers,
        clauses: asyncio.Queue[str | None],
        thinking: asyncio.Task[None],
        apologise: Callable[[StageFailed], Awaitable[None]],
    ) -> None:
        try:
            await self._speak(speakers, clauses)
            fault = self._mind_fault
            if not fault and not self._samples:
                fault = StageFailed("llm", ModelError("the model answered without a word to say; see its log"))
        except StageFailed as failure:
            thinking.cancel()
            fault = failure
        if fault:
            await apologise(fault)

    async def _think(self, speakers: Speakers, clauses: asyncio.Queue[str | None]) -> None:
        splitter = ClauseSplitter(speakers.language)
        try:
            async with aclosing(speakers.llm.reply(self.messages)) as tokens:
                with stage("llm"):
                    async for token in tokens:
                        if not self.tokens:
                            self.note("first_token")
                        self.tokens += 1
                        self.text += token
                        self.progress(self.text)
                        for clause in splitter.feed(token):
                            await self._hand_over(clause, clauses)
        except Exception as error:  # whole clauses are still spoken before the failure is told
            self._mind_fault = StageFailed("llm", error)
        else:
            self.note("last_token")
            for clause in splitter.flush():
                await self._hand_over(clause, clauses)
        await clauses.put(None)

    async def _hand_over(self, clause: str, clauses: asyncio.Queue[str | None]) -> None:
        self.note("first_clause")
        await clauses.put(clause)

    async def _speak(self, speakers: Speakers, clauses: asyncio.Queue[str | None]) -> None:
        playout, silent = speakers.playout, True
        try:
            async with (
                aclosing(_until_none(clauses)) as texts,
                aclosing(speakers.tts.speak(texts)) as chunks,
            ):
                with stage("tts"):
                    async for chunk in chunks:
                        if silent and _audible(chunk.pcm):
                            silent = False
                            self.note("first_audio")
                        if not await self._sounds(playout, chunk):
                            return
        except Exception as error:
            raise StageFailed("tts", error) from error
        finally:
            self._to_face(None)
        self.note("last_audio")
        if not self._mind_fault and self._samples:
            playout.finish(self.number)  # now, for the face may take longer

    async def _sounds(self, playout: Playout, chunk: SpeechChunk) -> bool:
        self._samples += len(chunk.pcm)
        self.script.follow(chunk)
        if not len(chunk.pcm):
            return True
        self._to_face(chunk.pcm)
        return await playout.push(self.number, chunk.pcm)

    def _to_face(self, pcm: Pcm | None) -> None:
        if self._sound is None:
            return
        try:
            self._sound.put_nowait(pcm)
        except asyncio.QueueFull:
            self._sound = None
            self.face_fault = StageFailed("face", FaceError("the face service is too slow for the voice"))

    async def _animate(
        self, face: Face, timeline: FaceTimeline, sound: asyncio.Queue[FacePcm | None], rate: int
    ) -> None:
        try:
            async with aclosing(_until_none(sound)) as pieces, aclosing(face.animate(pieces, rate)) as poses:
                async for frame in poses:
                    self.note("first_frame")
                    timeline.add(self.number, 0.0, frame)
        except Exception as error:  # whatever befalls the face, the voice goes on
            self._sound = None
            self.face_fault = StageFailed("face", error)


def _audible(pcm: Pcm) -> bool:
    return bool(len(pcm)) and int(np.abs(pcm.astype(np.int32)).max()) >= AUDIBLE


def first_failure(failures: BaseExceptionGroup[StageFailed]) -> StageFailed:
    """The failure that came first, out of a task group's exception."""
    error: BaseException = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, StageFailed)
    return error


async def _until_none(queue: asyncio.Queue[T | None]) -> AsyncGenerator[T, None]:
    while (item := await queue.get()) is not None:
        yield item
