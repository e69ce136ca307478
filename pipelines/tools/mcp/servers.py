"""All servers of MCP that the settings name, as one workshop of tools.

A server's own word on whether a tool only reads counts for nothing: the settings say so. Any other tool has effects,
and its question is put to the user before it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import mcp_types

from nova.tools import Tool, ToolSpec
from pipelines.settings.mcp import McpServerSettings
from pipelines.tools.asking import whether
from pipelines.tools.mcp.naming import DESCRIPTION_CHARS, fits, plain, schema, told_name
from pipelines.tools.mcp.server import McpServer

MOST_TOOLS = 40
"""Tools of all servers that the model is told of: more cost it more tokens than a talk has, and it chooses badly."""

READY_SECONDS = 5.0
"""For servers to be ready before the first talk begins; those that take longer join it."""

GRACE_SECONDS = 1.0
"""More than a call may take by itself, so that its own sentence about it is the one that is told."""


class McpServers:
    """The tools of ``servers`` as they are now; ``watch`` tells of changes."""

    def __init__(self, settings: Mapping[str, McpServerSettings]) -> None:
        self.servers = tuple(McpServer(name, server, self._changed) for name, server in settings.items())
        self._watching: set[Callable[[], None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps all servers connected; the first talk begins once they are, or soon."""
        for server in self.servers:
            server.begin()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(READY_SECONDS):
                    for server in self.servers:
                        await server.tried.wait()
            yield
        finally:
            await asyncio.gather(*(server.end() for server in self.servers))

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the model may call now; of too many, those of the first servers."""
        return tuple(tool for server in self.servers for tool in tools_of(server))[:MOST_TOOLS]

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Has ``changed`` called whenever ``tools`` may be others; returns what ends that."""
        self._watching.add(changed)
        return lambda: self._watching.discard(changed)

    def _changed(self) -> None:
        for changed in tuple(self._watching):
            changed()


def tools_of(server: McpServer) -> list[Tool]:
    """The tools of one server that the settings allow."""
    names: set[str] = set()
    made = []
    for tool in server.standing.tools:
        if fits(tool.name, server.settings.allow) and tool.name not in names:
            names.add(tool.name)
            made.append(_tool(server, tool))
    return made


def _tool(server: McpServer, tool: mcp_types.Tool) -> Tool:
    settings = server.settings
    reads, slow = fits(tool.name, settings.reads), fits(tool.name, settings.slow)
    seconds = settings.minutes * 60 if slow else settings.seconds
    name = told_name(server.name, tool.name)

    async def run(arguments: Mapping[str, Any]) -> str:
        return await server.call(tool.name, arguments, seconds, reads=reads)

    description = plain(tool.description or tool.title or tool.name, DESCRIPTION_CHARS)
    return Tool(
        ToolSpec(name, description, schema(tool.input_schema)),
        run,
        reads=reads,
        seconds=seconds + GRACE_SECONDS,
        waiting="look" if reads else "work",
        question=None if reads else whether(name),
        slow=slow,
    )
