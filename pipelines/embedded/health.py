"""Finds an embedded service that hangs: its process lives, and it answers no health calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import grpc.aio

EVERY_SECONDS = 2.0
"""Between two health calls."""

ANSWER_SECONDS = 3.0
"""How long one may take; a machine that is busy answers late, and still answers."""

MISSES = 3
"""Calls in a row without an answer that make a hang. It is found within 15 s, before soundbites give up."""


async def hangs(port: int, ca: Path) -> None:
    """Returns once the service on ``port`` of this machine hangs. Any answer at all shows that it does not."""
    credentials = grpc.ssl_channel_credentials(await asyncio.to_thread(ca.read_bytes))
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 1000)]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        # Raw bytes: Riva's wheel and grpcio-health-checking both register grpc.health.v1 and collide.
        check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/grpc.health.v1.Health/Check")
        misses = 0
        while misses < MISSES:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await check(b"", timeout=ANSWER_SECONDS)
            except grpc.aio.AioRpcError as error:
                unheard = error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
                misses = misses + 1 if unheard else 0
            else:
                misses = 0
