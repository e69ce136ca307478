"""Timers and reminders of one session: she speaks up by herself when one is due, once nobody speaks.

They die with their session. Nothing of them is written down.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from nova.functions import tool
from nova.tools import Tool, ToolError
from pipelines.tools.clock import Now, here
from pipelines.tools.workshop import Place

MOST_TIMERS = 20
LONGEST = timedelta(days=7)
LONGEST_TEXT = 200

_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?::\d{2})?\s*([ap])?\.?\s*(?:m\.?)?", re.IGNORECASE)

_ARTICLE = re.compile(r"^(the|my|an?)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A timer that runs: what it is called, what it says, and when it is due, by ``loop.time()`` and the clock."""

    number: int
    name: str
    says: str
    about: str
    due: float
    clock: datetime
    handle: asyncio.TimerHandle


class Timers:
    """The timers of the session at ``place``; make it in the loop of the session. ``now`` is the time of day."""

    def __init__(self, place: Place, now: Now = here) -> None:
        self._place = place
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._count = 0
        place.at_end(self._stop)

    def tools(self) -> tuple[Tool, ...]:
        """The tools that set, list and cancel them."""

        @tool(seconds=2.0, waiting="work")
        async def set_timer(
            hours: Annotated[float, Field(ge=0, le=168)] = 0,
            minutes: Annotated[float, Field(ge=0, le=100_000)] = 0,
            seconds: Annotated[float, Field(ge=0, le=1_000_000)] = 0,
            name: Annotated[str, Field(max_length=LONGEST_TEXT, description="what for, such as pasta")] = "",
        ) -> str:
            """Starts a timer. You speak up by yourself when it is over."""
            lasts = timedelta(hours=hours, minutes=minutes, seconds=seconds)
            length = spoken(lasts)
            called = _ARTICLE.sub("", " ".join(name.split()), count=1)
            says = f"Your {called} timer is up." if called else f"Your timer for {length} is up."
            about = f"The user's timer for {length}{f', called “{called}”,' if called else ''} is up now."
            waiting = self._start(called or f"timer for {length}", says, about, lasts)
            at = f", at {waiting.clock:%H:%M}" if lasts >= timedelta(minutes=1) else ""
            return f"The timer rings in {length}{at}."

        @tool(seconds=2.0, waiting="work")
        async def set_reminder(
            what: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, description="such as: call Ann")],
            minutes: Annotated[float, Field(ge=0, le=10_080, description="from now; or give a time")] = 0,
            time: Annotated[str, Field(max_length=40, description="such as 15:30, 3 pm or 2026-12-24 09:00")] = "",
        ) -> str:
            """Reminds the user of something later, in minutes from now or at a time of day."""
            what, lasts = " ".join(what.split()), self._until(time) if time.strip() else timedelta(minutes=minutes)
            says, about = f"I was to remind you: {what}.", f"The user wanted to be reminded of this now: {what}"
            waiting = self._start(what, says, about, lasts)
            return f"The user will be reminded at {waiting.clock:%H:%M}, in {spoken(lasts)}."

        @tool(reads=True, seconds=2.0)
        async def list_timers() -> str:
            """Tells which timers and reminders are running, and how long they take."""
            if not self._waiting:
                return "No timer and no reminder is running."
            return "\n".join(f"{one.name}: {self._left(one)} left" for one in self._waiting)

        @tool(seconds=2.0, waiting="work")
        async def cancel_timer(
            name: Annotated[
                str, Field(max_length=LONGEST_TEXT, description="its name, or all; empty: the only one")
            ] = "",
        ) -> str:
            """Cancels a timer or a reminder."""
            cancelled = self._find(name)
            for one in cancelled:
                one.handle.cancel()
                self._waiting.remove(one)
            return f"Cancelled: {', '.join(one.name for one in cancelled)}."

        return set_timer, set_reminder, list_timers, cancel_timer

    def _start(self, name: str, says: str, about: str, lasts: timedelta) -> _Waiting:
        if not timedelta(0) < lasts <= LONGEST:
            raise ToolError(f"it must be more than no time and at most {LONGEST.days} days; ask the user how long")
        if len(self._waiting) >= MOST_TIMERS:
            raise ToolError(f"{MOST_TIMERS} timers are running already; one has to be cancelled first")
        self._count += 1
        due = self._loop.time() + lasts.total_seconds()
        handle = self._loop.call_at(due, self._ring, self._count)
        waiting = _Waiting(self._count, name, says, about, due=due, clock=self._now() + lasts, handle=handle)
        self._waiting.append(waiting)
        return waiting

    def _ring(self, number: int) -> None:
        waiting = next(one for one in self._waiting if one.number == number)
        self._waiting.remove(waiting)
        if self._place.language.startswith("en"):
            self._place.say(waiting.says)
        else:
            self._place.ask(waiting.about)

    def _find(self, name: str) -> list[_Waiting]:
        """The timers that somebody means; raises :class:`~nova.tools.ToolError` if that is none, or not clear."""
        asked = set(re.findall(r"\w+", name.casefold())) - {"the", "my", "timer", "reminder", "for", "a"}
        if not self._waiting:
            raise ToolError("no timer and no reminder is running")
        if asked & {"all", "everything"}:
            return list(self._waiting)
        fitting = [one for one in self._waiting if asked <= set(re.findall(r"\w+", one.name.casefold()))]
        if len(fitting) == 1:
            return fitting
        running = ", ".join(one.name for one in self._waiting)
        raise ToolError(f"{'none is' if not fitting else 'several are'} called that; there are: {running}")

    def _left(self, waiting: _Waiting) -> str:
        return spoken(timedelta(seconds=max(0.0, waiting.due - self._loop.time())))

    def _until(self, time: str) -> timedelta:
        """How long it is until a time of day, tomorrow's if today's is over; or until a date and time."""
        now = self._now()
        try:
            at = datetime.fromisoformat(time.strip())
        except ValueError:
            pass
        else:
            if len(time.strip()) > 8:  # a date as well
                return (at if at.tzinfo else at.replace(tzinfo=now.tzinfo)) - now
        match = _TIME.fullmatch(time.strip().removeprefix("at "))
        hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
        if match and match[3] and 1 <= hour <= 12:
            hour = hour % 12 + (12 if match[3].casefold() == "p" else 0)
        if hour > 23 or minute > 59:
            raise ToolError(f"{time} is no time that is understood: say it as 15:30")
        at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (at if at > now else at + timedelta(days=1)) - now

    def _stop(self) -> None:
        for waiting in self._waiting:
            waiting.handle.cancel()
        self._waiting.clear()


def spoken(lasts: timedelta) -> str:
    """A length of time as it is said, of its two largest parts."""
    seconds = max(0, round(lasts.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    parts = ((days, "day"), (rest // 3600, "hour"), (rest % 3600 // 60, "minute"), (rest % 60, "second"))
    said = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in parts if count]
    return " and ".join(said[:2]) or "0 seconds"
