"""A service that is slow, busy or unused is not taken for a dead connection.

The services are simulated ones over TLS, and share threads or streams as real ones do.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from concurrent import futures
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from hurried_renewal import at, hurry
from lab import HEARD, Lab, serving

from nova.errors import MindTimeout
from nova.generation import TritonSettings
from nova.mind import Message
from nova.services.triton_client import TritonMind
from pipelines.services import renewal
from pipelines.services.channels import open_channel

pytestmark = [pytest.mark.services, pytest.mark.timeout(60)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.mark.usefixtures("impatient")
async def test_a_service_that_is_slow_is_waited_for(pki: Path) -> None:
    async with serving(Lab({"llm": "hangs at once"}, turns=(0,)), pki) as port, open_channel(at(port, pki)) as channel:
        mind = TritonMind(channel, TritonSettings(first_token_timeout=1.5))
        with pytest.raises(MindTimeout):  # its own deadline, well after the connection was asked
            async with aclosing(mind.reply([Message("user", HEARD)])) as pieces:
                await anext(pieces)


class Slow(grpc.GenericRpcHandler):
    """A service whose calls and health calls share threads, if ``health`` says so; each call takes ``seconds``."""

    def __init__(self, seconds: float, health: bool) -> None:
        self.calls = self.asked = 0
        self._seconds = seconds
        self._health = health

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        def think(request: bytes, context: object) -> Iterator[bytes]:
            self.calls += 1
            time.sleep(self._seconds)
            yield b"word"

        if details.method == renewal.HEALTH:
            self.asked += 1
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"") if self._health else None
        return grpc.unary_stream_rpc_method_handler(think)


@asynccontextmanager
async def slow(seconds: float, pki: Path, threads: int, *, health: bool = True, **options: int) -> AsyncIterator[Any]:
    """Yields the service and a channel to it."""
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=[(f"grpc.{k}", v) for k, v in options.items()])
    service = Slow(seconds, health)
    server.add_generic_rpc_handlers((service,))
    pair = (pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    async with open_channel(at(port, pki)) as channel:
        yield service, channel
    server.stop(None)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("health", [True, False])
async def test_a_service_that_is_too_busy_for_its_health_is_waited_for(pki: Path, health: bool) -> None:
    """All its threads think: neither the connection there is nor a new one is answered, so none is dead."""
    async with slow(1.5, pki, threads=1, health=health) as (service, channel):
        assert [word async for word in channel.unary_stream("/slow/think")(b"")] == [b"word"]
        assert service.calls == 1


@pytest.mark.usefixtures("impatient")
async def test_connections_are_not_given_up_again_and_again_under_a_slow_reply(pki: Path) -> None:
    """Each connection takes one call at a time: only a new one is ever asked for its health."""
    async with slow(1.2, pki, threads=8, max_concurrent_streams=1) as (service, channel):
        words: list[bytes] = []
        while not words:
            with contextlib.suppress(grpc.aio.AioRpcError):
                words = [word async for word in channel.unary_stream("/slow/think")(b"")]
        assert 1 < service.calls <= 4


@pytest.mark.usefixtures("impatient")
async def test_a_service_that_nobody_uses_is_left_alone(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "QUIET_SECONDS", 0.05)
    async with slow(0.0, pki, threads=2) as (service, channel):
        assert [word async for word in channel.unary_stream("/slow/think")(b"")] == [b"word"]
        while service.asked < 2:  # noqa: ASYNC110 - in a thread of the server
            await asyncio.sleep(0.01)
        monkeypatch.setattr(renewal, "IDLE_SECONDS", 0.0)
        await asyncio.sleep(0.2)  # one was under way
        asked = service.asked
        await asyncio.sleep(0.4)
        assert service.asked == asked
