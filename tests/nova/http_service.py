"""A scripted HTTP server on loopback for the tests of the clients that speak HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

Handler = Callable[[str, dict[str, Any]], AsyncIterator[bytes]]


@dataclass
class HttpService:
    """Answers each path with what ``handlers`` yields for it, as it comes; notices when the client goes away."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    most: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split()[1]
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        self.headers.append(fields)
        asked = json.loads(body) if body else {}
        self.bodies.append(asked)
        self.running += 1
        self.most = max(self.most, self.running)
        watch = asyncio.create_task(reader.read())
        answer = asyncio.create_task(self._answer(path, asked, writer))
        await asyncio.wait((watch, answer), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self.gone.set()
        watch.cancel()
        answer.cancel()
        self.running -= 1
        writer.close()

    async def _answer(self, path: str, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if path not in self.handlers:
            writer.write(b'HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{"error": "no such path"}')
            return
        async for chunk in self.handlers[path](path, asked):
            writer.write(chunk)
            await writer.drain()


def ok(kind: str = "text/event-stream", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()


def says(*chunks: bytes) -> Handler:
    async def handler(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return handler


def answers(value: object, status: str = "200 OK") -> Handler:
    return says(ok("application/json", status) + json.dumps(value).encode())


def hangs(*chunks: bytes) -> Handler:
    async def handler(path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        await asyncio.Event().wait()

    return handler


@asynccontextmanager
async def running(prefix: str = "") -> AsyncIterator[tuple[HttpService, httpx2.AsyncClient]]:
    """A service and a client whose base URL is the service's, with ``prefix`` behind it."""
    service = HttpService()
    async with await asyncio.start_server(service.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}{prefix}") as client:
            yield service, client
