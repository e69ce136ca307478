"""What a process keeps of its conversations by the settings' group ``insights``: day files, and takes by consent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Self

from pipelines.settings.insights import CONSENTS, Consent
from pipelines.settings.model import Settings, shareable
from pipelines.takes.daybook import DayBook
from pipelines.takes.kept import Kept, Warn
from pipelines.takes.persons import person_key, pseudonym
from pipelines.takes.writer import RecordingError, TakeWriter
from pipelines.telemetry.provenance import Provenance


class Keeping:
    """One process's. :meth:`opened` makes it, :meth:`aclose` ends it; in between any number of conversations are kept.

    ``settings`` are the effective ones, ``reply_rate`` the voice's in Hz. ``notice`` is handed lines worth telling; it
    may be called from any thread.
    """

    def __init__(self, settings: Settings, key: bytes | None, reply_rate: int, notice: Callable[[str], None]) -> None:
        self._insights = settings.insights
        self._shareable = shareable(settings)
        self._key = key
        self._rate = reply_rate
        self._notice = notice
        ledgers = self._insights.ledgers
        self._book = DayBook(ledgers, lambda line: notice(f"{line[:1].upper()}{line[1:]}.")) if ledgers else None

    @classmethod
    def opened(cls, settings: Settings, reply_rate: int, notice: Callable[[str], None]) -> Self:
        """Reads or makes the secret of pseudonyms; blocks for a moment.

        Raises :class:`~pipelines.takes.persons.PersonKeyError`.
        """
        path = settings.insights.person_key
        return cls(settings, person_key(path) if path else None, reply_rate, notice)

    @property
    def consents(self) -> tuple[Consent, ...]:
        """What users may agree to here."""
        return CONSENTS if self._insights.takes else CONSENTS[:1]

    @property
    def usual(self) -> Consent:
        """What they have agreed to before they say so themselves."""
        return self._insights.consent

    def person(self, identifier: str) -> str:
        """The pseudonym of what a client calls its user; empty where nobody is told apart."""
        return pseudonym(self._key, identifier)

    def keep(self, provenance: Provenance, changed: Callable[[Consent, bool], None] = lambda consent, on: None) -> Kept:
        """An observer that keeps the conversation; ``changed`` as :class:`~pipelines.takes.kept.Kept` has it."""
        takes = self._insights.takes
        folder = takes / f"{provenance.began:%Y-%m-%d}" / provenance.id if takes else None
        key = self._key_file(provenance)
        return Kept(provenance, self._book, folder, self._open, key=key, changed=changed, notice=self._notice)

    def _key_file(self, provenance: Provenance) -> Path | None:
        keys = self._insights.keys
        return (keys / f"{provenance.id}.key").absolute() if keys else None

    async def aclose(self) -> None:
        """Writes what is left."""
        if self._book:
            await self._book.aclose()
            if self._book.refused:
                self._notice(f"The numbers of {self._book.refused} turns are lost: the disk did not take them.")

    def _open(self, folder: Path, provenance: Provenance, start: float, warn: Warn) -> TakeWriter:
        day = folder.parent
        try:
            for one in (day.parent, day):  # people's voices are nobody else's business
                one.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(f"cannot record into {folder}: {error.strerror}; name another folder") from error
        return TakeWriter(
            folder,
            self._shareable,
            start=start,
            reply_rate=self._rate,
            provenance=provenance,
            sound=provenance.allows("sound"),
            key=self._key_file(provenance),
            warn=warn,
        )
