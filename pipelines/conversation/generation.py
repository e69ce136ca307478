"""One attempt at a reply: the model's words become clauses, the clauses sound, the sound a moving face.

A generation runs as one task. Everything it makes goes into the playout under its number. A gate holds it there until
the turn is decided. A fence keeps it out once it is cancelled. Cancelling the task cancels all its RPCs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from aurora.errors import FaceError
from aurora.face import Face
from aurora.face import Pcm as FacePcm
from aurora.timeline import FaceTimeline
from nova.errors import ModelError
from nova.mind import Message, Mind
from pipelines.failures import StageFailed
from pipelines.telemetry.ranges import stage
from sophia.audio import Pcm
from sophia.clauses import ClauseSplitter
from sophia.heard import Script
from sophia.playout import AUDIBLE, Playout
from sophia.speech import SpeechChunk, Synthesizer

CLAUSES_AHEAD = 8
"""Clauses that may wait for synthesis (policy when full: the model's stream is held up, and with it its server)."""

FACE_CHUNKS = 256
"""Pieces of sound that may wait for the face (policy when full: the face sits this reply out)."""

T = TypeVar("T")


@dataclass(slots=True)
class ReplyServices:
    """What replies are made with and put into: shared by all generations of a conversation."""

    llm: Mind
    tts: Synthesizer
    playout: Playout
    timeline: FaceTimeline
    face: Face | None = None
    language: str = "en-US"


class Listener(Protocol):
    """Told how a generation goes, on the loop's thread."""

    def reached(self, generation: int, instant: str) -> None:
        """An instant of the ledger, such as ``first_token``; each is told once."""
        ...

    def wrote(self, generation: int, delta: str) -> None:
        """The next piece of the reply's text."""
        ...

    def failed(self, generation: int, failure: StageFailed) -> None:
        """A service failed; what was made until then was put into the playout, which is not finished."""
        ...


class Generation:
    """A reply in the making, of ``messages``; ``text``, ``tokens``, ``seconds`` say how far it is.

    ``reached`` holds the instants of the ledger that are behind it.
    """

    def __init__(self, number: int, messages: Sequence[Message], services: ReplyServices, listener: Listener) -> None:
        self.number = number
        self.text = ""
        self.tokens = 0
        self.script = Script(services.playout.rate)
        self._messages = messages
        self._services = services
        self._listener = listener
        self.reached: set[str] = set()
        self.face_failed = False
        self._llm_failure: StageFailed | None = None
        self._sound: asyncio.Queue[FacePcm | None] | None = None
        self._samples = 0

    @property
    def seconds(self) -> float:
        """How much sound was made so far."""
        return self._samples / self._services.playout.rate

    async def run(self) -> None:
        """Makes the reply; returns when voice and face are complete, or the playout wants no more.

        What fails is told to the listener and not raised. A model that fails does so once what it had said was put
        into the playout; the face still moves with that.
        """
        services = self._services
        async with asyncio.TaskGroup() as group:
            clauses: asyncio.Queue[str | None] = asyncio.Queue(CLAUSES_AHEAD)
            thinking = group.create_task(self._think(clauses))
            if services.face:
                self._sound = asyncio.Queue(FACE_CHUNKS)
                group.create_task(self._animate(services.face, self._sound))
            # A task of its own: cancelled, nothing waits for the voice to close before the model is cancelled too.
            group.create_task(self._say(clauses, thinking))

    async def _say(self, clauses: asyncio.Queue[str | None], thinking: asyncio.Task[None]) -> None:
        failure: StageFailed | None
        try:
            await self._speak(clauses)
            failure = self._llm_failure
            if not failure and not self._samples:
                failure = StageFailed("llm", ModelError("the model answered without a word to say; see its log"))
        except StageFailed as lost:
            thinking.cancel()
            failure = lost
        if failure:
            self._listener.failed(self.number, failure)

    async def _think(self, clauses: asyncio.Queue[str | None]) -> None:
        splitter = ClauseSplitter(self._services.language)
        try:
            async with aclosing(self._services.llm.reply(self._messages)) as tokens:
                with stage("llm"):
                    async for token in tokens:
                        if not self.tokens:
                            self._reached("first_token")
                        self.tokens += 1
                        self.text += token
                        self._listener.wrote(self.number, token)
                        for clause in splitter.feed(token):
                            await self._hand_over(clause, clauses)
        except Exception as error:  # whole clauses are still spoken before the failure is told
            self._llm_failure = StageFailed("llm", error)
        else:
            self._reached("last_token")
            for clause in splitter.flush():
                await self._hand_over(clause, clauses)
        await clauses.put(None)

    async def _hand_over(self, clause: str, clauses: asyncio.Queue[str | None]) -> None:
        self._reached("first_clause")
        await clauses.put(clause)

    async def _speak(self, clauses: asyncio.Queue[str | None]) -> None:
        silent = True
        try:
            async with (
                aclosing(_until_none(clauses)) as texts,
                aclosing(self._services.tts.speak(texts)) as chunks,
            ):
                with stage("tts"):
                    async for chunk in chunks:
                        if silent and _audible(chunk.pcm):
                            silent = False
                            self._reached("first_audio")
                        if not await self._sounds(chunk):
                            return
        except Exception as error:
            raise StageFailed("tts", error) from error
        finally:
            self._to_face(None)
        self._reached("last_audio")
        if not self._llm_failure and self._samples:
            self._services.playout.finish(self.number)  # now, for the face may take longer

    async def _sounds(self, chunk: SpeechChunk) -> bool:
        self._samples += len(chunk.pcm)
        self.script.follow(chunk)
        if not len(chunk.pcm):
            return True
        self._to_face(chunk.pcm)
        return await self._services.playout.push(self.number, chunk.pcm)

    def _to_face(self, pcm: Pcm | None) -> None:
        if self._sound is None:
            return
        try:
            self._sound.put_nowait(pcm)
        except asyncio.QueueFull:
            self._lose_the_face(FaceError("the face service is too slow for the voice"))

    async def _animate(self, face: Face, sound: asyncio.Queue[FacePcm | None]) -> None:
        services = self._services
        try:
            async with (
                aclosing(_until_none(sound)) as pieces,
                aclosing(face.animate(pieces, services.tts.rate)) as frames,
            ):
                async for frame in frames:
                    self._reached("first_frame")
                    services.timeline.add(self.number, 0.0, frame)
        except Exception as error:  # whatever befalls the face, the voice goes on
            self._lose_the_face(error)

    def _lose_the_face(self, error: Exception) -> None:
        self._sound = None
        if not self.face_failed:
            self.face_failed = True
            self._listener.failed(self.number, StageFailed("face", error))

    def _reached(self, instant: str) -> None:
        if instant not in self.reached:
            self.reached.add(instant)
            self._listener.reached(self.number, instant)


def _audible(pcm: Pcm) -> bool:
    return bool(len(pcm)) and int(np.abs(pcm.astype(np.int32)).max()) >= AUDIBLE


async def _until_none(queue: asyncio.Queue[T | None]) -> AsyncGenerator[T, None]:
    while (item := await queue.get()) is not None:
        yield item
