"""A look at what runs elsewhere, for ``--check`` and the doctor: each MCP server and agent in a line of plain words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nova.generation import MindSettings
from nova.services.openai_client import OpenAIMind
from pipelines.failures import explain
from pipelines.services.channels import metadata_for, open_http
from pipelines.settings.mcp import AgentSettings, McpServerSettings
from pipelines.settings.tools import ToolsSettings
from pipelines.tools.mcp.naming import fits
from pipelines.tools.opened import HINT, without_extra

if TYPE_CHECKING:
    from pipelines.tools.mcp.server import McpServer

MOST_NAMES = 12
AGENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a server or an agent: ``line`` says it, and ``fix`` what to do where there is something to do.

    ``wrong``: it cannot be used. Otherwise what is to be mended is small.
    """

    name: str
    line: str
    fix: str = ""
    wrong: bool = False


async def look(settings: ToolsSettings) -> list[Sight]:
    """Starts or reaches each MCP server, ends it again, and asks each agent's server; all at the same time."""
    servers, agents = settings.mcp.items(), settings.agents.items()
    looks = [*(look_at_server(name, one) for name, one in servers), *(look_at_agent(name, one) for name, one in agents)]
    return list(await asyncio.gather(*looks))


async def look_at_server(name: str, settings: McpServerSettings) -> Sight:
    """Starts or reaches an MCP server, and ends it again."""
    if without_extra():
        return Sight(name, f"MCP server {name} cannot be used: the extra 'mcp' is not installed.", HINT, wrong=True)
    from pipelines.tools.mcp.server import McpServer  # noqa: PLC0415 - few need it, and it is slow to import

    server = McpServer(name, settings)
    async with server.running():
        await server.tried.wait()
        return _sight(server)


def _sight(server: McpServer) -> Sight:
    name, standing, settings = server.name, server.standing, server.settings
    if not standing.up:
        line = f"MCP server {name} cannot be used: {standing.failure}."
        return Sight(name, line, f"look at tools.mcp.{name}", wrong=True)
    allowed = [tool for tool in standing.tools if fits(tool.name, settings.allow)]
    names = [f"{tool.name} ({_how(tool.name, settings)})" for tool in allowed[:MOST_NAMES]]
    if (more := len(allowed) - MOST_NAMES) > 0:
        names.append(f"{more} more")
    line = (
        f"MCP server {name}: {standing.version or 'without a name'}, protocol {standing.protocol}, ready after "
        f"{standing.seconds:.1f} s, answers in {standing.latency * 1000:.0f} ms, tools: {', '.join(names) or 'none'}."
    )
    found = [tool.name for tool in allowed]
    wanted = (*settings.reads, *settings.slow, *(pattern for pattern in settings.allow if pattern != "*"))
    if missing := [pattern for pattern in wanted if not any(fits(tool, (pattern,)) for tool in found)]:
        return Sight(name, line, f"none of them is called {', '.join(missing)}: correct tools.mcp.{name}")
    hinted = [tool.name for tool in allowed if tool.annotations and tool.annotations.read_only_hint]
    if unbelieved := [tool for tool in hinted if not fits(tool, settings.reads)]:
        line += f" It says that these only read: {', '.join(unbelieved[:MOST_NAMES])} (tools.mcp.{name}.reads)."
    return Sight(name, line)


def _how(tool: str, settings: McpServerSettings) -> str:
    return ", ".join(
        filter(
            None, ("reads" if fits(tool, settings.reads) else "effects", "slow" if fits(tool, settings.slow) else "")
        )
    )


async def look_at_agent(name: str, settings: AgentSettings) -> Sight:
    """Asks an agent's server which models it has."""
    loop, where = asyncio.get_running_loop(), settings.endpoint.target
    began = loop.time()
    try:
        async with asyncio.timeout(AGENT_SECONDS), open_http(settings.endpoint, "/v1") as client:
            mind = OpenAIMind(client, MindSettings(model=settings.model), metadata=metadata_for(settings.endpoint))
            found = await mind.describe()
    except Exception as error:  # whatever a server does is one line
        failure = explain(error, name, settings.endpoint)
        return Sight(name, f"Agent {name} cannot be asked: {failure.line}", failure.hint, wrong=True)
    if not found.model_ready:
        has = ", ".join(found.models[:MOST_NAMES]) or "none"
        return Sight(name, f"Agent {name}: {where} has no model {settings.model}.", f"it has: {has}", wrong=True)
    ms = (loop.time() - began) * 1000
    return Sight(name, f"Agent {name}: {where} has model {settings.model}, and answers in {ms:.0f} ms.")
