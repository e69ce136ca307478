"""What she remembers from one conversation to the next, if anything."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class MemorySettings(BaseModel):
    """Facts that a user has asked her to remember. Off without a folder; nothing else is stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(
        None,
        description="folder that gets a text file for each person, with what they asked her to remember; none: off",
    )
    tokens: int = Field(
        300, ge=16, le=10_000, description="room for remembered facts below the persona; the newest are told first"
    )
