# ruff: noqa: N802 - the fake's method names are the protocol's

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import grpc
import pytest
from tritonclient.grpc import model_config_pb2
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from nova.errors import MindTimeout, ModelError, Overloaded
from nova.mind import Message, Mind
from nova.prompts import ChatTemplate
from nova.services import triton_client
from nova.services.triton_client import TritonMind, TritonSettings
from nova.tensors import parse_bytes, raw_bytes

HELLO = [Message("user", "Hello.")]
BYTES, BOOL, INT32, FP32, UINT64 = 13, 1, 8, 11, 5
VLLM = {"text_input": BYTES, "stream": BOOL, "sampling_parameters": BYTES, "exclude_input_in_output": BOOL}
TRTLLM = {
    "text_input": BYTES, "max_tokens": INT32, "stop_words": BYTES, "temperature": FP32, "top_p": FP32, "stream": BOOL,
    "seed": UINT64,
}  # fmt: skip
LLMAPI = {
    "text_input": BYTES, "streaming": BOOL, "sampling_param_max_tokens": INT32, "sampling_param_stop": BYTES,
    "sampling_param_exclude_input_from_output": BOOL,
}  # fmt: skip

Script = Callable[[pb.ModelInferRequest], AsyncIterator[pb.ModelStreamInferResponse]]


def config(inputs: dict[str, int], *, batch: int = 0, decoupled: bool = True) -> model_config_pb2.ModelConfig:
    made = model_config_pb2.ModelConfig(name="nova", max_batch_size=batch)
    made.model_transaction_policy.decoupled = decoupled
    for name, datatype in inputs.items():
        made.input.add(name=name, data_type=datatype)
    made.output.add(name="text_output", data_type=BYTES)
    return made


def piece(text: str | bytes, *, final: bool = False, inline: bool = False) -> pb.ModelStreamInferResponse:
    raw = text if isinstance(text, bytes) else text.encode()
    answer = pb.ModelInferResponse(model_name="nova")
    answer.outputs.add(name="text_output", datatype="BYTES", shape=[1])
    if inline:
        answer.outputs[0].contents.bytes_contents.append(raw)
    else:
        answer.raw_output_contents.append(raw_bytes([raw]))
    answer.parameters["triton_final_response"].bool_param = final
    return pb.ModelStreamInferResponse(infer_response=answer)


def end() -> pb.ModelStreamInferResponse:
    answer = pb.ModelInferResponse(model_name="nova")
    answer.parameters["triton_final_response"].bool_param = True
    return pb.ModelStreamInferResponse(infer_response=answer)


def says(*messages: pb.ModelStreamInferResponse) -> Script:
    async def script(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
        for message in messages:
            yield message

    return script


@dataclass
class Fake(pb_grpc.GRPCInferenceServiceServicer):
    """A Triton that follows a script and remembers what it was asked."""

    config: model_config_pb2.ModelConfig
    script: Script = field(default_factory=lambda: says(end()))
    requests: list[pb.ModelInferRequest] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    configs: int = 0
    running: int = 0
    most: int = 0
    started: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    status: grpc.StatusCode | None = None

    async def ServerReady(self, request: Any, context: Any) -> Any:
        return pb.ServerReadyResponse(ready=True)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:
        return pb.ServerMetadataResponse(name="triton", version="9.9")

    async def ModelReady(self, request: Any, context: Any) -> Any:
        return pb.ModelReadyResponse(ready=request.name == "nova")

    async def RepositoryIndex(self, request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "This protocol is restricted")

    async def ModelConfig(self, request: Any, context: Any) -> Any:
        self.configs += 1
        return pb.ModelConfigResponse(config=self.config)

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        async for message in self._follow(request, context):
            if message.error_message:
                await context.abort(grpc.StatusCode.INTERNAL, message.error_message)
            return message.infer_response

    async def ModelStreamInfer(self, requests: Any, context: Any) -> Any:
        async for request in requests:
            async for message in self._follow(request, context):
                yield message
        if self.status is not None:
            await context.abort(self.status, "as the script says")

    async def _follow(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.running += 1
        self.most = max(self.most, self.running)
        self.started.set()
        try:
            async for message in self.script(request):
                yield message
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self.running -= 1


@dataclass
class Bench:
    """A client and the fake server it talks to."""

    fake: Fake
    channel: grpc.aio.Channel

    def mind(self, template: ChatTemplate | None = None, **settings: Any) -> TritonMind:
        return TritonMind(
            self.channel,
            TritonSettings(**{"tell_time": False, **settings}),
            metadata=lambda: (("traceparent", "00-1"),),
            template=template,
        )


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    fake = Fake(config(VLLM))
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(fake, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Bench(fake, channel)
    await server.stop(0)


async def heard(mind: Mind, messages: list[Message] = HELLO) -> list[str]:
    async with aclosing(mind.reply(messages)) as pieces:
        return [text async for text in pieces]


def tensor(request: pb.ModelInferRequest, name: str) -> Any:
    for at, given in enumerate(request.inputs):
        if given.name == name:
            raw = request.raw_input_contents[at]
            if given.datatype == "BYTES":
                return [item.decode() for item in parse_bytes(raw)]
            form = {"BOOL": "?", "INT32": "<i", "FP32": "<f", "UINT64": "<Q"}[given.datatype]
            return [value for (value,) in struct.iter_unpack(form, raw)]
    return None


def shape(request: pb.ModelInferRequest, name: str) -> list[int]:
    return next(list(given.shape) for given in request.inputs if given.name == name)


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


async def hangs(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
    await asyncio.Event().wait()
    yield end()


async def hangs_after_one(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
    yield piece("One")
    await asyncio.Event().wait()


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


async def test_a_unary_model_that_hangs(bench: Bench) -> None:
    bench.fake.config = config(VLLM, decoupled=False)
    bench.fake.script = hangs
    with pytest.raises(MindTimeout, match="no answer within"):
        await heard(bench.mind(first_token_timeout=0.05, token_timeout=0.05))


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
