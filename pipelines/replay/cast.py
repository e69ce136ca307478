"""Who plays the services in a replayed conversation: real ones behind the network, or simulated ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pipelines.conversation.conversation import Parts
from pipelines.replay.caller import Caller


@dataclass(frozen=True, slots=True)
class Unit:
    """One playing of one talk: what is run, saved and resumed as a whole. Numbers count from 0."""

    talk: int
    round: int
    session: int


class Cast(Protocol):
    """Makes the parts of conversations. ``aclose`` is not needed: what it made is closed with the conversation."""

    def parts(self, caller: Caller, unit: Unit) -> Parts:
        """Everything a conversation with this caller is built from; the source is the caller."""
        ...
