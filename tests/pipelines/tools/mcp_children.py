"""Servers of MCP as tests reach them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pipelines.settings.mcp import McpServerSettings
from pipelines.tools.mcp.server import McpServer

FLOODING = str(Path(__file__).with_name("flooding_mcp.py"))
HOSTILE = str(Path(__file__).with_name("hostile_mcp.py"))


@asynccontextmanager
async def connected(*args: str, **settings: Any) -> AsyncIterator[McpServer]:
    """A server that is up, or has failed to be."""
    server = McpServer(
        "it", McpServerSettings(**{"command": sys.executable, "args": args, "start_seconds": 60, **settings})
    )
    async with server.running():
        await server.tried.wait()
        yield server


async def until(condition: Callable[[], object]) -> None:
    """Waits for what another process brings about."""
    while not condition():  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.02)
