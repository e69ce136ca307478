"""One turn while it happens: its ledger, its span, and the reply in the making."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pipelines.conversation.generation import Generation
from pipelines.telemetry.ledger import Count, Ledger
from pipelines.telemetry.spans import TurnSpan


@dataclass(slots=True)
class Turn:
    """A turn from the user's first sound on. It gets its number and its span with its first attempt at a reply."""

    ledger: Ledger = field(default_factory=lambda: Ledger(turn=0))
    span: TurnSpan | None = None
    number: int = 0  # of the current generation; 0 before the first
    generation: Generation | None = None  # None while she says a canned phrase
    task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Cancels the reply and with it all its RPCs; the playout must have been fenced before."""
        if self.task:
            self.task.cancel()
        self.task = None

    def waste(self) -> None:
        """Books the current generation as work that nobody heard."""
        self.ledger.count(Count.SPECULATIONS_DROPPED)
        if self.generation:
            self.ledger.count(Count.WASTED_TOKENS, self.generation.tokens)
            self.ledger.wasted_seconds += self.generation.seconds

    def heard(self, samples: int) -> str:
        """The text of the reply up to ``samples`` played samples."""
        return self.generation.script.heard(samples) if self.generation else ""
