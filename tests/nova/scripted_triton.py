"""A Triton on loopback that follows a script, and a client of it."""
# ruff: noqa: N802 - the fake's method names are the protocol's

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from tritonclient.grpc import model_config_pb2
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from nova.mind import Message, Mind
from nova.prompts import ChatTemplate
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


@asynccontextmanager
async def served() -> AsyncIterator[Bench]:
    """A model like vLLM's, and a channel to it."""
    fake = Fake(config(VLLM))
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(fake, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Bench(fake, channel)
    finally:
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


async def hangs(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
    await asyncio.Event().wait()
    yield end()


async def hangs_after_one(request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
    yield piece("One")
    await asyncio.Event().wait()
