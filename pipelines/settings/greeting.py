"""What she says first, if she is to begin."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class GreetingSettings(BaseModel):
    """How she greets whoever comes; without either she waits for the user."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: str | None = Field(
        None, min_length=1, max_length=500, description="her first words, word for word, such as: Hello, I am Sophia."
    )
    ask: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="what she is to begin with in her own words, such as: Greet the user and ask what they want to see",
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.say and self.ask:
            raise ValueError("set say, for her words, or ask, for the mind to find them; not both")
        return self
