"""Where a turn comes from: which conversation, with whom, at which site, with what in force, kept by whose leave.

A ledger alone tells how a turn went. Beside those of many conversations it has to tell which of them can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pipelines.settings.insights import Consent, allows
from pipelines.telemetry.ledger import Ledger

Mode = Literal["microphone", "page", "server", "soundbite", "replay", "simulated"]
"""How somebody talks to her; ``page`` is anybody in a browser, ``server`` a program."""


@dataclass(frozen=True, slots=True)
class Models:
    """What served a conversation, by service; empty where there was none."""

    asr: str = ""
    llm: str = ""
    tts: str = ""
    face: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """A conversation as its ledgers name it.

    ``id`` has 32 hexadecimal digits, as in spans. ``person`` is a pseudonym, empty where nobody said who it is.
    ``began`` is the date of the beginning, ``loop_time`` the same instant on the clock of the marks. ``settings`` is a
    hash of what was in force, ``arm`` which side of a trial the conversation was on; empty where there was none.
    """

    id: str
    began: datetime
    loop_time: float
    person: str = ""
    site: str = ""
    mode: Mode = "server"
    language: str = ""
    models: Models = Models()
    settings: str = ""
    arm: str = ""
    consent: Consent = "numbers"

    def as_dict(self) -> dict[str, Any]:
        """As it stands in each line of a ledger."""
        return {
            "id": self.id,
            "person": self.person,
            "began": self.began.astimezone(UTC).isoformat(timespec="microseconds"),
            "loop_time": self.loop_time,
            "site": self.site,
            "mode": self.mode,
            "language": self.language,
            "sophia": sophia_version(),
            "models": asdict(self.models),
            "settings": self.settings,
            "arm": self.arm,
            "consent": self.consent,
        }

    def allows(self, what: Consent) -> bool:
        """Whether ``what`` may be kept."""
        return allows(self.consent, what)


def ledger_line(ledger: Ledger, provenance: Provenance | None, *, words: bool) -> dict[str, Any]:
    """The ledger as a line of JSON, with its conversation where that is known, and with its words if they are asked."""
    told = ledger.as_dict(words=words)
    conversation: Mapping[str, Any] = {} if provenance is None else {"conversation": provenance.as_dict()}
    return {"schema": told.pop("schema"), **conversation, **told}


def sophia_version() -> str:
    """The version that is installed."""
    try:
        return version("sophia-avatar")
    except PackageNotFoundError:
        return "unknown"
