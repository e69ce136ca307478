"""A reply as turn taking knows it: what it answers, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from sophia.asking import asks
from sophia.utterance import Utterance


@dataclass(slots=True)
class Reply:
    """The reply in the making, or being heard. ``held``: it waited for something that may have had effects.

    ``text`` is what it answers, or what she was asked to say; ``to`` is the utterance that it answers, if there is one.
    ``settled``: the recogniser had settled on these words. ``canned``: she asks the user to say it again, or tells of
    her ears. ``says`` is its own text so far, in ``language``. ``cut``: it was ended early. ``resumed_at`` is when she
    was, or will be, where she had last paused.
    """

    turn: int
    generation: int
    text: str
    committed_at: float | None = None
    audible_at: float | None = None
    ducked: bool = False
    paused_at: float | None = None
    resumed_at: float = 0.0
    holding: bool = False
    held: bool = False
    cut: bool = False
    says: str = ""
    canned: bool = False
    settled: bool = True
    to: Utterance | None = None
    language: str = "en-US"

    @property
    def asks(self) -> bool:
        """Whether it ends with a question."""
        return self.canned or asks(self.says, self.language)
