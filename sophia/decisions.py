"""What turn taking decides: plain data. Each decision says when it was taken and why, in words.

All times are ``loop.time()`` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now, and why in words."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Decision):
    """Begin a reply to ``text``; it stays behind the playout gate until its :class:`Commit`."""

    generation: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(Decision):
    """The turn is decided: the reply may be heard. ``silence`` is what the user had been silent for, seconds."""

    generation: int
    text: str
    silence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Decision):
    """Cancel a reply of which nothing was heard; another one follows or the user goes on."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duck(Decision):
    """Lower her voice: the user may be taking the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unduck(Decision):
    """Her voice back to full: it was nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Decision):
    """Stop sounding now, but keep the reply: it may go on. ``onset`` is when the user's voice set in."""

    onset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Decision):
    """Go on where she was, ``rewind`` seconds earlier. ``backchannel`` tells a "mhm" from a mere noise."""

    rewind: float
    backchannel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt(Decision):
    """The user has taken the floor: cancel the reply, keep what was heard in the history."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Decision):
    """The turn was decided too early: cancel the reply and withdraw it from the history; the turn goes on."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishUtterance(Decision):
    """Ask the recogniser for its last word now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprompt(Decision):
    """Speech was heard but no text: say that it was not understood. Committed from the start."""

    generation: int
