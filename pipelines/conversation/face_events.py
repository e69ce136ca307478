"""What her face does beside speech, as plain data: how a reply is felt, whom she attends to, and where she nods."""

from __future__ import annotations

from dataclasses import dataclass

from sophia.events import Event
from sophia.turns import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt(Event):
    """From ``sample`` of a generation's sound on it is of this mood, one of ten or none; ahead of it, also of a guess.

    ``share`` is how strong it is, 0 to 1.
    """

    generation: int
    sample: int
    mood: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attending(Event):
    """What her face shows she is about from now on: the phase, without what is too short to be shown."""

    to: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodded(Event):
    """She nods now, ``depth`` radians deep, or ``twice``."""

    depth: float
    twice: bool
