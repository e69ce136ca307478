"""What becomes of a proposal: a person approves it, some conversations get it, it is watched, kept or withdrawn."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.improve.data import conversations
from pipelines.improve.identified import Known
from pipelines.improve.measures import RULES
from pipelines.improve.verdict import SILENCE, Action, Judgement, judge, told
from pipelines.insights.errors import InsightsError
from pipelines.insights.errors import StoreError as TablesBusy
from pipelines.insights.ingest import ingest
from pipelines.insights.sources import found
from pipelines.insights.tables import Insights
from pipelines.versions.store import Store, StoreError
from pipelines.versions.version import Version

NAME: Final = "pipelines.improve watch"
EXPERIMENT: Final = 0.1
"""The largest share of conversations for a version with a change that the log says nothing about."""

UNKNOWN: Final[Known] = "unknown"
KEEP_SOUND: Final = 14
"""Days; ledgers hold no sound, so it is of no matter here."""

Print = Callable[[str], None]


def approve(store: Store, name: str, by: str) -> Version:
    """A person ``by`` name agrees to a proven version. Raises :class:`StoreError`."""
    version = store.get(name)
    _check_rules(version)
    return store.approve(version.id, by)


def begin(store: Store, name: str, by: str, share: float) -> Version:
    """``share`` of new conversations get an approved version from now on. Raises :class:`StoreError`.

    What a log does not know is tried on few people.
    """
    version = store.get(name)
    _check_rules(version)
    changes = json.loads(store.evidence(version)).get("changes", ())
    unknown = [change["key"] for change in changes if change["log"] == UNKNOWN]
    if unknown and share > EXPERIMENT:
        raise StoreError(
            f"{version.id} is an experiment: no log knows what {', '.join(unknown)} does to people. "
            f"Say --share {EXPERIMENT:g} or less."
        )
    return store.move(version.id, "canary", by, "person", f"{share:.0%} of conversations", share=share)


def withdraw(store: Store, name: str, by: str, why: str) -> Version:
    """Takes a version out of new conversations at once. Raises :class:`StoreError`."""
    return store.move(name, "withdrawn", by, "person", why)


def _check_rules(version: Version) -> None:
    if version.guardrails != RULES:
        raise StoreError(
            f"{version.id} was made under other guardrails ({version.guardrails}, now {RULES}); propose it anew."
        )


def status(store: Store) -> Iterator[str]:
    """A line for each version, and one for each thing that became of it."""
    versions = store.versions()
    if not versions:
        yield f"No versions in {store.folder}."
    for version in versions:
        changes = ", ".join(f"{key} {change.was} -> {change.now}" for key, change in version.changes.items())
        share = f" ({version.share:.0%} of conversations)" if version.state == "canary" else ""
        yield f"{version.id}  {version.state}{share}  {changes}"
        happened = [
            (step.at, f"{step.state} by {step.by}" + (f": {step.why}" if step.why else "")) for step in version.history
        ]
        if given := version.approval:  # after it was proven, which is the second step
            happened.insert(2, (given.at, f"approved by {given.by}" + (", signed" if given.signature else "")))
        for at, line in happened:
            yield f"    {at:%Y-%m-%d %H:%M:%S}  {line}"


@dataclass(slots=True)
class Watch:
    """Looks at a canary's conversations, and acts: makes it live, or withdraws it. No person is asked to withdraw.

    ``ledgers`` is the folder that conversations write; what is new there goes into the tables before each look.
    """

    store: Store
    tables: Insights
    ledgers: Path | None = None
    clock: Callable[[], float] = time.time
    _read: int = 0

    def look(self) -> tuple[Version, Judgement] | None:
        """One look; None where there is no canary. Raises :class:`StoreError`."""
        version = self.store.canary()
        if version is None:
            return None
        self.store.note_watch()
        judged = self._judged(version)
        if judged.action == "withdraw":
            return self.store.move(version.id, "withdrawn", NAME, "program", judged.why), judged
        if judged.action == "promote":
            return self.store.move(version.id, "live", NAME, "program", judged.why), judged
        return version, judged

    def _judged(self, version: Version) -> Judgement:
        if version.guardrails != RULES:
            return Judgement("withdraw", "it was approved under other guardrails")
        began = round(version.history[-1].at.timestamp() * 1e6)
        now = round(self.clock() * 1e6)
        self._read = max(self._read, began)
        try:
            self._ingest(began / 1e6)
            seen = conversations(self.tables, version=version.id, now=now, since=began)
        except (OSError, InsightsError) as error:
            silent = now - self._read
            action: Action = "withdraw" if silent >= SILENCE else "wait"
            return Judgement(action, f"no data for {silent // 1_000_000} s: {' '.join(str(error).split())}")
        self._read = now
        return judge(seen, version.share, now=now, began=began)

    def _ingest(self, since: float) -> None:
        """Takes in what conversations have written since then; whoever else is doing that does it for us."""
        if self.ledgers is None:
            return
        fresh = [source for source in found([self.ledgers]) if _written(source.file) >= since]
        with suppress(TablesBusy):
            ingest(fresh, self.tables.folder, keep_sound=KEEP_SOUND)


def _written(file: Path) -> float:
    """When a file was last written to; 0 if it has gone meanwhile."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def lines(version: Version, judged: Judgement) -> Iterator[str]:
    """A look in words: what is done and why, then each measure."""
    canary, control = judged.turns
    word = {"withdraw": "withdrawn", "promote": "live", "wait": "goes on"}[judged.action]
    yield f"{version.id} {word}: {judged.why} ({canary} of its turns, {control} of control)"
    for one in judged.findings:
        yield f"    {one.standing:7}  {one.guardrail.name}: {told(one)}"
