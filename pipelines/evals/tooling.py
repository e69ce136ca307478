"""The tools of a case, as the runtime runs them: each takes its time and returns what the case says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from nova.tools import Question, Tool, ToolError, ToolSpec
from pipelines.evals.case import Case, ToolCase
from pipelines.settings.model import Settings
from pipelines.tools.beside import Beside
from pipelines.tools.bundled import Bundled
from pipelines.tools.workshop import Place


def tools_of(case: Case, settings: Settings, place: Place) -> tuple[Tool, ...]:
    """The case's own tools, then those that come along and that it uses."""
    own = tuple(made(name, tool) for name, tool in case.tools.items())
    if any(tool.slow for tool in own):
        beside = Beside(place)
        own = tuple(beside.front(tool) if tool.slow else tool for tool in own) + beside.tools
    chosen = settings.tools.model_copy(update={"use": case.use})
    return own + Bundled(settings.model_copy(update={"tools": chosen})).tools(place)


def made(name: str, case: ToolCase) -> Tool:
    """One tool."""
    required = tuple(case.takes) if case.required is None else case.required
    schema = {"type": "object", "properties": case.takes, "required": list(required)}

    async def run(arguments: Mapping[str, Any]) -> str:
        await asyncio.sleep(case.seconds)
        if case.raises:
            raise RuntimeError("a defect of the tool")
        if case.fails:
            raise ToolError(case.fails)
        found = next((one.text for one in case.returns if holds(arguments, one.given)), None)
        if found is None:
            raise ToolError("nothing is known of that")
        return found * case.repeated

    return Tool(
        ToolSpec(name, case.about, schema),
        run,
        reads=case.reads,
        seconds=case.limit,
        waiting=case.waiting,
        slow=case.slow,
        question=_asks(case.question) if case.question else None,
    )


def _asks(text: str) -> Question:
    def question(arguments: Mapping[str, Any], language: str) -> str:
        return text

    return question


def holds(
    arguments: Mapping[str, Any], given: Mapping[str, Any], same: Callable[[Any, Any], bool] | None = None
) -> bool:
    """Whether the arguments have all that is ``given``."""
    same = same or (lambda a, b: str(a).strip().casefold() == str(b).strip().casefold())
    return all(key in arguments and same(arguments[key], value) for key, value in given.items())
