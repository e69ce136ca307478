"""How a stream of Triton ends: read out, silent, cancelled, given up; and what the caller is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import grpc
import pytest
from scripted_triton import HELLO, VLLM, Bench, Script, config, end, hangs, hangs_after_one, heard, piece, says, served
from tritonclient.grpc import service_pb2 as pb

from nova.errors import MindTimeout, ModelError
from nova.services import triton_client
from nova.services.triton_client import TritonMind


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with served() as both:
        yield both


@pytest.mark.parametrize(("script", "which"), [(hangs, "first"), (hangs_after_one, "next")])
async def test_a_silent_model(bench: Bench, script: Script, which: str) -> None:
    bench.fake.script = script
    mind = bench.mind(first_token_timeout=0.3 if which == "first" else 20.0, token_timeout=0.1)
    with pytest.raises(MindTimeout, match=f"no {which} token within"):
        await heard(mind)
    await asyncio.wait_for(bench.fake.cancelled.wait(), 5)


async def failing(mind: TritonMind) -> None:
    with pytest.raises(ModelError, match="No memory left"):
        await heard(mind)


FAILURE = pb.ModelStreamInferResponse(error_message="No memory left", infer_response=end().infer_response)


@pytest.mark.parametrize(
    ("ask", "last"),
    [(heard, piece("Hello.", final=True)), (TritonMind.warm_up, piece("Hello.", final=True)), (failing, FAILURE)],
    ids=["reply", "warm-up", "error"],
)
async def test_a_stream_whose_last_message_is_here_is_read_to_its_end_and_not_cancelled(
    bench: Bench, ask: Callable[[TritonMind], Coroutine[Any, Any, object]], last: pb.ModelStreamInferResponse
) -> None:
    told, may_end = asyncio.Event(), asyncio.Event()

    async def script(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
        yield last
        told.set()
        await may_end.wait()

    bench.fake.script = script
    mind = bench.mind()
    task = asyncio.create_task(ask(mind))
    await told.wait()
    for _ in range(3):  # a cancellation would overtake these
        await mind.ready()
    assert not task.done()
    may_end.set()
    await task
    await mind.ready()
    assert not bench.fake.cancelled.is_set()


async def test_an_answer_that_is_whole_does_not_wait_for_ever_for_the_streams_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
        yield piece("Hello.", final=True)
        await asyncio.Event().wait()

    monkeypatch.setattr(triton_client, "_END_TIMEOUT", 0.01)
    bench.fake.script = script
    assert await heard(bench.mind()) == ["Hello."]
    await asyncio.wait_for(bench.fake.cancelled.wait(), 5)


async def test_a_stream_that_fails_after_its_last_answer_has_answered(bench: Bench) -> None:
    bench.fake.script = says(piece("Hello.", final=True))
    bench.fake.status = grpc.StatusCode.UNAVAILABLE
    assert await heard(bench.mind()) == ["Hello."]


async def test_closing_the_generator_cancels_on_the_server(bench: Bench) -> None:
    bench.fake.script = hangs_after_one
    pieces = bench.mind().reply(HELLO)
    assert await anext(pieces) == "One"
    await pieces.aclose()
    await asyncio.wait_for(bench.fake.cancelled.wait(), 5)


@pytest.mark.parametrize("script", [hangs, hangs_after_one])
async def test_cancelling_the_task_cancels_on_the_server(bench: Bench, script: Script) -> None:
    bench.fake.script = script
    task = asyncio.create_task(heard(bench.mind()))
    await asyncio.wait_for(bench.fake.started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(bench.fake.cancelled.wait(), 5)


async def test_a_stop_string_ends_the_generation_on_the_server(bench: Bench) -> None:
    async def goes_on(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
        yield piece("Hello.<|im_end|>")
        await asyncio.Event().wait()

    bench.fake.script = goes_on
    assert await heard(bench.mind()) == ["Hello."]
    await asyncio.wait_for(bench.fake.cancelled.wait(), 5)


@pytest.mark.parametrize("status", [grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE])
async def test_a_server_that_gives_up_is_a_transport_error(bench: Bench, status: grpc.StatusCode) -> None:
    bench.fake.status = status
    bench.fake.script = says(piece("Hi"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await heard(bench.mind())
    assert caught.value.code() == status


async def test_nobody_there() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await heard(TritonMind(channel))
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_unary_model_that_hangs(bench: Bench) -> None:
    bench.fake.config = config(VLLM, decoupled=False)
    bench.fake.script = hangs
    with pytest.raises(MindTimeout, match="no answer within"):
        await heard(bench.mind(first_token_timeout=0.05, token_timeout=0.05))
