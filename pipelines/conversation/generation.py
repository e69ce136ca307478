"""One attempt at a reply: the model's words become clauses, the clauses sound, the sound a moving face.

A generation runs as one task. Everything it makes goes into the playout under its number. A gate holds it there until
the turn is decided. A fence keeps it out once it is cancelled. Cancelling the task cancels all its RPCs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from aurora.backlog import Backlog
from aurora.errors import FaceError
from aurora.face import Face
from nova.errors import ModelError
from nova.mind import Message
from nova.tools import Toolbox
from pipelines.conversation.approval import Approval
from pipelines.conversation.clause_queue import ClauseQueue
from pipelines.conversation.feeling import Feeling
from pipelines.conversation.making import Listener, ReplyServices
from pipelines.conversation.manner import Manner
from pipelines.conversation.patience import Patience, is_about_the_text, is_passing
from pipelines.conversation.thinking import Thinking
from pipelines.failures import StageFailed
from pipelines.telemetry.ranges import stage
from sophia.audio import Pcm
from sophia.heard import Script
from sophia.playout import AUDIBLE
from sophia.speech import SpeechChunk

FACE_SECONDS = 60.0
"""Sound that may wait for the face (policy when full: the face sits this reply out). The voice is at most the playout's
30 s ahead of what is heard, so a face that keeps up with real time never has more than that to do."""

SPOKEN = Manner()


class _Failure(Exception):
    """Ends a generation; ``passing`` is :meth:`Listener.failed`'s."""

    def __init__(self, stage: StageFailed, passing: bool = False) -> None:
        super().__init__(str(stage))
        self.stage = stage
        self.passing = passing


