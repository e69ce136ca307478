"""What runs elsewhere, as one workshop: tools of MCP servers, and agents; and which of all tools want a yes before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Protocol

from nova.tools import Tool
from pipelines.settings.mcp import Approve
from pipelines.settings.tools import ToolsSettings
from pipelines.tools.agents import agent
from pipelines.tools.asking import whether
from pipelines.tools.beside import Beside, Start
from pipelines.tools.workshop import Place, Workshop


class Changing(Protocol):
    """Tools that come and go."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Those that are there now."""
        ...

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Has ``changed`` called when they are others; returns what ends that."""
        ...


class Outside:
    """A :class:`~pipelines.tools.workshop.Workshop` of agents, and of ``servers`` if there are any.

    ``start`` begins the tasks of slow tools.
    """

    def __init__(
        self, settings: ToolsSettings, servers: Changing | None = None, start: Start = asyncio.create_task
    ) -> None:
        self._start = start
        self._approve = settings.approve
        self._servers = servers
        self._agents = [agent(name, one) for name, one in settings.agents.items()]
        self._slow = bool(self._agents) or any(server.slow for server in settings.mcp.values())

    def tools(self, place: Place) -> tuple[Tool, ...]:
        beside = Beside(place, self._start) if self._slow else None

        def made() -> tuple[Tool, ...]:
            found = [*self._agents, *(self._servers.tools if self._servers else ())]
            fronts = [beside.front(tool) if beside and tool.slow else tool for tool in found]
            return approving((*fronts, *(beside.tools if beside else ())), self._approve)

        offered = made()
        if self._servers:

            def changed() -> None:
                nonlocal offered
                before, offered = offered, made()
                place.exchange(before, offered)

            place.at_end(self._servers.watch(changed))
        return offered


class Approving:
    """A workshop whose tools want a yes where the settings say so."""

    def __init__(self, workshop: Workshop, approve: Mapping[str, Approve]) -> None:
        self._workshop = workshop
        self._approve = approve

    def tools(self, place: Place) -> tuple[Tool, ...]:
        return approving(self._workshop.tools(place), self._approve)


def approving(tools: Iterable[Tool], approve: Mapping[str, Approve]) -> tuple[Tool, ...]:
    """The tools, with a question or without one where a pattern decides; the first that fits does."""

    def decided(tool: Tool) -> Tool:
        wish = next((wish for pattern, wish in approve.items() if fnmatchcase(tool.name, pattern)), None)
        if wish is None:
            return tool
        question = (tool.question or whether(tool.name)) if wish == "always" else None
        return replace(tool, question=question)

    return tuple(map(decided, tools))
