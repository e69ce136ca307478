"""Tools in a replay of a recording: each says what it said then, as long after the call, and does nothing.

A call has the result of one with the same name and arguments. If these are used up it has the last of them again, for a
reply may be made more often than it was. Else it has the next result of the tool, whatever it was asked. A tool that
said nothing then says so now: it fails, and the model may tell.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from nova.tools import Tool, ToolError
from pipelines.takes.tool_results import ToolResult

NOT_RECORDED: Final = "this is a replay, and its recording holds no result of this call."

FAILED: Final = "The tool has failed: "
"""Begins what a model is told of a failure."""


class RecordedTools:
    """The results of one playing of a talk."""

    def __init__(self, results: Sequence[ToolResult]) -> None:
        self._left = [(_key(result.name, _parsed(result.arguments)), result) for result in results]
        self._given: dict[str, ToolResult] = {}

    def instead(self, tool: Tool) -> Tool:
        """What stands for ``tool``, which is not run."""

        async def run(arguments: Mapping[str, Any]) -> str:
            result = self._next(tool.name, arguments)
            if result is None:
                raise ToolError(NOT_RECORDED)
            await asyncio.sleep(result.seconds)
            if result.failed:
                raise ToolError(result.output.removeprefix(FAILED))
            return result.output

        return replace(tool, run=run)

    def _next(self, name: str, arguments: Mapping[str, Any]) -> ToolResult | None:
        key = _key(name, arguments)
        place = next((at for at, (of, _) in enumerate(self._left) if of == key), None)
        if place is None and key not in self._given:
            place = next((at for at, (_, result) in enumerate(self._left) if result.name == name), None)
        if place is not None:
            self._given[key] = self._left.pop(place)[1]
        return self._given.get(key)


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _key(name: str, arguments: Any) -> str:
    """The same for equal calls, however their arguments are written."""
    return json.dumps([name, arguments], sort_keys=True)
