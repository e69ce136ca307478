"""What is played and expected: a conversation's tools, the user's lines, and what has to come of each. Plain data."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from nova.tools import Waiting
from pipelines.settings.tools import Bundle


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    return text


def _several(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


Pattern = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_several)]
Seconds = Annotated[float, Field(ge=0, le=120)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(_Part):
    """What a tool returns where its arguments hold ``given``; values are compared as text, in any case."""

    given: dict[str, Any] = Field(default_factory=dict, description="arguments that a call must have")
    text: str = Field(description="what the tool returns then")


class ToolCase(_Part):
    """A tool of the case. By default it has effects, takes no time and says that it is done."""

    about: str = Field(min_length=1, description="what the model is told it is for")
    takes: dict[str, dict[str, Any]] = Field(default_factory=dict, description="its parameters, each a JSON schema")
    required: tuple[str, ...] | None = Field(None, description="parameters that a call must have; all of them")
    reads: bool = Field(False, description="it changes nothing, so it may run for a guess")
    waiting: Waiting = Field("look", description="the kind of phrase that she says while it runs")
    seconds: Seconds = Field(0.0, description="how long it takes")
    limit: float = Field(10.0, gt=0, le=120, description="seconds after which the runtime gives it up")
    returns: Annotated[tuple[Result, ...], BeforeValidator(lambda v: [{"text": v}] if isinstance(v, str) else v)] = (
        Field((Result(text="Done."),), description="a text, or several by arguments; the first that fits")
    )
    repeated: int = Field(1, ge=1, le=1_000_000, description="how often the text is repeated, to make it long")
    fails: str = Field("", description="it fails, and this is why")
    raises: bool = Field(False, description="it has a defect, and raises what nobody expects")
    slow: bool = Field(False, description="it runs beside the talk, and she tells the result when it comes")
    question: str = Field("", description="what the user is asked before it runs")


class Call(_Part):
    """A call that is expected: of this tool, with at least these arguments. A text is a regular expression."""

    tool: str
    given: dict[str, Any] = Field(default_factory=dict)


class Expected(_Part):
    """What has to come of a line of the user's."""

    says: Patterns = Field((), description="each is found in what was heard, in any case")
    says_not: Patterns = Field((), description="none of these is")
    calls: Annotated[tuple[Call, ...], BeforeValidator(_several)] | None = Field(
        None, description="exactly these tools run, in this order; []: none"
    )
    any_order: bool = Field(False, description="the calls may come in any order")
    latency: Seconds | None = Field(None, description="at most so long from the user's last sound to hers")
    outcome: Literal["replied", "interrupted", "dropped"] | None = Field(None, description="how the turn ended")


Tag = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class Line(_Part):
    """Something that the user says, when, and what has to come of it."""

    user: str = Field(min_length=1, max_length=2000)
    language: Tag | None = Field(None, description="what it is said in, if not in the case's language; she may follow")
    pause: Seconds = Field(0.8, description="seconds after her reply to the line before")
    over: Seconds | None = Field(None, description="seconds after her first sound of it: a barge-in")
    during: str = Field("", description="while this tool runs that the line before had called")
    after: Seconds | None = Field(None, description="seconds after that line's last sound, whatever she does")
    wait: Seconds = Field(0.0, description="seconds that are waited when all is quiet, for what she says by herself")
    expect: Expected = Field(default_factory=Expected)


class Case(_Part):
    """One conversation."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
    about: str = Field("", description="what is shown by it")
    language: Tag = "en-US"
    persona: str = Field("You are Sophia. Answer briefly.", max_length=4000)
    use: tuple[Bundle, ...] = Field((), description="tools that come along with the project")
    tools: dict[str, ToolCase] = Field(default_factory=dict)
    lines: tuple[Line, ...] = Field(min_length=1, max_length=100)
    silence: float = Field(2.5, gt=0, description="longest wait for her first sound, in any turn that she answers")
    wrong_calls: bool = Field(False, description="the mind calls tools that are not offered, and this is a test of it")
    only: Literal["", "embedded"] = Field("", description="only with the embedded mind, such as its faults on request")

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that are spoken, the case's own first."""
        return tuple(dict.fromkeys((self.language, *(line.language for line in self.lines if line.language))))

    @model_validator(mode="after")
    def _fits(self) -> Case:
        for at, line in enumerate(self.lines, 1):
            cues = [name for name in ("over", "during", "after") if getattr(line, name) not in (None, "")]
            if len(cues) > 1:
                raise ValueError(f"line {at}: {' and '.join(cues)} disagree about when it is said; keep one")
            if at == 1 and cues:
                raise ValueError(f"line 1: {cues[0]} needs a line before")
        return self
