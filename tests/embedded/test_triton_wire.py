"""The embedded mind over TLS, on the real tritonserver and on the stand-in: both must behave the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from triton_service import Service, need_triton, service
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from nova.errors import ModelError
from nova.mind import Message
from nova.prompts import ChatTemplate
from nova.services.triton_client import TritonMind, TritonSettings
from nova.services.triton_rest import TritonRestMind

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]
NOW = datetime(2026, 11, 21, 21, 16)


@pytest.fixture(scope="module", params=["triton", "kserve"])
def nova(request: pytest.FixtureRequest, pki: Path) -> Iterator[Service]:
    if request.param == "triton":
        need_triton()
    with service(pki, "--backend", request.param) as started:
        yield started


def mind(channel: grpc.aio.Channel, **settings: Any) -> TritonMind:
    return TritonMind(channel, TritonSettings(**settings), now=lambda: NOW)


async def heard(client: TritonMind, *texts: str) -> str:
    roles = ("user", "assistant")
    messages = [Message(roles[i % 2], text) for i, text in enumerate(texts)]  # type: ignore[arg-type]
    async with aclosing(client.reply(messages)) as pieces:
        return "".join([piece async for piece in pieces])


async def test_a_conversation(nova: Service) -> None:
    async with nova.channel() as channel:
        client = mind(channel)
        assert (await heard(client, "Who are you?")).startswith("I'm Sophia.")
        assert await heard(client, "What time is it?") == "It's 9:16 PM."
        first = await heard(client, "what is seventeen times twenty three")
        assert first == "That's 391."
        assert await heard(client, "what is seventeen times twenty three", first, "plus nine") == "That's 400."


async def test_it_streams(nova: Service) -> None:
    async with nova.channel() as channel, aclosing(mind(channel).reply([Message("user", "count to ten")])) as pieces:
        got = [piece async for piece in pieces]
    assert len(got) > 10
    assert "".join(got) == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10."


async def test_many_at_once(nova: Service) -> None:
    async with nova.channel() as channel:
        questions = [[Message("user", f"what is {n} plus {n}")] for n in range(24)]
        answers = await mind(channel, concurrency=24).complete(questions)
    assert answers == [f"That's {2 * n}." for n in range(24)]


async def test_stopping_a_story_leaves_the_others_alone(nova: Service) -> None:
    async with nova.channel() as channel:
        client = mind(channel)
        story = client.reply([Message("user", "tell me a story")])
        other = asyncio.create_task(heard(client, "count to ten"))
        assert await anext(story)
        await story.aclose()
        assert await other == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10."
        assert await heard(client, "what is 1 plus 1") == "That's 2."


async def test_limits_and_stops(nova: Service) -> None:
    async with nova.channel() as channel:
        assert await heard(mind(channel, max_tokens=3), "count to ten") == "1, 2"
        assert await heard(mind(channel, stop=("4",)), "count to ten") == "1, 2, 3, "


async def test_what_check_shows(nova: Service) -> None:
    async with nova.channel() as channel:
        client = mind(channel)
        shown = await client.describe()
        assert shown.ready
        assert shown.model_ready
        assert (shown.adapter, shown.max_batch_size, shown.decoupled) == ("vllm", 16, True)
        assert shown.server == ("triton" if "tritonserver" in nova.ready["backend"] else "sophia-kserve")
        assert await client.ready()
        assert await client.warm_up() > 0
        assert not await mind(channel, model="absent").ready()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await heard(mind(channel, model="absent"), "Hello.")
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_over_http_where_triton_has_it(nova: Service) -> None:
    if not nova.ready["http_port"]:
        pytest.skip("the stand-in has no HTTP port")
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{nova.ready['http_port']}") as client:
        rest = TritonRestMind(client, TritonSettings(), now=lambda: NOW)
        async with aclosing(rest.reply([Message("user", "What time is it?")])) as pieces:
            assert "".join([piece async for piece in pieces]) == "It's 9:16 PM."
        questions = [[Message("user", f"what is {n} plus {n}")] for n in range(4)]
        assert await rest.complete(questions) == [f"That's {2 * n}." for n in range(4)]
        shown = await rest.describe()
        assert (shown.server, shown.model_ready, shown.adapter, shown.max_batch_size) == ("triton", True, "vllm", 16)
        story = rest.reply([Message("user", "tell me a story")])
        assert await anext(story)
        await story.aclose()
        assert not await TritonRestMind(client, TritonSettings(model="absent")).ready()


async def test_nobody_loads_models_from_outside(nova: Service) -> None:
    async with nova.channel() as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        for call, message in (
            (stub.RepositoryModelUnload, pb.RepositoryModelUnloadRequest(model_name="nova")),
            (stub.SystemSharedMemoryRegister, pb.SystemSharedMemoryRegisterRequest(name="x", key="/x", byte_size=1)),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(message, timeout=10)
            assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNIMPLEMENTED)
        assert await mind(channel).ready()


def request(**tensors: tuple[str, list[int], bytes]) -> pb.ModelInferRequest:
    made = pb.ModelInferRequest(model_name="nova", id="test")
    for name, (datatype, shape, raw) in tensors.items():
        made.inputs.add(name=name, datatype=datatype, shape=shape)
        made.raw_input_contents.append(raw)
    made.parameters["triton_enable_empty_final_response"].bool_param = True
    return made


def text(value: str) -> bytes:
    return len(value.encode()).to_bytes(4, "little") + value.encode()


BAD = {
    "shape": (request(text_input=("BYTES", [1], text("x"))), "unexpected shape"),
    "type": (request(text_input=("INT32", [1, 1], b"\0\0\0\0")), "data-type"),
    "missing": (request(stream=("BOOL", [1, 1], b"\1")), "text_input"),
    "unknown tensor": (
        request(text_input=("BYTES", [1, 1], text("x")), other=("BOOL", [1, 1], b"\1")),
        "unexpected inference input 'other'",
    ),
    "not JSON": (
        request(text_input=("BYTES", [1, 1], text("x")), sampling_parameters=("BYTES", [1, 1], text("{"))),
        "sampling_parameters is not JSON",
    ),
    "unknown sampling": (
        request(text_input=("BYTES", [1, 1], text("x")), sampling_parameters=("BYTES", [1, 1], text('{"beam": 2}'))),
        "unknown beam",
    ),
    "too many tokens": (
        request(
            text_input=("BYTES", [1, 1], text("x")), sampling_parameters=("BYTES", [1, 1], text('{"max_tokens": 0}'))
        ),
        "max_tokens must be between",
    ),
    "not UTF-8": (request(text_input=("BYTES", [1, 1], b"\1\0\0\0\xff")), "not UTF-8"),
    "too long": (request(text_input=("BYTES", [1, 1], text("x" * 70_000))), "longer than"),
    "two prompts": (request(text_input=("BYTES", [2, 1], text("x") * 2)), "one prompt in each request"),
    "streaming with its prompt": (
        request(
            text_input=("BYTES", [1, 1], text("x")),
            stream=("BOOL", [1, 1], b"\1"),
            exclude_input_in_output=("BOOL", [1, 1], b"\0"),
        ),
        "is not allowed",
    ),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_request_is_refused_in_band(nova: Service, case: str) -> None:
    bad, reason = BAD[case]
    async with nova.channel() as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(iter([bad]))
        answer = await asyncio.wait_for(call.read(), 10)
        call.cancel()
        assert reason in answer.error_message
        assert await heard(mind(channel), "what is 1 plus 1") == "That's 2."


async def test_without_streaming_the_prompt_comes_along(nova: Service) -> None:
    async with nova.channel() as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(
            iter([request(text_input=("BYTES", [1, 1], text("what is 1 plus 1")))])
        )
        answer = await asyncio.wait_for(call.read(), 10)
        call.cancel()
    assert answer.infer_response.raw_output_contents[0][4:] == b"what is 1 plus 1That's 2."


async def test_unary_calls_to_a_streaming_model_are_refused(nova: Service) -> None:
    async with nova.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(BAD["not UTF-8"][0], timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_an_error_of_the_model_reaches_the_caller(nova: Service) -> None:
    async with nova.channel() as channel:
        with pytest.raises(ModelError, match="longer than 65536 bytes"):
            await heard(mind(channel), "x" * 70_000)


async def test_a_stranger_is_not_trusted(nova: Service, other_pki: Path) -> None:
    async with nova.channel(ca=other_pki) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await mind(channel).ready()
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    async with grpc.aio.insecure_channel(f"localhost:{nova.ready['port']}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await mind(channel).ready()
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


BATCHER = """
import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        self.calls = 0

    def execute(self, requests):
        self.calls += 1
        responses = []
        for request in requests:
            prompts = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy()
            if b"fail" in prompts.reshape(-1)[0]:
                responses.append(pb_utils.InferenceResponse(error=pb_utils.TritonError("as you wish")))
                continue
            said = [f"{len(prompts)} at once: {p.decode()}" for p in prompts.reshape(-1)]
            array = np.array([s.encode() for s in said], dtype=np.object_).reshape(prompts.shape)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("text_output", array)]))
        return responses
