"""What the clients that speak HTTP share: errors in the form that gRPC's callers know, and server-sent events.

The HTTP library is httpx2. Clients are handed a ready ``AsyncClient``: its ``base_url`` is the service, its TLS the
caller's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import httpx2

from nova.errors import ModelError
from nova.services.sse import LIMIT, Events

Metadata = Callable[[], Sequence[tuple[str, str]]]


def transport_error(error: BaseException) -> OSError:
    """The operating system's or TLS's own error behind an HTTP library's, to be explained like any other."""
    found: OSError | None = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and (cause.errno is not None or found is None):
            found = cause
        cause = cause.__cause__ or cause.__context__
    return found or ConnectionError(str(error) or type(error).__name__)


def headers(metadata: Metadata) -> dict[str, str]:
    """The metadata of a call as HTTP headers; ``authorization`` in the spelling that replaces a client's own."""
    return {"Authorization" if key == "authorization" else key: value for key, value in metadata()}


def refused(model: str, status: int, body: bytes) -> ModelError:
    """The error for an HTTP status that is none of success."""
    try:
        told: Any = json.loads(body[:LIMIT])
        reason = str(told["error"]) if isinstance(told, dict) and "error" in told else ""
    except ValueError:
        reason = ""
    return ModelError(f"model {model!r}: {' '.join(reason.split())[:300] or f'HTTP status {status}'}")


async def events(response: httpx2.Response, model: str) -> AsyncGenerator[dict[str, Any], None]:
    """The JSON objects of a stream of server-sent events; raises :class:`ModelError` for anything else."""
    stream = Events(model)
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            for event in stream.feed(chunk):
                yield event
    for event in stream.finish():
        yield event
