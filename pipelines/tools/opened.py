"""The workshops that the settings ask for, opened with the runtime and closed with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec

from nova.tools import Tool
from pipelines.settings.mcp import McpServerSettings
from pipelines.settings.model import Settings
from pipelines.tools.bundled import Bundled
from pipelines.tools.memory import Memories
from pipelines.tools.modules import tools_of
from pipelines.tools.outside import Approving, Changing, Outside
from pipelines.tools.workshop import Joined, Ready, Workshop

HINT = ".venv/bin/python -m pip install -e '.[mcp]'"
"""Installs what MCP needs."""


@asynccontextmanager
async def opened(settings: Settings, tools: Sequence[Tool], notice: Callable[[str], None]) -> AsyncIterator[Workshop]:
    """A workshop with ``tools`` and those of the settings; ``notice`` is handed lines worth telling.

    Raises :class:`~pipelines.settings.layers.SettingsError` for a module that has no tools.
    """
    wanted = settings.tools
    here = Joined((Ready(tools), Ready(tools_of(wanted.modules)), Bundled(settings), Memories(settings)), notice)
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(running(wanted.mcp, notice)) if wanted.mcp else None
        work = await stack.enter_async_context(asyncio.TaskGroup())  # its tasks end with their sessions
        yield Joined((Approving(here, wanted.approve), Outside(wanted, servers, work.create_task)), notice)


@asynccontextmanager
async def running(
    settings: Mapping[str, McpServerSettings], notice: Callable[[str], None]
) -> AsyncIterator[Changing | None]:
    """The MCP servers, kept connected; None without the extra for them."""
    if without_extra():
        notice(f"There are no tools of MCP servers without the extra 'mcp'. To have it: {HINT}")
        yield None
        return
    from pipelines.tools.mcp.servers import McpServers  # noqa: PLC0415 - few need it, and it is slow to import

    servers = McpServers(settings)
    async with servers.running():
        for server in servers.servers:
            if not server.standing.up:
                why = server.standing.failure
                notice(f"The MCP server {server.name} is not ready: {why}. Its tools join once it is.")
        yield servers


def without_extra() -> bool:
    """Whether what MCP needs is not installed."""
    return find_spec("mcp") is None
