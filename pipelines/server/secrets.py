"""Client secrets: keys for a browser that live for minutes, and open sessions of one kind. Pure; nothing is stored.

A secret holds when it ends and what its session is to be. Another server with the same key takes it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.server.sealed import Over, Seal

PREFIX: Final = "ek_"
"""What client libraries ask for before they send a key from a browser."""

LEAST_SECONDS, USUAL_SECONDS, MOST_SECONDS = 10, 600, 7200
"""How long a secret may live: OpenAI's bounds."""

LONGEST: Final = 6000
"""Characters: it travels in a header of the WebSocket's request, and servers take 8 kB."""


class Secrets:
    """Mints and reads the secrets of one key; without a key those of this process alone."""

    def __init__(self, key: str | None) -> None:
        self._seal = Seal(key, "sophia client secrets 1", prefix=PREFIX, longest=LONGEST)

    def mint(self, session: Mapping[str, Any], expires_at: int) -> str:
        """A secret for a session like this, good until ``expires_at`` (epoch, seconds).

        Raises ``ValueError`` where the session does not fit into :data:`LONGEST`.
        """
        value = self._seal.seal(session, expires_at)
        if len(value) > LONGEST:
            raise ValueError(f"the session is too long for a client secret; it may have {LONGEST} characters packed")
        return value

    def read(self, value: str, now: float) -> dict[str, Any] | None:
        """The session that a secret is for; None for what is none of ours, or is over at ``now`` (epoch, seconds)."""
        try:
            return self._seal.read(value, now)
        except Over:
            return None
