"""Finds an embedded service that hangs: its process lives, and it answers no health calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import grpc.aio

EVERY_SECONDS = 2.0
"""Between two health calls; a call that nobody answered has taken its time, and the next one follows at once."""

ANSWER_SECONDS = 3.0
"""How long one may take; a machine that is busy answers late, and still answers."""

MISSES = 3
"""Calls in a row without an answer that make a hang. It is found within 12 s, for soundbites give up after 20 s."""


async def hangs(port: int, ca: Path) -> None:
    """Returns once the service on ``port`` of this machine hangs. Any answer at all shows that it does not."""
    credentials = grpc.ssl_channel_credentials(await asyncio.to_thread(ca.read_bytes))
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 1000)]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        # Raw bytes: Riva's wheel and grpcio-health-checking both register grpc.health.v1 and collide.
        check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/grpc.health.v1.Health/Check")
        misses, pause = 0, EVERY_SECONDS
        while misses < MISSES:
            await asyncio.sleep(pause)
            pause = EVERY_SECONDS
            try:
                await check(b"", timeout=ANSWER_SECONDS)
            except grpc.aio.AioRpcError as error:
                late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
                misses = misses + 1 if late or error.code() is grpc.StatusCode.UNAVAILABLE else 0
                if late:
                    pause = 0.0
            else:
                misses = 0
