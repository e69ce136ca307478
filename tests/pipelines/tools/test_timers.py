"""Timers and reminders: she speaks up when they are due, tells what is running, and forgets what is cancelled."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from place_at import PlaceAt, use

from nova.tools import ToolError
from pipelines.tools.timers import MOST_TIMERS, Timers, spoken
from pipelines.virtual_time import run

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def with_timers(language="en-US"):
    """Runs an async test with a place, and a function that uses its timers; the day began at noon."""

    def decorate(test):
        async def go():
            place = PlaceAt(language)
            began = place.now
            timers = Timers(place, lambda: NOON + timedelta(seconds=place.now - began))
            await test(place, use(timers.tools()))

        def called():
            run(go())

        return called

    return decorate


@with_timers()
async def test_a_timer_is_told_when_it_is_up(place, call):
    assert await call("set_timer", minutes=5) == "The timer rings in 5 minutes, at 12:05."
    assert await call("set_timer", hours=1, minutes=30, name="the cake") != ""
    await asyncio.sleep(60)
    assert await call("list_timers") == "timer for 5 minutes: 4 minutes left\ncake: 1 hour and 29 minutes left"
    await asyncio.sleep(7200)
    assert place.said == [(300.0, "Your timer for 5 minutes is up."), (5400.0, "Your cake timer is up.")]
    assert await call("list_timers") == "No timer and no reminder is running."


@with_timers()
async def test_a_reminder_comes_in_minutes_or_at_a_time_of_day(place, call):
    assert "12:10" in await call("set_reminder", what="call Ann", minutes=10)
    assert "15:30" in await call("set_reminder", what="the train", time="3:30 pm")
    assert "11:00, in 23 hours" in await call("set_reminder", what="the bin", time="at 11")
    assert "09:00" in await call("set_reminder", what="the dentist", time="2026-12-03 09:00")
    await asyncio.sleep(3 * 86_400)
    assert [at for at, _ in place.said] == [600.0, 12_600.0, 82_800.0, 162_000.0]
    assert place.said[0][1] == "I was to remind you: call Ann."


@with_timers("de-DE")
async def test_in_another_language_she_finds_the_words(place, call):
    await call("set_timer", seconds=10, name="Nudeln")
    await asyncio.sleep(11)
    assert place.said == []
    assert place.told == [(10.0, "The user's timer for 10 seconds, called “Nudeln”, is up now.")]


@with_timers()
async def test_a_timer_is_cancelled_by_its_name_and_only_where_that_is_clear(place, call):
    for name in ("pasta", "green tea", "black tea"):
        await call("set_timer", minutes=3, name=name)
    with pytest.raises(ToolError, match="several are called that; there are: pasta, green tea, black tea"):
        await call("cancel_timer", name="tea")
    with pytest.raises(ToolError, match="several"):
        await call("cancel_timer")
    with pytest.raises(ToolError, match="none is"):
        await call("cancel_timer", name="rice")
    assert await call("cancel_timer", name="my black tea timer") == "Cancelled: black tea."
    assert await call("cancel_timer", name="all") == "Cancelled: pasta, green tea."
    with pytest.raises(ToolError, match="running"):
        await call("cancel_timer")
    await asyncio.sleep(1000)
    assert place.said == []


@with_timers()
async def test_what_is_no_time_is_refused_with_a_reason(place, call):
    for arguments, why in (
        ({}, "more than no time"),
        ({"hours": 168, "seconds": 1}, "at most 7 days"),
        ({"hours": -1}, "do not fit"),
        ({"hours": float("nan")}, "do not fit"),
        ({"seconds": float("inf")}, "do not fit"),
    ):
        with pytest.raises(ToolError, match=why):
            await call("set_timer", **arguments)
    for time in ("25:00", "noonish", "12:75", "9" * 39):
        with pytest.raises(ToolError):
            await call("set_reminder", what="x", time=time)
    with pytest.raises(ToolError, match="more than no time"):
        await call("set_reminder", what="x", time="2020-01-01 10:00")


@with_timers()
async def test_there_is_a_bound_and_the_end_of_the_session_ends_them(place, call):
    for number in range(MOST_TIMERS):
        await call("set_timer", minutes=1 + number)
    with pytest.raises(ToolError, match="cancelled first"):
        await call("set_timer", minutes=1)
    place.end()
    await asyncio.sleep(10_000)
    assert place.said == place.told == []


def test_lengths_of_time_are_said_in_two_parts():
    said = [spoken(timedelta(seconds=seconds)) for seconds in (0, 1, 61, 3600, 3661, 90_061)]
    assert said == [
        "0 seconds",
        "1 second",
        "1 minute and 1 second",
        "1 hour",
        "1 hour and 1 minute",
        "1 day and 1 hour",
    ]
