"""Who plays the services in a replayed conversation: real ones behind the network, or simulated ones."""

from __future__ import annotations

from typing import Protocol

from pipelines.conversation.conversation import Parts
from pipelines.records.results import Unit
from pipelines.scenarios.caller import Caller


class PartsFactory(Protocol):
    """Makes the parts of conversations. ``aclose`` is not needed: what it made is closed with the conversation."""

    def parts(self, caller: Caller, unit: Unit) -> Parts:
        """Everything a conversation with this caller is built from; the source is the caller."""
        ...
