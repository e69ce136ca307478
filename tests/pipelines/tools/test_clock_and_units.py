"""The time of places by the tz database, and units by the table."""

import asyncio
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.tools import ToolError
from pipelines.tools.clock import clock
from pipelines.tools.places import CITIES, zone_of
from pipelines.tools.units import UNITS, convert_exactly, convert_units, unit_of

AT = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)


def time_in(place="", at=AT):
    return asyncio.run(clock(lambda: at).run({"place": place}))


def test_the_time_here_and_elsewhere():
    assert time_in() == "It is 01:30 on Tuesday, 1 December 2026 here."
    assert time_in("Tokyo") == "In Tokyo it is 10:30 on Tuesday, 1 December 2026 (Asia/Tokyo), 9 hours ahead of here."
    assert time_in("new york").endswith("20:30 on Monday, 30 November 2026 (America/New_York), 5 hours behind here.")
    assert "5 hours 30 minutes ahead" in time_in("Mumbai")
    assert "the same time as here" in time_in("London")
    summer = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert "11:00" in time_in("london", summer)


def test_a_place_that_nobody_knows_is_a_failure_that_says_so():
    for place in ("Atlantis", "../../etc/passwd", "\0", "x" * 100):
        with pytest.raises(ToolError, match="no time zone"):
            time_in(place)


@pytest.mark.parametrize(
    ("place", "zone"),
    [("São Paulo", "America/Sao_Paulo"), ("Zürich", "Europe/Zurich"), ("Paris, France", "Europe/Paris"),
     ("Mexico City", "America/Mexico_City"), ("europe/berlin", "Europe/Berlin"), ("UTC", "UTC")],
)  # fmt: skip
def test_places_are_found_as_people_write_them(place, zone):
    assert zone_of(place).key == zone


def test_each_city_of_the_table_has_a_zone():
    assert all(zone_of(city) for city in CITIES)


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_none(place):
    assert zone_of(place) is None or zone_of(place).key


def converted(amount, from_unit, to_unit):
    return asyncio.run(convert_units.run({"amount": amount, "from_unit": from_unit, "to_unit": to_unit}))


@pytest.mark.parametrize(
    ("amount", "of", "to", "result"),
    [
        (5, "miles", "km", "8.04672 kilometres"),
        (100, "fahrenheit", "celsius", "37.7778 degrees celsius"),
        (37, "degrees celsius", "°F", "98.6 degrees fahrenheit"),
        (-40, "F", "C", "-40 degrees celsius"),
        (0, "kelvin", "celsius", "-273.15 degrees celsius"),
        (2, "cups", "ml", "473.176 millilitres"),
        (6, "feet", "cm", "182.88 centimetres"),
        (60, "miles per hour", "km/h", "96.5606 kilometres per hour"),
        (1, "kWh", "joules", "3600000 joules"),
        (3, "square feet", "m2", "0.278709 square metres"),
        (1, "GiB", "MB", "1073.74 megabytes"),
        (1, "gbit/s", "mbps", "1000 megabits per second"),
    ],
)
def test_units_are_converted(amount, of, to, result):
    assert converted(amount, of, to).endswith(f"= {result}")


def test_what_cannot_be_converted_is_told_why():
    for arguments, why in (
        ((1, "furlong", "m"), "furlong is not known"),
        ((1, "kg", "m"), "kilogram is a mass and metre a length"),
        ((float("nan"), "kg", "g"), "no number"),
        ((1e308, "light years", "nm"), "no number"),
    ):
        with pytest.raises(ToolError, match=why):
            converted(*arguments)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.fractions(max_denominator=1000))
def test_there_and_back_is_where_it_began(of, to, amount):
    of, to = unit_of(of), unit_of(to)
    if of.quantity == to.quantity:
        assert convert_exactly(convert_exactly(amount, of, to), to, of) == amount
    assert convert_exactly(Fraction(1), of, of) == 1
