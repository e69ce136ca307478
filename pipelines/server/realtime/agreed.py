"""What a client's user agrees to have kept, and whether the voice is being recorded (``sophia.recording``). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipelines.server.realtime.reading import Refused, clean
from pipelines.server.realtime.schema import Writer
from pipelines.server.realtime.wishes import Agree, Event
from pipelines.settings.insights import Consent

EXTENSION: Final = "sophia.recording"


class Agreed:
    """One connection's. ``offered`` is what a user may agree to here; nothing where somebody watches."""

    def __init__(self, write: Writer, offered: Sequence[Consent]) -> None:
        self._write = write
        self._offered = tuple(offered)
        self._now: tuple[Consent, bool] = ("numbers", False)
        self._told: tuple[Consent, bool] | None = None
        self._opened = False

    def opened(self) -> list[Event]:
        """The session has been told, and what belongs to it may be."""
        self._opened = True
        return self.news()

    def changed(self, consent: Consent, recording: bool) -> list[Event]:
        """What is agreed to now, and whether sound is being recorded."""
        self._now = consent, recording
        return self.news()

    def news(self) -> list[Event]:
        """What the client does not know yet, if it asked for it."""
        if not self._opened or self._now == self._told or EXTENSION not in self._write.extensions:
            return []
        self._told = consent, recording = self._now
        return self._write.extra("sophia.recording", consent=consent, recording=recording, offered=list(self._offered))

    def agree(self, event: Mapping[str, Any]) -> Agree:
        """Reads a client's ``sophia.consent``. Raises :class:`Refused` for what is not offered here."""
        asked = event.get("consent")
        for consent in self._offered:
            if asked == consent:
                return Agree(consent)
        named = f"'{clean(asked)[:40]}'" if isinstance(asked, str) else "that"
        offers = ", ".join(self._offered) or "nothing"
        raise Refused(f"A user may agree to {offers} here, not to {named}.", "consent_not_offered", "consent")