"""
BATCHER_CONFIG = """
name: "batcher" backend: "python" max_batch_size: 4 dynamic_batching { }
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU } ]
"""


@pytest.mark.parametrize("backend", ["triton", "kserve"])
async def test_a_batch_in_one_request(backend: str, pki: Path, tmp_path: Path) -> None:
    if backend == "triton":
        need_triton()
    folder = tmp_path / "batcher"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(BATCHER_CONFIG)
    (folder / "1" / "model.py").write_text(BATCHER)
    plain = ChatTemplate("{{ messages[-1].content }}")
    settings = TritonSettings(model="batcher", tell_time=False)
    with service(pki, "--backend", backend, "--models", str(tmp_path), "--model", "batcher") as started:
        async with started.channel() as channel:
            client = TritonMind(channel, settings, template=plain)
            talks = [[Message("user", f"q{n}")] for n in range(6)]
            expected = [f"4 at once: q{n}" for n in range(4)] + ["2 at once: q4", "2 at once: q5"]
            assert await client.complete(talks) == expected
            assert await heard(client, "alone") == "1 at once: alone"
            with pytest.raises(grpc.aio.AioRpcError, match="as you wish"):
                await client.complete([[Message("user", "fail")]])
            if started.ready["http_port"]:
                async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{started.ready['http_port']}") as http:
                    assert await TritonRestMind(http, settings, template=plain).complete(talks) == expected


@pytest.mark.parametrize("backend", ["triton", "kserve"])
async def test_mutual_tls(backend: str, pki: Path) -> None:
    if backend == "triton":
        need_triton()
    with service(pki, "--backend", backend, "--mtls") as started:
        async with started.channel(client=True) as channel:
            assert await heard(mind(channel), "what is 1 plus 1") == "That's 2."
        async with started.channel() as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await mind(channel).ready()
