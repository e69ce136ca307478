"""A server of MCP behind an address: streamable HTTP, over the connections that all our HTTP clients use.

An answer in one piece is bounded in bytes, as an event of a stream is. Nothing packed is taken: it could unfold into
gigabytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from pipelines.services.channels import metadata_for, open_http
from pipelines.settings.mcp import McpServerSettings
from pipelines.tools.mcp.pipes import MOST_BYTES

TIMEOUTS = ("connect", "read", "write", "pool")


class TooMuch(httpx2.StreamError):
    """A server sent more than it may in one answer."""

    def __init__(self) -> None:
        super().__init__(f"it sent more than {MOST_BYTES >> 20} MiB in one message")


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer, which ends in :class:`TooMuch` where it is too long."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_BYTES
        async for piece in self._inner:
            left -= len(piece)
            if left < 0:
                raise TooMuch
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def web(settings: McpServerSettings, stop_seconds: float) -> AsyncIterator[TransportStreams]:
    """The streams of the server's messages. The server hears of the end within ``stop_seconds``, or does not.

    Raises :class:`~pipelines.services.channels.CredentialsError` and
    :class:`~pipelines.services.channels.ProxyError`.
    """
    endpoint = settings.endpoint
    metadata = metadata_for(endpoint)

    async def identify(request: httpx2.Request) -> None:
        request.headers.update(dict(metadata()))
        request.headers["accept-encoding"] = "identity"
        if request.method == "DELETE":  # our leaving; a server that hangs is not to keep us
            request.extensions = {**request.extensions, "timeout": dict.fromkeys(TIMEOUTS, stop_seconds)}

    async def bound(response: httpx2.Response) -> None:
        streamed = response.headers.get("content-type", "").startswith("text/event-stream")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise TooMuch
        if not streamed and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)

    assert settings.url is not None
    async with open_http(endpoint) as client:
        client.event_hooks = {
            "request": [*client.event_hooks["request"], identify],
            "response": [*client.event_hooks["response"], bound],
        }
        client.timeout = httpx2.Timeout(None, connect=endpoint.connect_seconds, write=stop_seconds)
        async with streamable_http_client(settings.url, http_client=client, max_sse_event_size=MOST_BYTES) as streams:
            yield streams
