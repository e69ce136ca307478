"""An answer beside the conversation: by the same mind and the same voice, for whoever asked, and then forgotten.

It has a playout and a sink of its own, so it neither waits for the conversation nor is heard in it. No turn, no ledger
and no history know of it. It has no face.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from aurora.face import FaceFrame
from aurora.timeline import FaceTimeline
from nova.mind import Message, Mind
from nova.tools import ToolCall
from pipelines.conversation.generation import Generation
from pipelines.conversation.making import ReplyServices
from pipelines.conversation.manner import Manner
from pipelines.failures import StageFailed
from pipelines.telemetry.ledger import ToolFailure
from sophia.audio import Pcm
from sophia.heard import TimedWord
from sophia.played import Piece
from sophia.playout import Playout
from sophia.playout_events import PlayoutEvent, PlayoutFinished
from sophia.sinks import Sink
from sophia.speech import Synthesizer

LONGEST_SECONDS: Final = 120.0
"""An answer that is not over by then has failed."""

NUMBER: Final = 1
"""The only generation of its playout."""


class Asker(Protocol):
    """Told what comes of it, on the loop's thread."""

    def wrote(self, text: str) -> None:
        """The next piece of an answer in writing."""
        ...

    def scripted(self, words: Sequence[TimedWord]) -> None:
        """The next words of a spoken one, with their samples."""
        ...

    def sounded(self, pcm: Pcm, pieces: Sequence[Piece]) -> None:
        """A block of it goes out."""
        ...


class Aside:
    """One answer to ``messages``. ``sink`` plays it, if it is spoken, and is closed with it."""

    def __init__(
        self,
        mind: Mind,
        voice: Synthesizer,
        messages: Sequence[Message],
        *,
        manner: Manner,
        sink: Sink,
        asker: Asker,
    ) -> None:
        self._manner = manner
        self._sink = sink
        self._asker = asker
        self._over = asyncio.Event()
        self._failure: StageFailed | None = None
        self._playout = Playout(
            voice.rate, self._told, cushion_seconds=0.04, tap=lambda pcm, time, pieces: asker.sounded(pcm, pieces)
        )
        services = ReplyServices(llm=mind, tts=voice, playout=self._playout, timeline=FaceTimeline())
        self._generation = Generation(NUMBER, messages, services, self, manner=manner)

    async def run(self) -> Literal["completed", "incomplete"]:
        """Makes it, to its end or limit. Raises :class:`~pipelines.failures.StageFailed` or ``TimeoutError``."""
        self._playout.open(NUMBER)
        self._playout.release(NUMBER)
        work = [asyncio.create_task(self._sink.run(self._playout)), asyncio.create_task(self._generation.run())]
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._over.wait()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await self._sink.aclose()
        if self._failure:
            raise self._failure
        return "incomplete" if self._generation.limited else "completed"

    def _told(self, event: PlayoutEvent) -> None:
        if isinstance(event, PlayoutFinished):
            self._over.set()

    # What the generation tells

    def reached(self, generation: int, instant: str) -> None:
        """No ledger is kept."""

    def wrote(self, generation: int, delta: str) -> None:
        if self._manner.written:
            self._asker.wrote(delta)

    def called(self, generation: int, call: ToolCall) -> None:
        """None is offered."""

    def tool_started(self, generation: int, call: ToolCall, *, guess: bool) -> None:
        """None is offered."""

    def tool_ended(self, generation: int, call_id: str, output: str, failure: ToolFailure) -> None:
        """None is offered."""

    def holds(self, generation: int, *, waits: bool, effects: bool) -> None:
        """It waits for no tool."""

    def asks(self, generation: int, call: ToolCall, question: str, language: str) -> None:
        """None is offered."""

    def failed(self, generation: int, failure: StageFailed, *, passing: bool = False) -> None:
        self._failure = failure
        self._over.set()

    def retrying(self, generation: int, failure: StageFailed, seconds: float) -> None:
        """Nothing is lost yet."""

    def limited(self, generation: int) -> None:
        """The generation says so itself."""

    def framed(self, generation: int, frame: FaceFrame) -> None:
        """It has no face."""

    def scripted(self, generation: int, words: Sequence[TimedWord]) -> None:
        self._asker.scripted(words)

    def skipped(self, generation: int, clause: str, error: Exception) -> None:
        """It goes on without the clause."""
