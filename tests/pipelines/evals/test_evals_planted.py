"""A check that cannot fail is a defect: each fault that is planted here turns the verdict red."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from eval_cases import LIGHT, WEATHER, case, verdict, wrong

from nova.mind import Message
from nova.tools import Choice, Tool, ToolCall, ToolSpec
from pipelines.evals.case import Case
from pipelines.evals.minds import EmbeddedMind
from pipelines.evals.tooling import tools_of
from pipelines.settings.model import Settings
from pipelines.tools.workshop import Place

WISH = "What's the weather in Ulm?"
CALLS = [{"tool": "get_weather", "given": {"city": "Ulm"}}]


def expecting(**expect: Any) -> Case:
    return case({"user": WISH, "expect": expect}, tools={"get_weather": WEATHER})


def test_a_good_case_is_good() -> None:
    assert wrong(verdict(expecting(calls=CALLS, says="foggy", says_not="sunny", latency=2.0, outcome="replied"))) == []


@pytest.mark.parametrize(
    ("expect", "what"),
    [
        ({"says": "sunny"}, "says sunny"),
        ({"says_not": "foggy"}, "does not say foggy"),
        ({"calls": []}, "calls nothing"),
        ({"calls": CALLS * 2}, "calls get_weather"),
        ({"calls": [{"tool": "get_weather", "given": {"city": "Bonn"}}]}, "calls get_weather"),
        ({"calls": [{"tool": "set_timer"}]}, "calls set_timer"),
        ({"latency": 0.2}, "within 0.2 s"),
        ({"outcome": "interrupted"}, "is interrupted"),
    ],
)
def test_what_a_line_expects_may_be_missed(expect: dict[str, Any], what: str) -> None:
    (found,) = wrong(verdict(expecting(**expect)))
    assert found.startswith(what)


def test_the_order_of_calls_counts_unless_it_may_be_any() -> None:
    calls = [{"tool": "get_weather", "given": {"city": city}} for city in ("Rome", "Berlin")]
    line = {"user": "What's the weather in Berlin and Rome?", "expect": {"calls": calls}}
    assert wrong(verdict(case(line, tools={"get_weather": WEATHER})))
    line["expect"] = {"calls": calls, "any_order": True}
    assert not wrong(verdict(case(line, tools={"get_weather": WEATHER})))


def test_a_tool_with_effects_that_runs_for_a_guess_is_found() -> None:
    def reckless(of: Case, settings: Settings, place: Place) -> tuple[Tool, ...]:
        return tuple(replace(tool, reads=True) for tool in tools_of(of, settings, place))

    wish = case("Switch the light in the kitchen on.", tools={"switch_light": LIGHT})
    assert wrong(verdict(wish)) == []
    assert wrong(verdict(wish, make_tools=reckless)) == ["tools with effects run once the turn is decided"]


def test_a_call_that_is_spoken_is_found() -> None:
    told = case(WISH, tools={"get_weather": WEATHER}, persona="You are Sophia.\nTest the calls: in prose.")
    assert wrong(verdict(told)) == ["nothing of a call is spoken"]


def test_a_tool_that_nobody_offered_is_found() -> None:
    told = case(WISH, tools={"get_weather": WEATHER}, persona="You are Sophia.\nTest the calls: unknown.")
    assert wrong(verdict(told)) == ["no tool is called that is not offered"]


class Slow(EmbeddedMind):
    """A mind that takes its time."""

    def __init__(self) -> None:
        super().__init__(first=4.0)


class Failing(EmbeddedMind):
    """A mind that fails."""

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        await asyncio.sleep(0.1)
        raise ValueError("a defect")
        yield ""


def test_a_mind_that_is_slow_or_fails_is_found() -> None:
    assert "never silent for more than 2.5 s" in wrong(verdict(case("Hello."), mind=Slow()))
    assert "nothing fails" in wrong(verdict(case("Hello."), mind=Failing()))


def test_a_moment_that_never_comes_is_told() -> None:
    lines = "Hello.", {"user": "No, Berlin.", "during": "get_weather"}
    assert "the case was played" in wrong(verdict(case(*lines, tools={"get_weather": WEATHER})))
