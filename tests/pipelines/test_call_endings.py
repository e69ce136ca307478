"""However a call ends, the line says what happened: each status, each kind of call, and who writes meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.failures import EXIT_CODES, explain
from pipelines.services.channels import open_channel
from pipelines.settings.endpoint import Endpoint, TlsSettings

CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
KINDS = ("unary", "server stream", "client stream", "bidi", "bidi from an iterator")
WHY = "the third voice is out of order"
INNARDS = ("core", "exception", "<class", "rpc", "rst_stream", "iterating", "traceback")
AFTER = 3
"""Messages that the service takes before it ends the call; the client goes on writing."""


class Ending(grpc.GenericRpcHandler):
    """A service whose calls end with the status that their name says."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        _, kind, name = details.method.split("/")
        code = grpc.StatusCode[name]

        async def single(request: bytes, context: Any) -> None:
            await context.abort(code, WHY)

        async def stream(request: bytes, context: Any) -> AsyncIterator[bytes]:
            yield b"first"
            await context.abort(code, WHY)

        async def taking(requests: AsyncIterator[bytes], context: Any) -> None:
            for _ in range(AFTER):
                await anext(requests)
            await context.abort(code, WHY)

        async def both(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            for _ in range(AFTER):
                yield await anext(requests)
            await context.abort(code, WHY)

        make = {
            "unary": lambda: grpc.unary_unary_rpc_method_handler(single),
            "server": lambda: grpc.unary_stream_rpc_method_handler(stream),
            "client": lambda: grpc.stream_unary_rpc_method_handler(taking),
            "bidi": lambda: grpc.stream_stream_rpc_method_handler(both),
        }
        return make[kind]()


@asynccontextmanager
async def ending(pki: Path) -> AsyncIterator[tuple[grpc.aio.Server, Endpoint]]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Ending(),))
    pair = (pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    try:
        yield server, Endpoint(target=f"localhost:{port}", tls=TlsSettings(ca=pki / "ca.crt"))
    finally:
        await server.stop(0)


async def on_and_on() -> AsyncIterator[bytes]:
    for _ in range(200):
        yield bytes(500)


async def call(channel: grpc.aio.Channel, kind: str, name: str) -> None:
    """One call to its end, with a client that writes for as long as it can."""
    if kind == "unary":
        await channel.unary_unary(f"/unary/{name}")(b"")
    elif kind == "server stream":
        async for _ in channel.unary_stream(f"/server/{name}")(b""):
            pass
    elif kind == "client stream":
        await channel.stream_unary(f"/client/{name}")(on_and_on())
    elif kind == "bidi from an iterator":
        async for _ in channel.stream_stream(f"/bidi/{name}")(on_and_on()):
            pass
    else:
        asked: Any = channel.stream_stream(f"/bidi/{name}")()

        async def write() -> None:
            with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                async for message in on_and_on():
                    await asked.write(message)
                    await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            group.create_task(write())
            async for _ in asked:
                pass


def said_well(error: Exception, endpoint: Endpoint) -> str:
    """The line for the failed call, which is one of ours."""
    failure = explain(error, "tts", endpoint)
    assert failure.kind != "defect"
    assert failure.exit_code == EXIT_CODES[failure.kind]
    assert failure.line.startswith(f"The tts at {endpoint.target} ")
    assert not [word for word in INNARDS if word in failure.line.lower()]
    return failure.line


@pytest.mark.services
@pytest.mark.parametrize("kind", KINDS)
async def test_the_line_says_how_the_service_ended_the_call(pki: Path, kind: str) -> None:
    async with ending(pki) as (_, endpoint), open_channel(endpoint) as channel:
        for code in CODES:
            for _ in range(10 if "bidi" in kind else 1):  # what the writer meets depends on the moment
                with pytest.raises((grpc.aio.AioRpcError, ExceptionGroup)) as caught:
                    await call(channel, kind, code.name)
                error = caught.value
                error = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
                assert isinstance(error, grpc.aio.AioRpcError)
                assert (error.code(), error.details()) == (code, WHY)
                line = said_well(error, endpoint)
                assert WHY in line or code is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.services
@pytest.mark.parametrize("kind", ["bidi", "bidi from an iterator"])
async def test_a_service_that_is_killed_while_it_is_written_to_broke_the_connection(pki: Path, kind: str) -> None:
    for _ in range(10):
        async with ending(pki) as (server, endpoint), open_channel(endpoint) as channel:

            async def forever() -> AsyncIterator[bytes]:
                while True:
                    yield bytes(50_000)

            stream: Any = channel.stream_stream("/bidi/OK")(forever() if "iterator" in kind else None)

            async def write(stream: Any = stream) -> None:
                with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                    while True:
                        await stream.write(bytes(50_000))

            async with asyncio.TaskGroup() as group:
                if "iterator" not in kind:
                    group.create_task(write())
                reading = aiter(stream)
                await anext(reading)
                await server.stop(0)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    async for _ in reading:
                        pass
            assert "broke the connection" in said_well(caught.value, endpoint) or "stopped the call" in said_well(
                caught.value, endpoint
            )


WORDS = [
    "Internal error from Core",
    "Exception iterating requests!",
    "Exception deserializing request!",
    "Exception serializing response!",
    "Exception calling application: no such voice",
    "Unexpected <class 'ValueError'>: no such voice",
    "Error in service handler!",
    "Stream removed",
    "Received RST_STREAM with error code 2",
    "RST_STREAM closed stream. HTTP/2 error code: INTERNAL_ERROR",
    "Socket closed",
    "GOAWAY received; Error code: 11; Debug Text: too_many_pings",
    "",
]
"""What gRPC's own runtimes say, ours and others', where the service said nothing."""


@given(st.sampled_from(CODES), st.sampled_from(WORDS))
def test_words_of_the_transport_never_reach_people(code: grpc.StatusCode, words: str) -> None:
    error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), words)
    line = said_well(error, Endpoint(target="riva.lab:50051"))
    assert "no such voice" in line or "no such voice" not in words or code is grpc.StatusCode.DEADLINE_EXCEEDED
