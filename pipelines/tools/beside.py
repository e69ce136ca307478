"""Slow tools beside the talk: the call is answered at once, the work goes on, and she tells the result when it comes.

The work of one session is a few tasks. The model has a tool that tells how far they are, and one that ends them. A
result is told at a moment when nobody speaks, whether it is good or bad, in one go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from nova.functions import tool
from nova.tools import Tool, ToolError
from pipelines.tools.asking import spoken, whether
from pipelines.tools.progress import listener
from pipelines.tools.workshop import Place

MOST_AT_ONCE = 4
"""Slow calls of one session that are under way; one more is refused."""

MOST_KEPT = 8
"""Calls that can be asked about, those that are over included; the oldest of these are forgotten."""

BEGIN_SECONDS = 5.0
TOLD_CHARS = 3000
"""Of a result, what she tells of; all of it, up to what a result may have, is there when the model asks for it."""

_log = logging.getLogger(__name__)

Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Begins a task, and owns it."""

Number = Annotated[int | None, Field(description="its number; left out: the newest")]


@dataclass(slots=True)
class _Work:
    """A slow call. ``output`` is its result, or why there is none, once it is ``over``."""

    number: int
    name: str
    asked: str
    began: float
    far: str = ""
    output: str = ""
    over: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Beside:
    """The slow calls of the session at ``place``. ``start`` makes tasks, which end with the session."""

    def __init__(self, place: Place, start: Start = asyncio.create_task) -> None:
        self._place = place
        self._start = start
        self._works: dict[int, _Work] = {}
        self._begun = 0
        place.at_end(self._end)
        self.tools = self._make_tools()
        """How far they are, and what ends them."""

    def front(self, slow: Tool) -> Tool:
        """The tool that stands for a slow one in the talk: it begins the work, and that is its effect."""

        async def begin(arguments: Mapping[str, Any]) -> str:
            if sum(not work.over for work in self._works.values()) >= MOST_AT_ONCE:
                raise ToolError(f"{MOST_AT_ONCE} slow things are under way already; one has to end first")
            self._begun += 1
            asked = whether(slow.name)(arguments, "en").partition(", with ")[2].rstrip("?")
            work = _Work(self._begun, spoken(slow.name), asked, self._place.now)
            self._works[work.number] = work
            work.task = self._start(self._do(work, slow, dict(arguments)))
            self._forget()
            return (
                f"It is under way as number {work.number}, and may take minutes. There is no result yet: say that you "
                "are on it and will tell. The result comes by itself."
            )

        return replace(slow, run=begin, reads=False, seconds=BEGIN_SECONDS)

    async def _do(self, work: _Work, slow: Tool, arguments: Mapping[str, Any]) -> None:
        def tell(far: str) -> None:
            work.far = far

        listener.set(tell)
        try:
            async with asyncio.timeout(slow.seconds):
                result, end = await slow.run(arguments), "is done"
        except TimeoutError:
            result, end = f"it gave no result within {_duration(slow.seconds)}, and was ended", "has failed"
        except ToolError as error:
            result, end = str(error), "has failed"
        except Exception as error:
            _log.exception("the slow tool %s failed", slow.name)
            result, end = f"an internal error ({type(error).__name__})", "has failed"
        took = _duration(self._place.now - work.began)
        work.over, work.output = True, f"{end}: {result}"
        about = f" ({work.asked})" if work.asked else ""
        self._place.ask(f"Number {work.number}, {work.name}{about}, {end} after {took}:\n{result[:TOLD_CHARS]}")

    def _make_tools(self) -> tuple[Tool, Tool]:
        @tool(reads=True, seconds=BEGIN_SECONDS)
        async def check_slow_work(number: Number = None) -> str:
            """How far something slow is that is under way, or its result if it is over."""
            return self._told(self._find(number))

        @tool(seconds=BEGIN_SECONDS, waiting="work")
        async def stop_slow_work(number: Number = None) -> str:
            """Ends something slow that is under way."""
            work = self._find(number)
            if not work.over and work.task:
                work.task.cancel()
                work.over, work.output = True, "was ended by the user"
            return self._told(work)

        return check_slow_work, stop_slow_work

    def _find(self, number: int | None) -> _Work:
        """The call of this number; else the newest that is under way, or else the newest."""
        if not self._works:
            raise ToolError("nothing slow was begun")
        if number is None:
            known = list(self._works.values())
            return ([work for work in known if not work.over] or known)[-1]
        if number not in self._works:
            raise ToolError(f"there is no number {number}; there are {', '.join(map(str, self._works))}")
        return self._works[number]

    def _told(self, work: _Work) -> str:
        if work.over:
            return f"Number {work.number}, {work.name}, {work.output}"
        others = [str(other.number) for other in self._works.values() if not other.over and other is not work]
        return "; ".join(
            filter(
                None,
                (
                    f"number {work.number}, {work.name}, is under way for {_duration(self._place.now - work.began)}",
                    work.far,
                    f"so are the numbers {', '.join(others)}" if others else "",
                ),
            )
        )

    def _forget(self) -> None:
        over = [number for number, work in self._works.items() if work.over]
        for number in over[: max(0, len(self._works) - MOST_KEPT)]:
            del self._works[number]

    def _end(self) -> None:
        for work in self._works.values():
            if work.task:
                work.task.cancel()


def _duration(seconds: float) -> str:
    """In words for an ear, such as "2 minutes 5 seconds"."""
    minutes, rest = divmod(round(seconds), 60)
    parts = [(minutes, "minute"), (rest, "second")]
    return " ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in parts if n) or "0 seconds"
