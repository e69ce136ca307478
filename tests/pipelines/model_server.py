"""A server with OpenAI's API over real HTTP, or HTTPS: it lists models, streams one answer, and may demand a key."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SAID = "I am a model of your own. Ask me anything."


@dataclass
class ModelServer:
    """What it lists, the key that it demands, and what it was asked."""

    models: tuple[str, ...] = ("small",)
    key: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    target: str = ""

    async def list(self, request: web.Request) -> web.Response:
        self._let_in(request)
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self._let_in(request)
        self.asked.append(await request.json())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        events = [{"choices": [{"index": 0, "delta": {"content": f"{word} "}}]} for word in SAID.split()]
        for event in (*events, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}):
            await response.write(b"data: %s\n\n" % json.dumps(event).encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    def _let_in(self, request: web.Request) -> None:
        self.keys.append(request.headers.get("Authorization", ""))
        if self.key and self.keys[-1] != f"Bearer {self.key}":
            raise web.HTTPUnauthorized(text='{"error": "no such key"}', content_type="application/json")


@asynccontextmanager
async def model_server(*models: str, key: str = "", tls: ssl.SSLContext | None = None) -> AsyncIterator[ModelServer]:
    """It listens on a free port of loopback until the block ends."""
    server = ModelServer(models, key)
    app = web.Application()
    app.add_routes([web.get("/v1/models", server.list), web.post("/v1/chat/completions", server.chat)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.target = f"localhost:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
