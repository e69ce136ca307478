"""The mind behind Triton: what each kind of model is asked, what it may answer, and many prompts at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime

import grpc
import pytest
from scripted_triton import (
    BYTES,
    FP32,
    INT32,
    LLMAPI,
    TRTLLM,
    VLLM,
    Bench,
    config,
    end,
    heard,
    piece,
    says,
    served,
    shape,
    tensor,
)
from tritonclient.grpc import service_pb2 as pb

from nova.errors import ModelError, Overloaded
from nova.mind import Message
from nova.prompts import ChatTemplate
from nova.services.triton_client import TritonMind, TritonSettings
from nova.tensors import raw_bytes


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with served() as both:
        yield both


@pytest.mark.parametrize(
    "messages",
    [
        [piece("Hel"), piece("lo."), end()],
        [piece("Hel"), piece("lo.", final=True)],
        [piece("Hel"), piece("lo.")],
        [piece("Hel", inline=True), piece("lo.", inline=True, final=True)],
    ],
    ids=["empty final", "final with text", "no flag at all", "inline contents"],
)
async def test_each_form_of_the_end(bench: Bench, messages: list[pb.ModelStreamInferResponse]) -> None:
    bench.fake.script = says(*messages)
    assert await heard(bench.mind()) == ["Hel", "lo."]


async def test_the_request_is_what_the_vllm_backend_wants(bench: Bench) -> None:
    bench.fake.script = says(end())
    await heard(bench.mind(seed=7, stop=("Bye",)))
    (request,) = bench.fake.requests
    assert tensor(request, "text_input") == ["<|im_start|>user\nHello.<|im_end|>\n<|im_start|>assistant\n"]
    assert shape(request, "text_input") == [1]
    assert tensor(request, "stream") == [True]
    assert tensor(request, "exclude_input_in_output") == [True]
    options = json.loads(tensor(request, "sampling_parameters")[0])
    assert options["max_tokens"] == 256
    assert options["seed"] == 7
    assert options["stop"] == ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "Bye"]
    assert request.parameters["triton_enable_empty_final_response"].bool_param
    assert bench.fake.metadata[0]["traceparent"] == "00-1"


async def test_the_time_is_told(bench: Bench) -> None:
    mind = TritonMind(bench.channel, now=lambda: datetime(2026, 11, 21, 21, 16))
    await heard(mind)
    assert "It is Saturday, 21 November 2026, 21:16." in tensor(bench.fake.requests[0], "text_input")[0]


async def test_a_batch_dimension_is_respected(bench: Bench) -> None:
    bench.fake.config = config(VLLM, batch=16)
    await heard(bench.mind())
    assert shape(bench.fake.requests[0], "text_input") == [1, 1]
    assert shape(bench.fake.requests[0], "stream") == [1, 1]


async def test_tensorrt_llm_ensemble(bench: Bench) -> None:
    bench.fake.config = config(TRTLLM, batch=8)
    bench.fake.script = says(piece("Hi"), piece(" there", final=True))
    assert await heard(bench.mind(seed=3, temperature=0.5)) == ["Hi", " there"]
    (request,) = bench.fake.requests
    assert tensor(request, "max_tokens") == [256]
    assert tensor(request, "temperature") == [0.5]
    assert tensor(request, "seed") == [3]
    assert shape(request, "stop_words") == [1, 3]
    assert tensor(request, "exclude_input_in_output") is None  # this model does not declare it


async def test_the_llm_api_backend_sends_the_whole_text_each_time(bench: Bench) -> None:
    bench.fake.config = config(LLMAPI)
    bench.fake.script = says(piece("Gr"), piece("Gr\ufffd"), piece("Grüße"), piece("Grüße."), end())
    assert await heard(bench.mind()) == ["Gr", "üße", "."]
    (request,) = bench.fake.requests
    assert tensor(request, "streaming") == [True]
    assert tensor(request, "sampling_param_exclude_input_from_output") == [True]


async def test_a_plain_text_model(bench: Bench) -> None:
    bench.fake.config = config({"PROMPT": BYTES})
    bench.fake.script = says(piece("Hi", final=True))
    assert await heard(bench.mind()) == ["Hi"]


@pytest.mark.parametrize(
    ("inputs", "hint"), [({"input_ids": INT32}, "ensemble"), ({"image": FP32}, "no language model that Nova knows")]
)
async def test_a_model_that_is_no_language_model(bench: Bench, inputs: dict[str, int], hint: str) -> None:
    bench.fake.config = config(inputs)
    with pytest.raises(ModelError, match=hint):
        await heard(bench.mind())


async def test_a_model_that_does_not_stream(bench: Bench) -> None:
    bench.fake.config = config(VLLM, decoupled=False)
    bench.fake.script = says(piece("Hello.<|im_end|>", final=True))
    assert await heard(bench.mind()) == ["Hello."]
    assert tensor(bench.fake.requests[0], "stream") == [False]


async def test_thoughts_tokens_and_halves_of_characters_stay_inside(bench: Bench) -> None:
    pieces = [b"<thi", b"nk>hm</th", b"ink>\n", b"Gr\xc3", b"\xbc\xc3\x9fe", b".<|im_", b"end|>junk"]
    bench.fake.script = says(*map(piece, pieces), end())
    assert "".join(await heard(bench.mind())) == "Grüße."


async def test_a_prompt_that_opens_a_thought(bench: Bench) -> None:
    bench.fake.script = says(piece("well, "), piece("so</think>Yes.", final=True))
    assert await heard(bench.mind(ChatTemplate("{{ messages[-1].content }}<think>\n"))) == ["Yes."]


async def test_the_configuration_is_asked_once(bench: Bench) -> None:
    mind = bench.mind()
    await asyncio.gather(heard(mind), heard(mind), heard(mind))
    assert bench.fake.configs == 1


async def test_an_error_in_band(bench: Bench) -> None:
    bench.fake.script = says(piece("Hi"), pb.ModelStreamInferResponse(error_message="out of memory\n"))
    mind = bench.mind()
    with pytest.raises(ModelError, match=r"model 'nova': out of memory$"):
        await heard(mind)
    bench.fake.script = says(piece("Hi", final=True))
    assert await heard(mind) == ["Hi"]
    assert bench.fake.configs == 2  # perhaps another model is served by now


@pytest.mark.parametrize(
    "said",
    [
        "Exceeds maximum queue size",
        "Request for unknown model: 'nova' version 1 is not at ready state",
        "Request for unknown model: 'nova' has no available versions",
    ],
)
async def test_a_model_that_is_loaded_again_or_full_may_work_in_a_moment(bench: Bench, said: str) -> None:
    bench.fake.script = says(pb.ModelStreamInferResponse(error_message=said))
    with pytest.raises(Overloaded, match=said) as caught:
        await heard(bench.mind())
    assert caught.value.kind == "busy"


async def test_a_broken_tensor(bench: Bench) -> None:
    broken = piece("x")
    broken.infer_response.raw_output_contents[0] = b"\xff\x00\x00\x00x"
    bench.fake.script = says(broken)
    with pytest.raises(ModelError, match="broken answer"):
        await heard(bench.mind())


def conversations(n: int) -> list[list[Message]]:
    return [[Message("user", f"q{i}")] for i in range(n)]


async def test_many_prompts_in_one_request(bench: Bench) -> None:
    async def echoes(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
        answer = pb.ModelInferResponse(model_name="nova")
        prompts = tensor(request, "text_input")
        answer.outputs.add(name="text_output", datatype="BYTES", shape=[len(prompts), 1])
        answer.raw_output_contents.append(raw_bytes([f"a{p[20]}<|im_end|>".encode() for p in prompts]))
        yield pb.ModelStreamInferResponse(infer_response=answer)

    bench.fake.config = config(VLLM, batch=4, decoupled=False)
    bench.fake.script = echoes
    template = ChatTemplate("{{ messages[-1].content.rjust(21) }}", ("<|im_end|>",))
    assert await bench.mind(template).complete(conversations(10)) == [f"a{i}" for i in range(10)]
    assert [shape(r, "text_input") for r in bench.fake.requests] == [[4, 1], [4, 1], [2, 1]]
    assert await bench.mind(template).complete([]) == []


async def test_concurrent_streams_where_there_is_no_batch(bench: Bench) -> None:
    async def echoes(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
        await asyncio.sleep(0.01)
        yield piece(tensor(request, "text_input")[0])
        yield end()

    bench.fake.script = echoes
    mind = bench.mind(ChatTemplate("{{ messages[-1].content }}"), concurrency=3)
    assert await mind.complete(conversations(7)) == [f"q{i}" for i in range(7)]
    assert bench.fake.most == 3


async def test_one_failure_in_a_batch_is_that_failure(bench: Bench) -> None:
    bench.fake.script = says(pb.ModelStreamInferResponse(error_message="Exceeds maximum queue size"))
    with pytest.raises(ModelError, match="Exceeds maximum queue size"):
        await bench.mind(concurrency=2).complete(conversations(5))


async def test_too_few_answers(bench: Bench) -> None:
    bench.fake.config = config(VLLM, batch=4, decoupled=False)
    bench.fake.script = says(piece("only one"))
    with pytest.raises(ModelError, match="1 answers to 3 prompts"):
        await bench.mind().complete(conversations(3))


async def test_describe_and_warm_up(bench: Bench) -> None:
    bench.fake.script = says(piece("Hi", final=True))
    mind = bench.mind()
    shown = await mind.describe()
    assert (shown.server, shown.version, shown.ready, shown.model_ready) == ("triton", "9.9", True, True)
    assert (shown.adapter, shown.decoupled, shown.max_batch_size, shown.models) == ("vllm", True, 0, ())
    assert await mind.ready()
    assert await mind.warm_up() > 0
    assert json.loads(tensor(bench.fake.requests[0], "sampling_parameters")[0])["max_tokens"] == 1
    absent = bench.mind(model="other")
    assert not await absent.ready()
    assert not (await absent.describe()).model_ready


def test_a_template_that_is_not_built_in_must_be_handed_in() -> None:
    from nova.prompts import TemplateError

    async def main() -> None:
        async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
            TritonMind(channel, TritonSettings(template="/models/x"))

    with pytest.raises(TemplateError, match="load_template"):
        asyncio.run(main())
