"""Where a session's tools come from: each has its own, and the settings say which come along."""

import asyncio

import pytest
from pydantic import ValidationError

from nova.functions import tool
from nova.tools import Toolbox
from pipelines.settings.model import Settings
from pipelines.tools.opened import opened
from pipelines.tools.place import SessionPlace
from pipelines.tools.workshop import Joined, Ready
from sophia.events import AskRequested, SayRequested


@tool(reads=True)
async def tell_time() -> str:
    """Somebody else's clock."""
    return "late"


def names(settings, tools=()):
    async def go():
        told = []
        async with opened(settings, tools, told.append) as workshop:
            return [tool.name for tool in workshop.tools(SessionPlace())], told

    return asyncio.run(go())


def test_what_comes_along_is_named_in_the_settings():
    found, told = names(Settings())
    assert {"tell_time", "set_timer", "calculate", "convert_units"} <= set(found)
    assert names(Settings(tools={"use": ()})) == ([], [])
    assert names(Settings(tools={"use": ("units", "units")}))[0] == ["convert_units"]
    assert told == []
    with pytest.raises(ValidationError):
        Settings(tools={"use": ("oracle",)})


def test_every_tool_tells_a_model_what_it_is_for_in_few_words():
    async def go():
        async with opened(Settings(), (), lambda line: None) as workshop:
            return workshop.tools(SessionPlace())

    for one in asyncio.run(go()):
        assert 20 < len(one.spec.description) < 200
        assert one.spec.parameters["type"] == "object"
        assert one.seconds <= 10


def test_of_two_tools_with_a_name_the_one_that_was_given_is_used_and_it_is_told_once():
    found, told = names(Settings(tools={"use": ("clock",)}), (tell_time,))
    assert found == ["tell_time"]
    assert told == ["Two tools are called tell_time; the first is used."]

    async def twice():
        lines = []
        joined = Joined((Ready((tell_time,)), Ready((tool(reads=True)(tell_time_again),))), lines.append)
        return [joined.tools(SessionPlace()) for _ in range(3)], lines

    async def tell_time_again() -> str:
        """Another clock."""
        return ""

    tell_time_again.__name__ = "tell_time"
    offered, lines = asyncio.run(twice())
    assert offered == [(tell_time,)] * 3
    assert len(lines) == 1


def test_a_place_speaks_for_its_session_and_no_longer():
    async def go():
        place, told, left = SessionPlace(language="de-DE", person="p1"), [], []
        place.say("too early")
        place.at_end(lambda: left.append(1))
        place.join(told.append, Toolbox())
        place.say("Tea!")
        place.ask("the oven")
        assert (place.language, place.person) == ("de-DE", "p1")
        place.leave()
        place.leave()
        place.say("too late")
        return told, left

    told, left = asyncio.run(go())
    assert [type(event) for event in told] == [SayRequested, AskRequested]
    assert (told[0].text, told[0].polite, told[1].about) == ("Tea!", True, "the oven")
    assert left == [1]
