"""Reference servers of MCP, unmodified: listed and called, a slow one beside the talk, and asked before they write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from environments import SERVERS

from nova.tools import Tool, ToolError
from pipelines.settings.mcp import McpServerSettings
from pipelines.settings.tools import ToolsSettings
from pipelines.tools.mcp.server import McpServer
from pipelines.tools.mcp.servers import McpServers, tools_of
from pipelines.tools.outside import Outside
from pipelines.tools.place import SessionPlace
from pipelines.tools.progress import listener
from sophia.events import AskRequested

pytestmark = pytest.mark.timeout(150)


@asynccontextmanager
async def reference(name: str, *args: str, **settings: Any) -> AsyncIterator[tuple[McpServer, dict[str, Tool]]]:
    """A reference server that is up, and its tools."""
    command = SERVERS[name].command(name)
    if command is None:
        pytest.skip(f"no environment of {name}; make interop makes it")
    server = McpServer("it", McpServerSettings(command=command[0], args=args, start_seconds=60, **settings))
    async with server.running():
        await server.tried.wait()
        assert server.standing.up, server.standing.failure
        yield server, {tool.name.removeprefix("it__"): tool for tool in tools_of(server)}


async def test_everything() -> None:
    async with reference("mcp-everything", "stdio", reads=("echo",)) as (_, tools):
        assert await tools["echo"].run({"message": "hello"}) == "Echo: hello"
        assert await tools["get-sum"].run({"a": 2, "b": 3}) == "The sum of 2 and 3 is 5."
        assert "(an image, image/png)" in await tools["get-tiny-image"].run({})
        assert "(a link, " in await tools["get-resource-links"].run({"count": 2})
        with pytest.raises(ToolError):
            await tools["get-sum"].run({"a": "two"})
        told: list[str] = []
        listener.set(told.append)
        said = await tools["trigger-long-running-operation"].run({"duration": 1, "steps": 4})
        assert "completed" in said
        assert told[-1].startswith("4 of 4")
        secrets = await tools["get-env"].run({})
        assert "PYTEST_CURRENT_TEST" not in secrets


async def test_a_slow_tool_of_everything_is_told_of_when_it_comes() -> None:
    command = SERVERS["mcp-everything"].command("mcp-everything")
    if command is None:
        pytest.skip("no environment of mcp-everything; make interop makes it")
    one = McpServerSettings(command=command[0], args=("stdio",), slow=("trigger-*",), start_seconds=60)
    servers = McpServers({"it": one})
    async with servers.running():
        await servers.servers[0].tried.wait()
        place, told = SessionPlace(), asyncio.Queue[Any]()
        tools = {tool.name: tool for tool in Outside(ToolsSettings(mcp={"it": one}), servers).tools(place)}
        place.join(told.put_nowait, toolbox=None)  # type: ignore[arg-type]
        begun = await tools["it__trigger-long-running-operation"].run({"duration": 2, "steps": 4})
        assert "under way as number 1" in begun
        await asyncio.sleep(1.2)
        assert " of 4" in await tools["check_slow_work"].run({})
        event = await told.get()
        assert isinstance(event, AskRequested)
        assert "is done after 2 seconds" in event.about
        place.leave()


async def test_files_are_read_and_asked_about_before_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello from a file")
    async with reference("mcp-filesystem", str(tmp_path), reads=("read_*", "list_*")) as (_, tools):
        assert await tools["read_text_file"].run({"path": str(tmp_path / "a.txt")}) == "hello from a file"
        assert tools["read_text_file"].question is None
        write = tools["write_file"]
        assert write.question is not None
        asked = write.question({"path": "b.txt", "content": "x"}, "de-DE")
        assert asked == "Soll ich it write file ausführen, mit path: b.txt, content: x?"
        with pytest.raises(ToolError, match="denied"):
            await tools["read_text_file"].run({"path": "/etc/passwd"})


async def test_memory_keeps_what_it_is_told(tmp_path: Path) -> None:
    env = {"MEMORY_FILE_PATH": str(tmp_path / "memory.jsonl")}
    async with reference("mcp-memory", env=env) as (_, tools):
        entity = {"name": "Ada", "entityType": "person", "observations": ["likes tea"]}
        await tools["create_entities"].run({"entities": [entity]})
        assert "likes tea" in await tools["search_nodes"].run({"query": "Ada"})


async def test_fetch_gets_a_page() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html><body><h1>News</h1><p>All is well.</p></body></html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{tail:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with reference("mcp-fetch", "--ignore-robots-txt", "--allow-private-ips") as (_, tools):
            said = await tools["fetch"].run({"url": f"http://127.0.0.1:{runner.addresses[0][1]}/news"})
            assert "All is well." in said
    finally:
        await runner.cleanup()
