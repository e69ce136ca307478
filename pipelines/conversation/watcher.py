"""What a conversation tells those who watch it: the terminal, a recording, the metrics, a test."""

from __future__ import annotations

from aurora.face import Weights
from pipelines.telemetry.ledger import Ledger
from pipelines.telemetry.spans import TurnSpan
from sophia.audio import Frame, Pcm
from sophia.decisions import Decision
from sophia.playout import PlayoutEvent
from sophia.transcripts import Transcript
from sophia.turns import Phase
from sophia.vad import VoiceStarted, VoiceStopped

Happening = VoiceStarted | VoiceStopped | Transcript | Decision | PlayoutEvent


class Watcher:
    """Told everything, on the loop's thread; does nothing. A watcher overrides what it cares for and is quick."""

    def phase(self, phase: Phase) -> None:
        """What she is doing now."""

    def partial(self, text: str) -> None:
        """The user's words of this turn so far."""

    def final(self, text: str) -> None:
        """The user's words as they are answered."""

    def reply(self, text: str) -> None:
        """Her reply so far; it may still be unheard behind the gate."""

    def heard(self, text: str) -> None:
        """How much of her reply was heard by now."""

    def levels(self, user: float, sophia: float) -> None:
        """Levels of the last moments, dB relative to full scale."""

    def happened(self, at: float, what: Happening) -> None:
        """Anything that came in or was decided, at ``loop.time()``."""

    def listened(self, frame: Frame) -> None:
        """A frame as the ears got it."""

    def played(self, pcm: Pcm, time: float) -> None:
        """A block as the sink got it; no call means silence."""

    def posed(self, time: float, weights: Weights) -> None:
        """The pose of the face at ``time``; shape ``(52,)``. Only while she speaks and where she has a face."""

    def turn(self, ledger: Ledger, span: TurnSpan | None) -> None:
        """A turn is over."""

    def fault(self, service: str, error: Exception) -> str:
        """A service failed; the conversation goes on if it can. Returns what happened, in one line."""
        return f"{service}: {error or type(error).__name__}"
