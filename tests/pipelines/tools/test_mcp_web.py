"""Servers of MCP behind an address: streamable HTTP, restarts, keys, and answers beyond all bounds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from mcp_children import HOSTILE, connected, until

from nova.tools import ToolError
from pipelines.certs import make_development_pki
from pipelines.tools.mcp.servers import tools_of

pytestmark = pytest.mark.side_by_side


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(port: int) -> AsyncIterator[Process]:
    """The server of bad days over HTTP, until the block ends."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, HOSTILE, "web", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield child
    finally:
        child.kill()
        await child.wait()


async def test_it_is_called_dies_and_comes_back() -> None:
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(contextlib.AsyncExitStack())
        await running.enter_async_context(serving(port))
        server = await stack.enter_async_context(connected(command=None, url=f"http://127.0.0.1:{port}/mcp"))
        assert server.standing.up, server.standing.failure
        assert tools_of(server)[0].name == "it__echo"
        assert await server.call("echo", {"text": "hello"}, 30) == "hello"
        assert len(await server.call("megabyte", {}, 30)) <= 8000
        with pytest.raises(ToolError):
            await server.call("too_much", {}, 30)
        await until(lambda: server.standing.up)
        with pytest.raises(ToolError, match="gave no answer within 0 seconds"):
            await server.call("hang", {}, 0.3)
        assert await server.call("echo", {"text": "still here"}, 30) == "still here"
        await running.aclose()
        with pytest.raises(ToolError, match="was lost in the middle"):
            await server.call("echo", {"text": "?"}, 30)
        await until(lambda: "is down: nothing answers on this port" in server.standing.failure)
        async with serving(port):
            await until(lambda: server.standing.up)
            assert await server.call("echo", {"text": "back"}, 30) == "back"


async def test_one_that_hangs_is_reached_anew() -> None:
    port = free_port()
    async with serving(port) as child, connected(command=None, url=f"http://127.0.0.1:{port}/mcp") as server:
        assert server.standing.up, server.standing.failure
        child.send_signal(signal.SIGSTOP)
        for _ in range(2):
            with pytest.raises(ToolError, match="gave no answer within 0 seconds"):
                await server.call("echo", {"text": "?"}, 0.3)
        await until(lambda: server.standing.failure == "it gave no answer 2 times in a row")
        child.send_signal(signal.SIGCONT)
        await until(lambda: server.standing.up)
        assert await server.call("echo", {"text": "back"}, 30) == "back"


@asynccontextmanager
async def answering(
    answer: web.StreamResponse | bytes, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[str]]]:
    """A web server that answers every request so; the keys that it was shown."""
    keys: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers.get("Authorization", ""))
        body = await request.json()
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="application/json")
        told = {"jsonrpc": "2.0", "id": body.get("id"), "error": {"code": -32000, "message": "not\x1b for you"}}
        return web.Response(body=json.dumps(told).encode(), content_type="application/json")

    app = web.Application()
    app.router.add_post("/mcp", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://localhost:{runner.addresses[0][1]}/mcp", keys
    finally:
        await runner.cleanup()


async def test_an_answer_without_an_end_is_no_answer() -> None:
    async with (
        answering(b'{"jsonrpc": "2.0", "id": 1, "result": "' + b"x" * (5 << 20)) as (url, _),
        connected(command=None, url=url) as server,
    ):
        assert not server.standing.up
        assert server.standing.failure.startswith(
            "it refuses us: Failed to parse JSON response: it sent more than 4 MiB"
        )


async def test_the_key_is_of_a_file_and_sent_over_tls(tmp_path: Path) -> None:
    make_development_pki(tmp_path)
    ca, context = tmp_path / "ca.crt", ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    (tmp_path / "key").write_text("abc\n")
    async with answering(web.Response(), context) as (url, keys):
        async with connected(command=None, url=url, ca=ca, api_key_file=tmp_path / "key") as server:
            assert server.standing.failure == "it refuses us: not for you"
        assert set(keys) == {"Bearer abc"}
        keys.clear()
        async with connected(command=None, url=url, ca=ca, api_key_file=tmp_path / "nonesuch") as server:
            assert server.standing.failure == f"{tmp_path / 'nonesuch'} cannot be read: No such file or directory"
        async with connected(command=None, url=url) as server:
            assert "certificate" in server.standing.failure
        assert keys == []
