"""What can be set about learning from conversations: what is kept of them, where, for how long, and by whose leave."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Consent = Literal["numbers", "words", "sound"]
CONSENTS: Final[tuple[Consent, ...]] = get_args(Consent)
"""What a person lets us keep; each includes those before it. Numbers hold no words, and no sound."""


def allows(consent: Consent, what: Consent) -> bool:
    """Whether ``what`` may be kept by this consent."""
    return CONSENTS.index(what) <= CONSENTS.index(consent)


class RetentionSettings(BaseModel):
    """For how many days each kind of thing is kept; ``python -m pipelines.insights purge`` holds to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sound: int = Field(14, ge=0, le=36_500, description="days that recorded voices are kept")
    words: int = Field(30, ge=0, le=36_500, description="days that what was said is kept")
    numbers: int = Field(400, ge=0, le=36_500, description="days that the numbers of each turn are kept")


class InsightsSettings(BaseModel):
    """What is kept of conversations to learn from; nothing by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str = Field("", max_length=64, description="where this is, as reports name it, such as berlin-2")
    ledgers: Path | None = Field(
        None, description="folder that gets the numbers of each turn, without words, in files by day; none: off"
    )
    takes: Path | None = Field(
        None, description="folder that gets conversations whose user agreed, with words or sound; none: off"
    )
    tables: Path | None = Field(
        None, description="folder of tables (python -m pipelines.insights ingest); the doctor tells how old they are"
    )
    consent: Consent = Field(
        "numbers",
        description="what users have agreed to before they say so themselves; words and sound need takes, and sound is "
        "told by her before anything else",
    )
    person_key: Path | None = Field(
        None,
        description="file with the secret that makes pseudonyms of what clients call their users; made where it is "
        "missing; none: nobody is told apart",
    )
    versions: Path | None = Field(
        None, description="folder of settings on trial (python -m pipelines.improve), seen within seconds; none: off"
    )
    approval_key: Path | None = Field(
        None, description="file with the secret that signs approvals of versions; with it no other approval counts"
    )
    keys: Path | None = Field(
        None,
        description="folder that gets a key for each conversation, by which words and sound of its take are sealed; "
        "keep it apart from takes, and out of backups; none: takes are not sealed",
    )
    retention: RetentionSettings = Field(
        default_factory=RetentionSettings, description="for how long what was kept stays"
    )

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.consent != "numbers" and self.takes is None:
            raise ValueError(f"consent {self.consent} needs insights.takes, a folder for what is kept by it")
        return self
