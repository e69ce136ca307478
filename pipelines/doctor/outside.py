"""Framework, what runs elsewhere for her: MCP servers and slow agents, each started or reached once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, fail, ok, warn
from pipelines.doctor.host import printable
from pipelines.settings.tools import ToolsSettings
from pipelines.tools.look import AGENT_SECONDS, Sight, look_at_agent, look_at_server

MORE_SECONDS: Final = 5.0
"""Beyond its own time: for a server to end, and for what it says of itself."""


def outside(settings: ToolsSettings) -> tuple[Check, ...]:
    """A check for each server and agent that the settings name."""
    servers = [
        _check(f"mcp_{name}", f"MCP server {name}", partial(look_at_server, name, one), one.start_seconds)
        for name, one in settings.mcp.items()
    ]
    agents = [
        _check(f"agent_{name}", f"agent {name}", partial(look_at_agent, name, one), AGENT_SECONDS)
        for name, one in settings.agents.items()
    ]
    return (*servers, *agents)


def _check(key: str, title: str, look: Callable[[], Awaitable[Sight]], seconds: float) -> Check:
    async def probe(c: Context) -> Result:
        return judged(await look())

    return Check("framework", "tools", key, title, "she has tools from there", probe, seconds + MORE_SECONDS)


def judged(sight: Sight) -> Result:
    """What was seen as a finding."""
    line, fix = printable(sight.line), printable(sight.fix)
    if sight.wrong:
        return fail(line, fix)
    return warn(line, fix) if fix else ok(line)
