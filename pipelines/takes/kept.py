"""What is kept of one conversation: its numbers, and as much of a take as its user agrees to at the moment.

A user may agree to more, or to less, at any time. Less ends the recording at once. What was kept of the conversation
by then is deleted, and a new take begins where words may still be kept.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipelines.conversation.events import Happening, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.settings.insights import Consent, allows
from pipelines.takes.daybook import DayBook
from pipelines.takes.writer import RecordingError, TakeWriter
from pipelines.telemetry.provenance import Provenance, ledger_line
from sophia.audio import Frame, Pcm

MOST_EARLY: Final = 1000
"""Things that wait at most while a take is being opened: some ten seconds of sound."""

Warn = Callable[[str], None]

OpenTake = Callable[[Path, Provenance, float, Warn], TakeWriter]
"""Opens a take in a folder, for a conversation, with its beginning (``loop.time()``). Raises ``RecordingError``.

The last one is handed a line if the take has to end early.
"""


class Kept(Observer):
    """Keeps one conversation. Made in the loop that runs it, and closed by :meth:`aclose`.

    ``folder`` is that of the conversation's take; None where none may be kept. ``key`` is the file of its key, which is
    thrown away with the take. ``changed`` is told what the user agrees
    to, and whether sound is being recorded, whenever that changes. ``notice`` is handed lines worth telling.
    """

    def __init__(
        self,
        provenance: Provenance,
        book: DayBook | None,
        folder: Path | None,
        open_take: OpenTake,
        *,
        key: Path | None = None,
        changed: Callable[[Consent, bool], None] = lambda consent, recording: None,
        notice: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.provenance = provenance
        """Which conversation it is, with what its user agrees to now."""
        self._book = book
        self.folder = folder
        """Where its take is; None where none may be kept."""
        self._open_take = open_take
        self._key = key
        self._changed = changed
        self._notice = notice
        self._loop = asyncio.get_running_loop()
        self._take: TakeWriter | None = None
        self._takes = 0
        self._early: list[Callable[[TakeWriter], None]] | None = None
        self._work: asyncio.Task[None] | None = None
        if self._wanted:
            self._begin(delete=False)

    @property
    def recording(self) -> bool:
        """Whether the user's sound is being recorded."""
        return self._wanted and self.provenance.allows("sound") and self._records

    @property
    def _wanted(self) -> bool:
        return self.folder is not None and self.provenance.allows("words")

    def agree(self, consent: Consent) -> None:
        """The user agrees to this from now on."""
        before = self.provenance.consent
        if consent == before:
            return
        self.provenance = replace(self.provenance, consent=consent)
        self._begin(delete=not allows(consent, before))
        self._changed(consent, self.recording)

    async def aclose(self) -> None:
        """Completes the take."""
        if self._work:
            await asyncio.wait([self._work])
        if self._take:
            await self._take.aclose()

    def told(self, happening: Happening) -> None:
        if isinstance(happening, TurnEnded) and self._book:
            self._book.write(ledger_line(happening.ledger, self.provenance, words=False))
        self._forward(lambda take: take.told(happening))

    def listened(self, frame: Frame) -> None:
        if self._records and self.provenance.allows("sound"):
            self._forward(lambda take: take.listened(frame))

    def played(self, pcm: Pcm, time: float) -> None:
        if self._records and self.provenance.allows("sound"):
            self._forward(lambda take: take.played(pcm, time))

    @property
    def _records(self) -> bool:
        return self._early is not None or self._take is not None

    def _forward(self, what: Callable[[TakeWriter], None]) -> None:
        if self._early is not None:
            if len(self._early) < MOST_EARLY:
                self._early.append(what)
        elif self._take:
            what(self._take)

    def _begin(self, *, delete: bool) -> None:
        """Ends the take there is, at once for what happens from now on, and begins another where one is wanted."""
        ended, self._take = self._take, None
        self._early = [] if self._wanted else None
        self._work = self._loop.create_task(self._switch(self._work, ended, delete=delete))

    async def _switch(self, before: asyncio.Task[None] | None, ended: TakeWriter | None, *, delete: bool) -> None:
        if before:
            await asyncio.wait([before])
        if ended:
            await ended.aclose()
        if self.folder is None:
            return
        if delete:
            await asyncio.to_thread(self._delete)
        if self._early is None or asyncio.current_task() is not self._work:  # the user has changed his mind meanwhile
            return
        self._takes += 1
        folder = self.folder if self._takes == 1 else self.folder.with_name(f"{self.folder.name}-{self._takes}")
        try:
            take = await asyncio.to_thread(self._open_take, folder, self.provenance, self._loop.time(), self._warn)
        except RecordingError as error:
            self._stop(str(error))
            return
        if self._early is None or asyncio.current_task() is not self._work:  # whoever comes next deletes it
            await take.aclose()
            return
        early, self._early, self._take = self._early, None, take
        for what in early:
            what(take)

    def _warn(self, line: str) -> None:
        """A take had to end early; called from its thread."""
        with suppress(RuntimeError):  # the loop has gone: nobody is there to be told
            self._loop.call_soon_threadsafe(self._stop, line)

    def _stop(self, why: str) -> None:
        self._early = self._take = None
        self._notice(f"A conversation is not kept any more: {why}.")
        self._changed(self.provenance.consent, self.recording)

    def _delete(self) -> None:
        assert self.folder is not None
        if self._key:
            self._key.unlink(missing_ok=True)
        for folder in self.folder.parent.glob(f"{self.folder.name}*"):
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                self._notice(f"{folder} was to be deleted, for its user withdrew, and cannot be. Delete it yourself.")
