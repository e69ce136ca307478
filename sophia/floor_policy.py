"""How the floor is shared: what ends the user's turn, and what follows from it. Plain data; may change in a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ends = Literal["judged", "silence", "commit"]
"""What ends the user's turn: our own judgement, a silence of a fixed length, or nothing but a client's commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPolicy:
    """A policy; what is given is what it says, without a look at the settings. All times in seconds.

    ``patience`` multiplies the pauses of our own judgement, and ``longest`` bounds them, if it is given. ``silence`` is
    the fixed one. ``answers``: a turn that is over is answered unasked; else its words are kept until an answer is
    asked for, unless nothing ``remembers`` them. ``interrupts``: words over hers take the floor; else they are answered
    after her reply. ``idle`` is how long after her last words she speaks again if nobody says anything. ``threshold``
    is the probability of speech from which a voice counts as one; None leaves that to the detector's settings.
    """

    ends: Ends = "judged"
    patience: float = 1.0
    longest: float | None = None
    silence: float = 0.5
    answers: bool = True
    remembers: bool = True
    interrupts: bool = True
    idle: float | None = None
    threshold: float | None = None

    @property
    def commits_only(self) -> bool:
        """Whether nothing but a client's commit ends the user's turn."""
        return self.ends == "commit"

    @property
    def unasked(self) -> bool:
        """Whether she speaks without being asked to by a client; never where only commits end a turn."""
        return self.answers and not self.commits_only
