"""What the parts of one connection share, and what is remembered of each turn."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from pipelines.server.realtime.ids import Ids
from pipelines.server.realtime.items import Items
from pipelines.server.realtime.memory import Memory
from pipelines.server.realtime.schema import Writer
from pipelines.server.realtime.session import Session
from pipelines.server.realtime.tools import Calls
from sophia.floor_policy import FloorPolicy

TURNS: Final = 16
"""Turns that are remembered: late words correct what was said in one that is over."""


@dataclass(slots=True)
class Turn:
    """A turn's items. ``question`` is the one that holds its last spoken words.

    ``said`` are all its spoken words, ``before`` those of them that stood in an earlier item, if it was reopened.
    ``typed`` are the words that were written after them.
    """

    items: list[str] = field(default_factory=list)
    question: str | None = None
    said: str = ""
    before: str = ""
    typed: str = ""


@dataclass(slots=True)
class State:
    """One connection's. ``rate`` is the voice's, in Hz."""

    write: Writer
    ids: Ids
    session: Session
    rate: int
    items: Items = field(default_factory=Items)
    calls: Calls = field(default_factory=Calls)
    memory: Memory = field(default_factory=Memory)
    notes: dict[str, str] = field(default_factory=dict)
    """What the system wrote, by item."""
    turns: OrderedDict[int, Turn] = field(default_factory=OrderedDict)
    policy: FloorPolicy = field(default_factory=FloorPolicy)
    """How the conversation shares the floor, as it was told."""

    def turn(self, number: int) -> Turn:
        """The turn of this number; the oldest are forgotten."""
        if number not in self.turns:
            self.turns[number] = Turn()
            while len(self.turns) > TURNS:
                self.turns.popitem(last=False)
        return self.turns[number]
