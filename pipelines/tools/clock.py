"""The tool that tells the time: here, or where somebody asks about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from nova.functions import tool
from nova.tools import Tool, ToolError
from pipelines.tools.places import zone_of

Now = Callable[[], datetime]
"""What time it is here, with its zone."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def here() -> datetime:
    """The machine's own time."""
    return datetime.now().astimezone()


def clock(now: Now = here) -> Tool:
    """The tool; ``now`` tells the time."""

    @tool(reads=True, seconds=2.0)
    async def tell_time(
        place: Annotated[str, Field(max_length=100, description="a city or country; empty: here")] = "",
    ) -> str:
        """What time and what date it is, here or somewhere else in the world."""
        at = now()
        if not place.strip():
            return f"It is {written(at)} here."
        zone = zone_of(place)
        if zone is None:
            raise ToolError(f"no time zone is known for {place}: ask for a large city near it")
        there = at.astimezone(zone)
        return f"In {place.strip()} it is {written(there)}{_apart(at, there, zone)}."

    return tell_time


def written(at: datetime) -> str:
    """A time and a date, in words that cannot be mistaken."""
    return f"{at:%H:%M} on {DAYS[at.weekday()]}, {at.day} {MONTHS[at.month - 1]} {at.year}"


def _apart(here: datetime, there: datetime, zone: ZoneInfo) -> str:
    """How far a place's clock is from the one here."""
    apart = (there.utcoffset() or timedelta()) - (here.utcoffset() or timedelta())
    if not apart:
        return f" ({zone.key}), the same time as here"
    hours, minutes = divmod(round(abs(apart).total_seconds() / 60), 60)
    amount = f"{hours} hour{'s' if hours != 1 else ''}" + (f" {minutes} minutes" if minutes else "")
    return f" ({zone.key}), {amount} {'ahead of' if apart > timedelta() else 'behind'} here"