class Generation:
    """A reply in the making, of ``messages``; ``text``, ``tokens``, ``seconds`` say how far it is.

    ``manner`` says how. It may call ``tools``: one that only calls those of a client is complete without a sound, and
    so is one that is written. It begins with the call that ``approval`` is for. ``reached`` holds the instants of the
    ledger that are behind it.
    """

    def __init__(
        self,
        number: int,
        messages: Sequence[Message],
        services: ReplyServices,
        listener: Listener,
        tools: Toolbox | None = None,
        *,
        manner: Manner = SPOKEN,
        approval: Approval | None = None,
    ) -> None:
        self.number = number
        self.script = Script(services.playout.rate)
        self._messages = messages
        self._services = services
        self._listener = listener
        self.written = manner.written
        self.reached: set[str] = set()
        self.face_failed = False
        self._clauses = ClauseQueue()
        self._feeling = Feeling(services.mood, number, services.tts.rate, services.felt)
        offered = tools.now if tools else Toolbox()
        self._thinking = Thinking(
            number,
            services,
            listener,
            tools=offered,
            manner=manner,
            clauses=self._clauses,
            reached=self._reached,
            approval=approval,
        )
        self._failure: _Failure | None = None
        self._unsayable: StageFailed | None = None  # by the voice: the first clause that was left out
        self._sound: Backlog | None = None
        self._samples = 0

    @property
    def text(self) -> str:
        """Its words so far."""
        return self._thinking.text

    @property
    def tokens(self) -> int:
        """In how many pieces the model wrote them."""
        return self._thinking.tokens

    @property
    def limited(self) -> bool:
        """Whether it has all the tokens that it may have."""
        return self._thinking.limited

    def decide(self) -> None:
        """Its turn is decided: tools with effects may run."""
        self._thinking.decided.set()

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
            thinking = group.create_task(self._think())
            if services.face and not self.written:
                self._sound = Backlog(services.tts.rate, FACE_SECONDS)
                group.create_task(self._animate(services.face, self._sound))
            # A task of its own: cancelled, nothing waits for the voice to close before the model is cancelled too.
            group.create_task(self._say(thinking))

    async def _say(self, thinking: asyncio.Task[None]) -> None:
        try:
            await (asyncio.wait([thinking]) if self.written else self._speak())
        except _Failure as lost:
            thinking.cancel()
            self._failure = lost
        made = len(self.text) if self.written else self._samples
        if not self._failure and not made and (self._unsayable or not self._thinking.calls):
            nothing = StageFailed("llm", ModelError("the model answered without a word to say; see its log"))
            self._failure = _Failure(self._unsayable or nothing)
        if self._failure:
            self._listener.failed(self.number, self._failure.stage, passing=self._failure.passing)
        elif self.written:
            self._services.playout.finish(self.number)

    async def _think(self) -> None:
        thinking = self._thinking
        try:
            await thinking.run(self._messages)
        except Exception as error:
            begun = thinking.tokens > 0 or thinking.calls > 0 or thinking.rounds > 0
            # Whole clauses are still spoken before the failure is told.
            self._failure = _Failure(StageFailed("llm", error), begun and is_passing(error, "llm"))
        await self._clauses.end()

    async def _speak(self) -> None:
        patience = Patience(self._services.patience)
        try:
            while True:
                try:
                    if not await self._say_on(patience):
                        return
                except Exception as error:
                    await self._recover(error, patience)
                else:
                    break
        finally:
            if self._sound:
                self._sound.end()
        self._reached("last_audio")
        if not self._failure and (self._samples or (self._thinking.calls and not self._unsayable)):
            self._services.playout.finish(self.number)  # now, for the face may take longer

    async def _say_on(self, patience: Patience) -> bool:
        """Says what was not said yet, to its end; false if the playout wants no more."""
        clauses, first = self._clauses, self._clauses.said
        async with aclosing(self._services.tts.speak(clauses.unsaid())) as chunks:
            with stage("tts"):
                async for chunk in chunks:
                    if "first_audio" not in self.reached and _audible(chunk.pcm):
                        self._reached("first_audio")
                    if not await self._sounds(replace(chunk, clause=first + chunk.clause)):
                        return False
                    clauses.begun = clauses.begun or len(chunk.pcm) > 0
                    if chunk.last:
                        clauses.done(first + chunk.clause + 1)
                        patience.relax()
        return True

    async def _recover(self, error: Exception, patience: Patience) -> None:
        """After a failure of the voice: waits for it, or leaves the clause out; raises where neither will do."""
        failure = StageFailed("tts", error)
        if self._clauses.begun:
            raise _Failure(failure, is_passing(error, "tts")) from error
        if await patience.outlast(error, "tts", self._retrying):
            return
        if is_passing(error, "tts") or not is_about_the_text(error) or (clause := self._clauses.current) is None:
            raise _Failure(failure) from error
        self._clauses.done(self._clauses.said + 1)
        self._unsayable = self._unsayable or failure
        self._listener.skipped(self.number, clause, error)

    async def _sounds(self, chunk: SpeechChunk) -> bool:
        self._feeling.follow(self._clauses.taken(chunk.clause), self._samples)
        self._samples += len(chunk.pcm)
        self.script.follow(chunk)
        if words := self.script.news():
            self._listener.scripted(self.number, words)
        if not len(chunk.pcm):
            return True
        self._to_face(chunk.pcm)
        return await self._services.playout.push(self.number, chunk.pcm)

    def _to_face(self, pcm: Pcm) -> None:
        if self._sound and not self._sound.offer(pcm):
            self._lose_the_face(FaceError(f"the face service is more than {FACE_SECONDS:g} s behind the voice"))

    async def _animate(self, face: Face, sound: Backlog) -> None:
        services = self._services
        try:
            async with aclosing(face.animate(sound, services.tts.rate, self._feeling.track)) as frames:
                async for frame in frames:
                    self._reached("first_frame")
                    services.timeline.add(self.number, 0.0, frame)
                    self._listener.framed(self.number, frame)
        except Exception as error:  # whatever befalls the face, the voice goes on
            self._lose_the_face(error)

    def _lose_the_face(self, error: Exception) -> None:
        if self._sound:
            self._sound.end()
            self._sound = None
        if not self.face_failed:
            self.face_failed = True
            self._listener.failed(self.number, StageFailed("face", error))

    def _retrying(self, failure: StageFailed, seconds: float) -> None:
        self._listener.retrying(self.number, failure, seconds)

    def _reached(self, instant: str) -> None:
        if instant not in self.reached:
            self.reached.add(instant)
            self._listener.reached(self.number, instant)


def _audible(pcm: Pcm) -> bool:
    return bool(len(pcm)) and int(np.abs(pcm.astype(np.int32)).max()) >= AUDIBLE
