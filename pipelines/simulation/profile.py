"""Service profiles: what the services of a conversation take, and how that grows with load. Read from YAML.

Delays are those of the services alone, in seconds. What the loop adds by waiting on purpose, and the windows of the
recogniser's two passes, come from the settings that are simulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.settings import errors as settings_errors
from pipelines.settings.layers import SettingsError, configs_folder, find_file, read_yaml
from pipelines.simulation.distribution import Distribution, exactly

LONGEST_NAME: Final = 100
"""Characters."""

Factors = Annotated[
    dict[Annotated[int, Field(ge=1, le=1_000_000)], Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]],
    Field(max_length=100),
]
"""By how much a delay grows, by the number of what loads the service; between two numbers it grows evenly."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _not_negative(delay: Distribution | None) -> Distribution | None:
    if delay is not None and delay.least < 0:
        raise ValueError("it must not be below 0")
    return delay


def _positive(speed: Distribution) -> Distribution:
    if speed.p50 is None and speed.least <= 0:
        raise ValueError("it must be above 0")
    return speed


class AsrDelays(_Part):
    """The recogniser. A stable partial and a final count from the end of the voice *and* the pause that is configured.

    They may be a little below zero: a recogniser hears the last word end before its sound has died away.
    """

    interim: Distribution = Field(exactly(0.1), description="from a word's end to an interim that has it")
    stable: Distribution | None = Field(
        None, description="from the end of stop_history_eou to the stable partial; none: it sends none"
    )
    final: Distribution = Field(description="from the end of stop_history to the final")
    forced: Distribution | None = Field(
        None, description="from being asked for the final to the final; none: as long as final"
    )
    word_error_rate: float = Field(0.0, ge=0, le=1, description="share of words that are lost or heard as others")

    _delays = field_validator("interim", "forced")(_not_negative)


class Reply(_Part):
    """What the mind answers; in YAML just the text, or with the questions that it is for."""

    text: str = Field(min_length=1, max_length=20_000, pattern=r"\S")
    question: str | None = Field(None, description="regular expression, in any case; none: for every other question")
    tokens: int | None = Field(None, ge=1, le=10_000, description="tokens that it has; none: as many as letters make")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"text": given} if isinstance(given, str) else given

    @field_validator("question")
    @classmethod
    def _is_expression(cls, question: str | None) -> str | None:
        try:
            re.compile(question or "")
        except re.error as error:
            raise ValueError(f"it is no regular expression: {error}") from None
        return question


class LlmDelays(_Part):
    """The language model. Without ``letters`` and a reply's own ``tokens`` each word is a token."""

    first_token: Distribution = Field(description="from the question to the first token")
    token: Distribution = Field(description="from one token to the next, drawn once for each reply")
    letters: float | None = Field(None, ge=1, le=100, description="characters in a token; none: a word is a token")
    replies: tuple[Reply, ...] = Field(
        max_length=1000, description="the first whose question fits; else one of the others, in turn"
    )

    _delays = field_validator("first_token", "token")(_not_negative)

    @field_validator("replies")
    @classmethod
    def _one_at_least(cls, replies: tuple[Reply, ...]) -> tuple[Reply, ...]:
        if not replies:
            raise ValueError("at least one reply is needed")
        return replies


class TtsDelays(_Part):
    """The synthesiser."""

    first_sound: Distribution = Field(description="from a clause to its first sound")
    speed: Distribution = Field(description="times real time")
    piece: float = Field(0.04, ge=0.01, le=10, description="seconds of sound that come at once")
    word: float = Field(0.3, gt=0, le=5, description="seconds of sound for each word")

    _delays = field_validator("first_sound")(_not_negative)
    _speeds = field_validator("speed")(_positive)


class FaceDelays(_Part):
    """Audio2Face."""

    first_frame: Distribution = Field(description="from the first sound to the first frame")
    speed: Distribution = Field(description="times real time")

    _delays = field_validator("first_frame")(_not_negative)
    _speeds = field_validator("speed")(_positive)


class Load(_Part):
    """Slow-down by load: factors on delays by how many requests are served at once, or streams are open.

    ``requests`` counts what is being worked on at that moment in the same service (for the recogniser: open streams).
    ``streams`` counts conversations, as published figures do.
    """

    by: Literal["requests", "streams"] = "requests"
    asr: Factors = Field({}, description="all delays of the recogniser")
    first_token: Factors = {}
    token: Factors = {}
    first_sound: Factors = {}
    speed: Factors = Field({}, description="the voice takes so many times longer for a second of sound")
    first_frame: Factors = {}


class ServiceProfile(_Part):
    """Everything that is simulated about the services. ``face`` is None where there is none."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    about: str = Field("", description="what these figures are and what of them is assumed")
    provenance: dict[str, str] = Field({}, description="where and when it was measured, or who published it")
    asr: AsrDelays
    llm: LlmDelays
    tts: TtsDelays
    face: FaceDelays | None = None
    network: Distribution = Field(exactly(0.0), description="one way, on top of each service's delay")
    load: Load = Load()

    _delays = field_validator("network")(_not_negative)


def profiles_folder() -> Path:
    """The folder with the profiles that come with the project."""
    return configs_folder() / "profiles"


def find_profile(name: str | Path) -> Path:
    """The profile that ``name`` means; raises :class:`~.SettingsError` that lists what there is."""
    return find_file(name, profiles_folder(), "service profile")


def load_profile(name: str | Path) -> ServiceProfile:
    """The profile of a file or of a bare name, see :func:`find_profile`; a file without a name is called by its own.

    Raises :class:`~pipelines.settings.layers.SettingsError` with one line for each mistake.
    """
    path = find_profile(name)
    layer = read_yaml(path)
    try:
        return ServiceProfile.model_validate({"name": path.stem, **layer.values})
    except ValidationError as error:
        lines = settings_errors.lines(error.errors(), ServiceProfile, [layer])
        # What is missing stands nowhere, but it is this file that it is missing from.
        raise SettingsError(re.sub(r"^settings: ", f"{path}: ", line) for line in lines) from None


def to_yaml(profile: ServiceProfile) -> str:
    """The profile as a file that :func:`load_profile` reads back."""
    values = profile.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def factor(factors: Mapping[int, float], number: int) -> float:
    """How many times longer it takes at ``number``: evenly between two factors, beyond them as at the end; else 1."""
    if not factors:
        return 1.0
    known = sorted(factors)
    return float(np.interp(number, known, [factors[n] for n in known]))
