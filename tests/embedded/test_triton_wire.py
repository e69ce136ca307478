"""The embedded mind over TLS, on the real tritonserver and on the stand-in: both must behave the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import httpx2
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from triton_mind import NOW, heard, mind
from triton_service import Service, need_triton, service
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from nova.errors import ModelError
from nova.mind import Message
from nova.services.triton_client import TritonMind, TritonSettings
from nova.services.triton_rest import TritonRestMind
from nova.tools import Only, ToolCall, ToolSpec

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", params=["triton", "kserve"])
def nova(request: pytest.FixtureRequest, pki: Path) -> Iterator[Service]:
    if request.param == "triton":
        need_triton()
    with service(pki, "--backend", request.param) as started:
        yield started


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


async def test_it_calls_a_tool_that_the_question_names_and_reads_what_it_says(nova: Service) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [ToolSpec("get_weather", "Tells the weather.", schema), ToolSpec("now")]
    talk = [Message("system", "You are Sophia."), Message("user", "Can you get the weather in Ulm?")]
    async with nova.channel() as channel:
        for choice in ("auto", Only("get_weather")):
            async with aclosing(mind(channel).reply(talk, tools, choice)) as pieces:
                (call,) = [piece async for piece in pieces]
            assert isinstance(call, ToolCall)
            assert (call.name, call.parsed()) == ("get_weather", {"city": "Ulm"})
        talk += [Message("assistant", "", (call,)), Message("tool", '{"sky": "clear"}', answers=call)]
        async with aclosing(mind(channel).reply(talk, tools)) as pieces:
            said = "".join([str(piece) async for piece in pieces])
    assert said == "Here is what I got. Sky clear."


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
        assert (shown.adapter, shown.max_batch_size, shown.decoupled) == ("vllm", 0, True)
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
        assert (shown.server, shown.model_ready, shown.adapter, shown.max_batch_size) == ("triton", True, "vllm", 0)
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


def asking(sampling: str) -> pb.ModelInferRequest:
    return request(text_input=("BYTES", [1], text("x")), sampling_parameters=("BYTES", [1], text(sampling)))


BAD = {
    "shape": (request(text_input=("BYTES", [1, 1], text("x"))), "unexpected shape"),
    "type": (request(text_input=("INT32", [1], b"\0\0\0\0")), "data-type"),
    "missing": (request(stream=("BOOL", [1], b"\1")), "text_input"),
    "unknown tensor": (
        request(text_input=("BYTES", [1], text("x")), other=("BOOL", [1], b"\1")),
        "unexpected inference input 'other'",
    ),
    "not JSON": (
        request(text_input=("BYTES", [1], text("x")), sampling_parameters=("BYTES", [1], text("{"))),
        "sampling_parameters is not JSON",
    ),
    "nested without end": (
        request(text_input=("BYTES", [1], text("x")), sampling_parameters=("BYTES", [1], text("[" * 50_000))),
        "sampling_parameters is not JSON",
    ),
    "unknown sampling": (
        request(text_input=("BYTES", [1], text("x")), sampling_parameters=("BYTES", [1], text('{"beam": 2}'))),
        "unknown beam",
    ),
    "too many tokens": (
        request(text_input=("BYTES", [1], text("x")), sampling_parameters=("BYTES", [1], text('{"max_tokens": 0}'))),
        "max_tokens must be between",
    ),
    "not UTF-8": (request(text_input=("BYTES", [1], b"\1\0\0\0\xff")), "not UTF-8"),
    "too long": (request(text_input=("BYTES", [1], text("x" * 270_000))), "longer than"),
    "two prompts": (request(text_input=("BYTES", [2], text("x") * 2)), "unexpected shape"),
    "half a token": (asking('{"max_tokens": "1.5"}'), "max_tokens must be a number without a fraction"),
    "an adapter": (asking('{"lora_name": "sql"}'), "LoRA feature is not enabled."),
    "several answers": (asking('{"n": "2"}'), "n must be 1"),
    "a grammar": (asking('{"structured_outputs": "{}"}'), "cannot follow structured_outputs"),
    "streaming with its prompt": (
        request(
            text_input=("BYTES", [1], text("x")),
            stream=("BOOL", [1], b"\1"),
            exclude_input_in_output=("BOOL", [1], b"\0"),
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


def elements(answer: pb.ModelInferResponse) -> dict[str, Any]:
    """The tensors of an answer by name: text, or numbers."""
    kinds = {"UINT32": np.uint32, "FP32": np.float32}
    found: dict[str, Any] = {}
    for tensor, raw in zip(answer.outputs, answer.raw_output_contents, strict=True):
        assert list(tensor.shape) == [1]
        found[tensor.name] = (
            raw[4:].decode() if tensor.datatype == "BYTES" else np.frombuffer(raw, kinds[tensor.datatype])[0]
        )
    return found


EXTRAS = ("finish_reason", "cumulative_logprob", "logprobs", "num_input_tokens", "num_output_tokens")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_request_made_for_vllm_is_answered_as_vllm_does(nova: Service, stream: bool) -> None:
    wanted = {f"return_{name}": ("BOOL", [1], b"\1") for name in EXTRAS}
    asked = request(
        text_input=("BYTES", [1], text("count to ten")),
        stream=("BOOL", [1], b"\1" if stream else b"\0"),
        exclude_input_in_output=("BOOL", [1], b"\1"),
        sampling_parameters=(
            "BYTES", [1], text('{"temperature": "0.1", "top_p": "0.95", "max_tokens": "7", "logprobs": 1}')
        ),
        **wanted,
    )  # fmt: skip
    async with nova.channel() as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(iter([asked]))
        answers = [elements(message.infer_response) async for message in call]
    assert len(answers) == (7 if stream else 1)
    assert "".join(answer["text_output"] for answer in answers) == "1, 2, 3, 4"
    assert [answer["finish_reason"] for answer in answers] == ["None"] * (len(answers) - 1) + ["length"]
    assert sum(answer["num_output_tokens"] for answer in answers) == 7
    assert {answer["num_input_tokens"] for answer in answers} == {3}
    assert {answer["cumulative_logprob"] for answer in answers} == {0.0}
    told = [entry for answer in answers for token in json.loads(answer["logprobs"]) for entry in token.values()]
    assert "".join(entry["decoded_token"] for entry in told) == "1, 2, 3, 4"


async def test_values_may_come_as_contents_and_tritons_own_parameters_are_not_the_models(nova: Service) -> None:
    asked = pb.ModelInferRequest(model_name="nova")
    asked.inputs.add(name="text_input", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"what is 1 plus 1")
    asked.inputs.add(name="stream", datatype="BOOL", shape=[1]).contents.bool_contents.append(True)
    asked.parameters["priority"].int64_param = 1
    asked.parameters["sequence_id"].int64_param = 7
    asked.parameters["sequence_start"].bool_param = True
    asked.parameters["sequence_end"].bool_param = True
    async with nova.channel() as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(iter([asked]))
        answers = [elements(message.infer_response)["text_output"] async for message in call]
    assert len(answers) > 1
    assert "".join(answers) == "That's 2."


async def test_only_the_outputs_that_a_request_names_come_back(nova: Service) -> None:
    asked = request(text_input=("BYTES", [1], text("x")), return_finish_reason=("BOOL", [1], b"\1"))
    asked.outputs.add(name="text_output")
    async with nova.channel() as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(iter([asked]))
        [answer] = [elements(message.infer_response) async for message in call]
    assert set(answer) == {"text_output"}


async def test_sampling_may_come_as_the_requests_own_parameters(nova: Service) -> None:
    asked = request(text_input=("BYTES", [1], text("count to ten")), exclude_input_in_output=("BOOL", [1], b"\1"))
    asked.parameters["max_tokens"].int64_param = 4
    asked.parameters["temperature"].string_param = "0.1"
    async with nova.channel() as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(iter([asked]))
        [answer] = [elements(message.infer_response) async for message in call]
    assert answer["text_output"] == "1, 2,"


async def test_requests_that_come_together_are_answered_together(nova: Service) -> None:
    order: list[tuple[str, int]] = []

    async def follow(client: TritonMind, number: int) -> None:
        async with aclosing(client.reply([Message("user", "tell me a story")])) as pieces:
            async for _ in pieces:
                order.append(("piece", number))
        order.append(("end", number))

    async with nova.channel() as channel:
        client = mind(channel)
        await client.ready()
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(follow(client, number))
    before_the_first_end = order[: next(at for at, (what, _) in enumerate(order) if what == "end")]
    assert {number for _, number in before_the_first_end} == set(range(8))


async def test_without_streaming_the_prompt_comes_along(nova: Service) -> None:
    async with nova.channel() as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(
            iter([request(text_input=("BYTES", [1], text("what is 1 plus 1")))])
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
        with pytest.raises(ModelError, match="longer than 262144 bytes"):
            await heard(mind(channel), "x" * 270_000)


async def test_a_stranger_is_not_trusted(nova: Service, other_pki: Path) -> None:
    async with nova.channel(ca=other_pki) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await mind(channel).ready()
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    async with grpc.aio.insecure_channel(f"localhost:{nova.ready['port']}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await mind(channel).ready()
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
