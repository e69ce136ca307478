"""Which settings a new conversation gets: those of the live versions, and for some of them the canary's on top.

A conversation's arm is drawn by a keyed hash of its id. The key is the canary's id, so each canary draws anew, and the
same conversation always falls into the same arm. Control and canary are there at the same time.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final

from pydantic import ValidationError

from pipelines.settings.model import Settings
from pipelines.settings.tunable import apply, value_at
from pipelines.versions.store import Store, StoreError
from pipelines.versions.version import Version

LOOK_SECONDS: Final = 1.0
"""Time between two looks at the folder."""

UNWATCHED: Final = 900.0
"""Seconds without a look at the canary after which it is off: nobody would withdraw it."""

STOP_SECONDS: Final = 1.0
"""How long the end waits for a look that is under way; the thread dies with the process."""

UNWATCHED_LINE: Final = (
    f"The canary is off: nobody has looked at it for {UNWATCHED / 60:.0f} minutes. "
    + "`python -m pipelines.improve watch` does."
)

Stamp = tuple[bool, tuple[tuple[str, int, int], ...]]


@dataclass(frozen=True, slots=True)
class Given:
    """What one conversation gets. ``arm`` is empty, or ``control:ID`` or ``canary:ID``."""

    settings: Settings
    arm: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What all conversations get, and what the canary's get. Immutable, so that any thread may read it."""

    control: Settings
    canary: Settings | None = None
    canary_id: str = ""
    share: float = 0.0

    def give(self, conversation: str) -> Given:
        """The arm of one conversation."""
        if self.canary is None:
            return Given(self.control)
        if drawn(self.canary_id, conversation) < self.share:
            return Given(self.canary, f"canary:{self.canary_id}")
        return Given(self.control, f"control:{self.canary_id}")


def drawn(canary: str, conversation: str) -> float:
    """A number from 0 up to 1 that looks random, and is the same each time."""
    digest = hmac.new(canary.encode(), conversation.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8]) / 2**64


def plan(settings: Settings, live: Iterable[Version], canary: Version | None, notice: Callable[[str], None]) -> Plan:
    """Lays the versions over ``settings``. One that does not fit them is left out, and ``notice`` is told why."""
    control = settings
    for version in live:
        control = _laid_over(control, version, notice) or control
    if canary is None:
        return Plan(control)
    return Plan(control, _laid_over(control, canary, notice), canary.id, canary.share)


def _laid_over(settings: Settings, version: Version, notice: Callable[[str], None]) -> Settings | None:
    for key, change in version.changes.items():
        if value_at(settings, key) != change.was:
            notice(
                f"Version {version.id} is left out: it was proven where {key} was {change.was}, "
                f"and here it is {value_at(settings, key)}."
            )
            return None
    try:
        return apply(settings, version.values)
    except ValidationError as error:
        notice(f"Version {version.id} is left out: {' '.join(str(error).split())[:200]}.")
        return None


class Arms:
    """The plan of a process, kept up to date by a thread that looks at the folder every second.

    :meth:`give` never waits. Where the folder can no longer be read the canary ends at once, and what was live stays.
    It also ends where nobody has watched it for :data:`UNWATCHED`. Running conversations keep what they were given.
    ``notice`` is called from the thread, once for each new line. ``clock`` is the time of files.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        notice: Callable[[str], None] = lambda line: None,
        *,
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._notice = notice
        self._every = look_seconds
        self._clock = clock
        self._canary_since = 0.0
        self._told: set[str] = set()
        self._stamp: Stamp | None = None
        self._looking = Lock()
        self._over = Event()
        self._plan = Plan(settings)
        self._thread = Thread(target=self._watch, name="versions", daemon=True)

    def start(self) -> None:
        """Reads the folder, and begins to watch it. Blocks for as long as that takes: call it in a thread."""
        self.look()
        self._thread.start()

    def close(self) -> None:
        """Ends the watching. Blocks for :data:`STOP_SECONDS` at most."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def give(self, conversation: str) -> Given:
        """What a new conversation gets."""
        return self._plan.give(conversation)

    def look(self) -> None:
        """Reads the folder again if it has changed. Blocks."""
        with self._looking:
            try:
                stamp = self._watched(), self._seen()
                if stamp == self._stamp:
                    return
                canary = self._store.canary()
                self._canary_since = canary.history[-1].at.timestamp() if canary else 0.0
                if canary and not self._watched():
                    self._tell(UNWATCHED_LINE)
                    canary = None
                self._plan = plan(self._settings, self._store.live(), canary, self._tell)
                self._stamp = self._watched(), stamp[1]
            except StoreError as error:
                self._stamp = None
                self._plan = Plan(self._plan.control)
                self._tell(f"The canary is off: {error}")

    def _watched(self) -> bool:
        """Whether somebody looks at the canary, or it has only just begun."""
        return self._clock() - max(self._store.watched(), self._canary_since) < UNWATCHED

    def _seen(self) -> tuple[tuple[str, int, int], ...]:
        try:
            found = []
            for path in self._store.folder.glob("version-*.json"):
                status = path.stat()
                found.append((path.name, status.st_mtime_ns, status.st_ino))
        except OSError as error:
            raise StoreError(f"{self._store.folder} cannot be read: {error.strerror or error}.") from None
        return tuple(sorted(found))

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self.look()

    def _tell(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._notice(line)
