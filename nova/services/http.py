"""What the clients that speak HTTP share: errors in the form that gRPC's callers know, and server-sent events.

The HTTP library is httpx2, which the ``openai`` package stands on too. Clients are handed a ready ``AsyncClient``: its
``base_url`` is the service, its TLS the caller's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import httpx2

from nova.errors import ModelError

Metadata = Callable[[], Sequence[tuple[str, str]]]

LIMIT = 1 << 20
"""Bytes of one event or answer that are accepted; a token needs a few hundred."""


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
    buffer = b""
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            if len(buffer) > LIMIT:
                raise ModelError(f"model {model!r} sent an event of more than {LIMIT} bytes")
            for line in lines:
                if event := _event(line, model):
                    yield event
    if event := _event(buffer, model):
        yield event


def _event(line: bytes, model: str) -> dict[str, Any] | None:
    if not line.startswith(b"data:"):
        return None
    try:
        event = json.loads(line[5:])
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise ModelError(f"model {model!r} sent an event that is no JSON object")
    return event
