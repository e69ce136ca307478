"""A reply that is not over: what :mod:`pipelines.conversation.replies` keeps of it, and what of it has come across."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from nova.tools import ToolCall
from pipelines.conversation.events import ToolEnded, ToolStarted
from pipelines.conversation.generation import Generation
from pipelines.conversation.phrases import Phrases
from sophia.languages import Phrase


@dataclass(slots=True)
class Reply:
    """A reply that is not over. ``generation`` is None while she says nothing but a canned phrase."""

    turn: int
    number: int
    phrases: Phrases
    generation: Generation | None = None
    phrase: Phrase | None = None
    phrase_at: int = 0
    """Sample at which the phrase begins; of what is written, the character."""
    committed: bool = False
    pulled: int = 0
    """Samples that the sink took of it, once it is over."""
    written: bool = False
    shown: str = ""
    """What of it can be read by now, where it is written."""
    once: bool = False
    """It is not made again when it fails."""
    interrupted: bool = False
    called: list[ToolCall] = field(default_factory=list)
    """Tools of a client that it has called; nobody is told before it is committed."""
    ran: list[ToolStarted | ToolEnded] = field(default_factory=list)
    """What the runtime ran for it while it was a guess; the history is told once it is committed."""
    effects: bool = False
    """One of those may have changed something."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def texts(self, samples: int, rate: int) -> tuple[str, str]:
        """What was heard in ``samples`` of ``rate`` Hz, or read: of its own text, and of a phrase after or instead."""
        if self.written:
            own = self.shown[: self.phrase_at] if self.phrase else self.shown
            return own.strip(), self.shown[len(own) :].strip()
        heard = self.generation.script.heard(samples) if self.generation else ""
        said = ""
        if self.phrase and samples > self.phrase_at:
            said = self.phrases.script(self.phrase, rate).heard(samples - self.phrase_at)
        return heard, said
