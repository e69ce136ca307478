"""What may be written about a talk and its lines, in a manifest or a script: models, and what is wrong in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, AllowInfNan, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import ErrorDetails

from pipelines.scenarios.room import Colour
from pipelines.scenarios.scenario import Reaction
from pipelines.scenarios.speech import CannotSay, parse
from pipelines.settings.errors import allowed, field_at, group_of
from pipelines.settings.layers import did_you_mean

COLOURS: Final[tuple[Colour, ...]] = ("white", "pink")

_NOISE = re.compile(r"(?P<source>[^\x00]+):\s*(?P<snr>[-+]?\d+(?:\.\d+)?)(?:\s*dB)?", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class Unreadable(Exception):
    """A file that describes a scenario cannot be used; ``lines`` says why, one line each without a full stop."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True)
class Background:
    """Noise under the speech: ``white``, ``pink`` or a WAV file, ``snr`` dB below the speech."""

    source: str
    snr: float


def _printable(value: object) -> object:
    return printable(value) if isinstance(value, str) else value


def _background(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _NOISE.fullmatch(value.strip())
    if match is None or not (match["source"] in COLOURS or match["source"].lower().endswith(".wav")):
        raise ValueError("write white:20, pink:15 or file.wav:10, the number being dB below the speech")
    snr = float(match["snr"])
    if not -20 <= snr <= 60:
        raise ValueError(f"{snr:g} dB is not from -20 to 60")
    return Background(match["source"], snr)


def printable(text: str) -> str:
    """``text`` in one line and without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _file(value: Path) -> Path:
    if not value.name or "\x00" in str(value):
        raise ValueError("it is no name of a file")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    return value


def _sayable(value: str) -> str:
    try:
        parse(value)
    except CannotSay as error:
        raise ValueError(str(error)) from None
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("write a language like en-US")
    return value


Noise = Annotated[Background, BeforeValidator(_background)]
Name = Annotated[str, BeforeValidator(_printable), MinLen(1), MaxLen(80)]
File = Annotated[Path, AfterValidator(_file)]
Pause = Annotated[float, Ge(0), Le(600), AllowInfNan(False)]
Gap = Annotated[float, Ge(-60), Le(600), AllowInfNan(False)]
Echo = Annotated[float, Ge(0), Le(5), AllowInfNan(False)]
Said = Annotated[str, BeforeValidator(_printable), MinLen(1), MaxLen(2000)]  # some two minutes
Speed = Annotated[float, Ge(0.25), Le(2), AllowInfNan(False)]
Pattern = Annotated[str, MinLen(1), MaxLen(500), AfterValidator(_pattern)]
Language = Annotated[str, AfterValidator(_language)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class LineSpec(_Spec):
    """One line. Exactly one of ``wav`` and ``say``, at most one of ``pause``, ``over`` and ``gap``."""

    wav: File | None = Field(None, description="the recording, beside the file that names it")
    say: Annotated[Said, AfterValidator(_sayable)] | None = Field(
        None, description="what a voice of this machine says; [0.8] is a pause of 0.8 s"
    )
    voice: Name | None = Field(None, description="whose voice says it")
    speed: Speed | None = Field(None, description="how fast the voice says it; 1.2 is a fifth faster than usual")
    name: Name | None = Field(None, description="what reports call the line")
    transcript: Said | None = Field(None, description="what is said in the recording; [0.8] or | marks a pause")
    expect: Pattern | None = Field(None, description="a regular expression that her reply has to contain")
    pause: Pause | None = Field(None, description="seconds of silence after her reply to the line before")
    over: Pause | None = Field(None, description="seconds after her first sound: a barge-in, a backchannel")
    gap: Gap | None = Field(
        None, description="seconds after the line before, whatever she does; below zero: both talk at once"
    )
    reaction: Reaction = Field("reply", description="what she has to do: reply, or ignore it")
    language: Language | None = Field(None, description="language that is spoken")
    level: float = Field(0.0, description="louder or quieter by this many dB", ge=-60, le=40, allow_inf_nan=False)
    room: Echo | None = Field(None, description="seconds in which the room's echo falls by 60 dB; 0: none")
    noise: Noise | None = Field(None, description="noise under this line: white:20, pink:15, file.wav:10")

    @model_validator(mode="after")
    def _fits(self) -> LineSpec:
        if (self.wav is None) == (self.say is None):
            raise ValueError("a line needs either wav or say" + (", not both" if self.wav else ""))
        if self.say is None and (given := "voice" if self.voice else "speed" if self.speed else None):
            raise ValueError(f"a {given} goes with say; a recording has its own")
        if self.say is not None and self.transcript is not None:
            raise ValueError("what is said is the transcript already; leave transcript out")
        cues = [name for name in ("pause", "over", "gap") if getattr(self, name) is not None]
        if len(cues) > 1:
            raise ValueError(f"{' and '.join(cues)} disagree about when it is said; keep one")
        return self


class TalkSpec(_Spec):
    """One conversation; what it says of voice, room and language holds for each line that says nothing itself."""

    name: Name
    voice: Name | None = Field(None, description="whose voice says the lines")
    speed: Speed | None = Field(None, description="how fast the voice says them")
    language: Language | None = Field(None, description="language that is spoken")
    room: Echo | None = Field(None, description="seconds in which the room's echo falls by 60 dB")
    noise: Noise | None = Field(None, description="noise that goes on all the time, below its median line")
    lines: tuple[LineSpec, ...] = Field(min_length=1, max_length=1000)


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk as it was written: ``places`` says of each line where it stands, such as ``manifest.csv:3``."""

    spec: TalkSpec
    places: Sequence[str]


def mistakes(
    errors: Sequence[ErrorDetails], model: type[BaseModel], what: str, place: Callable[[tuple[Any, ...]], str]
) -> list[str]:
    """What pydantic found wrong, one line each: the place of its location, the key, what is allowed there.

    ``what`` is told of an unknown key at the top: "no key of a talk". Where ``place`` is empty nothing stands before.
    """
    return list(dict.fromkeys(_mistake(error, model, what, place) for error in errors))


def _mistake(error: ErrorDetails, model: type[BaseModel], what: str, place: Callable[[tuple[Any, ...]], str]) -> str:
    loc = error["loc"]
    names = tuple(str(part) for part in loc if not isinstance(part, int))
    group, info = field_at(model, names)
    while names and group is None:  # the branch of a union that pydantic tried
        names = names[:-1]
        group, info = field_at(model, names)
    before = f"{where}: " if (where := place(loc)) else ""
    key = names[-1] if names else ""
    value = error.get("input")
    shown = "" if isinstance(value, dict | list | tuple | BaseModel) else f" = {_short(value)}"
    kind = error["type"]
    if kind == "extra_forbidden" and group is not None:
        guess = did_you_mean(key, group.model_fields)
        of = "a line" if group is LineSpec else "a talk" if group is TalkSpec else what
        known = f"; did you mean {guess}?" if guess else f"; there are {', '.join(group.model_fields)}"
        return f"{before}{key} is no key of {of}{known}"
    if kind == "missing":
        return f"{before}{key} is missing"
    if kind == "value_error":
        reason = str(error.get("ctx", {}).get("error", error["msg"]))
        return f"{before}{key}{shown}: {reason}" if info and not group_of(info) else f"{before}{reason}"
    if info is None:
        return f"{before}{key or what}{shown} does not fit: {error['msg']}"
    if group_of(info):
        if kind in ("too_short", "too_long"):
            return f"{before}{key} must have from 1 to 1000 entries"
        return f"{before}{key} must be a list, each entry a mapping of {', '.join(group_of(info).model_fields)}"  # type: ignore[union-attr]
    return f"{before}{key}{shown} must be {allowed(info)}"


def _short(value: object) -> str:
    text = "nothing" if value is None else repr(str(value)) if isinstance(value, str | Path) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
