"""What the generations of a conversation are made with, and who is told how they go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aurora.face import Face, FaceFrame
from aurora.timeline import FaceTimeline
from nova.mind import Mind
from nova.tools import ToolCall
from pipelines.conversation.events import Felt
from pipelines.conversation.tool_calls import Errands, Reporter
from pipelines.conversation.waiting import WaitingPhrases
from pipelines.failures import StageFailed
from sophia.heard import TimedWord
from sophia.moods import Showing
from sophia.playout import Playout
from sophia.speech import Synthesizer


@dataclass(slots=True)
class ReplyServices:
    """What replies are made with and put into: shared by all generations of a conversation."""

    llm: Mind
    tts: Synthesizer
    playout: Playout
    timeline: FaceTimeline
    face: Face | None = None
    language: str = "en-US"
    mood: Showing = "off"
    felt: Callable[[Felt], None] = lambda felt: None
    """Told where the mood of a generation's sound changes."""
    patience: float = 4.0
    """Seconds for which a model or a voice that is away is tried again before the reply has failed."""
    errands: Errands | None = None
    """Runs tools with effects; without it the runtime runs none."""
    result_room: int = 4000
    """Characters that the results of one reply may have in all."""
    waiting: WaitingPhrases = field(default_factory=WaitingPhrases)


class Listener(Reporter, Protocol):
    """Told how a generation goes, on the loop's thread."""

    def reached(self, generation: int, instant: str) -> None:
        """An instant of the ledger, such as ``first_token``; each is told once."""
        ...

    def wrote(self, generation: int, delta: str) -> None:
        """The next piece of the reply's text."""
        ...

    def called(self, generation: int, call: ToolCall) -> None:
        """The reply calls a tool that a client runs."""
        ...

    def failed(self, generation: int, failure: StageFailed, *, passing: bool = False) -> None:
        """A service failed; what was made until then was put into the playout, which is not finished.

        ``passing`` says that the service went away in the middle and may be back when the reply is made again.
        """
        ...

    def retrying(self, generation: int, failure: StageFailed, seconds: float) -> None:
        """A service is away, and will be tried again in so many ``seconds``; nothing is lost."""
        ...

    def limited(self, generation: int) -> None:
        """The reply has all the tokens that it may have."""
        ...

    def framed(self, generation: int, frame: FaceFrame) -> None:
        """The next frame of the face."""
        ...

    def scripted(self, generation: int, words: Sequence[TimedWord]) -> None:
        """The next words, and the samples at which they sound."""
        ...

    def skipped(self, generation: int, clause: str, error: Exception) -> None:
        """The voice could not say this clause, and the reply goes on without it."""
        ...
