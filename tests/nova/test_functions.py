"""A typed function as a tool: the schema that a model reads, and arguments that do not fit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from nova.functions import ToolError, tool
from nova.tools import Tool, Toolbox, ToolSpec


@tool(reads=True, seconds=2.0, waiting="look")
async def weather(
    city: Annotated[str, Field(description="a town", min_length=1)],
    days: Annotated[int, Field(ge=1, le=7)] = 1,
    unit: Literal["celsius", "fahrenheit"] = "celsius",
) -> str:
    """The weather
    to come."""
    return f"{city} {days} {unit}"


def test_the_schema_is_what_the_function_says() -> None:
    assert weather.spec.name == "weather"
    assert weather.spec.description == "The weather to come."
    assert weather.spec.parameters == {
        "type": "object",
        "additionalProperties": False,
        "required": ["city"],
        "properties": {
            "city": {"type": "string", "description": "a town", "minLength": 1},
            "days": {"type": "integer", "default": 1, "minimum": 1, "maximum": 7},
            "unit": {"type": "string", "default": "celsius", "enum": ["celsius", "fahrenheit"]},
        },
    }
    assert (weather.reads, weather.seconds, weather.waiting, weather.slow) == (True, 2.0, "look", False)


def test_a_parameter_named_title_keeps_its_name() -> None:
    @tool()
    async def note(title: str) -> str:
        """Keeps a note."""
        return title

    assert note.spec.parameters["properties"] == {"title": {"type": "string"}}


def test_a_function_without_parameters_has_a_schema_all_the_same() -> None:
    @tool()
    async def now() -> str:
        """The time."""
        return "noon"

    assert now.spec.parameters["properties"] == {}
    assert now.spec.parameters["type"] == "object"


async def test_it_runs_with_what_it_is_given_and_its_defaults() -> None:
    assert await weather.run({"city": "Bonn"}) == "Bonn 1 celsius"
    assert await weather.run({"city": "Bonn", "days": 3, "unit": "fahrenheit"}) == "Bonn 3 fahrenheit"


@pytest.mark.parametrize(
    "arguments",
    [{}, {"city": ""}, {"city": "Bonn", "days": 9}, {"city": "Bonn", "unit": "kelvin"}, {"city": "Bonn", "sky": 1}],
)
async def test_arguments_that_do_not_fit_are_told(arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="these arguments do not fit: "):
        await weather.run(arguments)


async def test_a_complaint_is_short_however_long_the_arguments_are() -> None:
    with pytest.raises(ToolError) as caught:
        await weather.run({"city": "Bonn", **{f"more{n}": n for n in range(1000)}})
    assert len(str(caught.value)) <= 300


def test_a_function_must_say_what_it_is_for() -> None:
    async def mute() -> str:
        return ""

    with pytest.raises(TypeError, match="docstring"):
        tool()(mute)


def test_no_schema_is_made_of_open_parameters() -> None:
    async def wild(*args: str) -> str:
        """Anything."""
        return ""

    with pytest.raises(TypeError, match="args"):
        tool()(wild)


def test_a_methods_self_is_no_parameter() -> None:
    class Clock:
        async def now(self, zone: str = "UTC") -> str:
            """The time."""
            return zone

    assert list(tool(reads=True)(Clock().now).spec.parameters["properties"]) == ["zone"]


def test_a_clients_tool_hides_an_own_of_its_name() -> None:
    theirs = ToolSpec("weather", "a client's")
    box = Toolbox((theirs,), own=(weather,)).now
    assert box.offered == (theirs,)
    assert Toolbox(own=(weather,)).now.offered == (weather.spec,)


def test_the_own_tools_stay_beside_what_a_client_offers_once() -> None:
    box = Toolbox(own=(weather,), once=Toolbox((ToolSpec("once"),), "required"))
    assert [spec.name for spec in box.now.offered] == ["once", "weather"]
    assert isinstance(box.own[0], Tool)
