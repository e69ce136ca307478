"""Three ways to ask a model on Triton, so that what our client costs can be told from what any client would.

* ``nova``: :class:`~nova.services.triton_client.TritonMind` as the conversation uses it, with chat template, cleaning
  of the text, time limits and spans;
* ``tritonclient``: NVIDIA's ``tritonclient.grpc.aio`` in the way of its own examples, given the rendered prompt;
* ``bare``: the generated stub, a request made beforehand, and a loop that looks at nothing but errors. It is the lower
  bound.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import grpc
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub
from tritonclient.utils import InferenceServerException

from nova.benchmark.workload import Conversation
from nova.errors import ModelError
from nova.services.triton_client import Metadata, TritonMind
from nova.tensors import parse_bytes

_NUMPY = {"BOOL": np.bool_, "INT32": np.int32, "UINT64": np.uint64, "FP32": np.float32}


class Client(Protocol):
    """Something that asks. ``prepare`` takes the conversations to come, unmeasured; ``ask`` asks one of them.

    ``ask`` calls ``token`` for each piece of text that arrived and returns at the end of the answer. It raises
    :class:`ModelError` for an error of the model's and ``grpc.aio.AioRpcError`` for one of the transport's.
    """

    name: str

    async def prepare(self, conversations: Sequence[Conversation]) -> None: ...

    async def ask(self, index: int, token: Callable[[], None]) -> None: ...


class NovaClient:
    """Our own client, as it is."""

    name = "nova"

    def __init__(self, mind: TritonMind) -> None:
        self._mind = mind
        self._conversations: Sequence[Conversation] = ()

    async def prepare(self, conversations: Sequence[Conversation]) -> None:
        self._conversations = conversations

    async def ask(self, index: int, token: Callable[[], None]) -> None:
        async with aclosing(self._mind.reply(self._conversations[index])) as pieces:
            async for _ in pieces:
                token()


class BareClient:
    """A loop over the generated stub. ``mind`` makes the requests, unmeasured."""

    name = "bare"

    def __init__(self, channel: grpc.aio.Channel, mind: TritonMind, metadata: Callable[[], Metadata] = tuple) -> None:
        self._stub: Any = GRPCInferenceServiceStub(channel)
        self._mind = mind
        self._metadata = metadata
        self._requests: list[pb.ModelInferRequest] = []

    async def prepare(self, conversations: Sequence[Conversation]) -> None:
        self._requests = [await self._mind.request(conversation) for conversation in conversations]

    async def ask(self, index: int, token: Callable[[], None]) -> None:
        request = self._requests[index]

        async def once() -> AsyncIterator[pb.ModelInferRequest]:
            yield request

        call = self._stub.ModelStreamInfer(once(), metadata=tuple(self._metadata()))
        try:
            async for message in call:
                if message.error_message:
                    raise ModelError(message.error_message.strip())
                if message.infer_response.outputs:
                    token()
        finally:
            call.cancel()


@dataclasses.dataclass(frozen=True, slots=True)
class _Input:
    """A tensor as a program has it before it calls the library."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: tuple[Any, ...]


class TritonclientClient:
    """NVIDIA's client, which opened its own channel. ``mind`` tells the tensors, unmeasured."""

    name = "tritonclient"

    def __init__(
        self, client: triton_aio.InferenceServerClient, mind: TritonMind, metadata: Callable[[], Metadata] = tuple
    ) -> None:
        self._client = client
        self._mind = mind
        self._metadata = metadata
        self._requests: list[tuple[pb.ModelInferRequest, list[_Input]]] = []

    async def prepare(self, conversations: Sequence[Conversation]) -> None:
        self._requests = []
        for conversation in conversations:
            request = await self._mind.request(conversation)
            self._requests.append((request, _inputs(request)))

    async def ask(self, index: int, token: Callable[[], None]) -> None:
        request, tensors = self._requests[index]
        output = request.outputs[0].name
        inputs = []
        for tensor in tensors:
            given = triton.InferInput(tensor.name, list(tensor.shape), tensor.datatype)
            kind = np.object_ if tensor.datatype == "BYTES" else _NUMPY[tensor.datatype]
            given.set_data_from_numpy(np.array(tensor.values, dtype=kind).reshape(tensor.shape))
            inputs.append(given)

        async def once() -> AsyncIterator[dict[str, Any]]:
            yield {
                "model_name": request.model_name,
                "model_version": request.model_version,
                "inputs": inputs,
                "outputs": [triton.InferRequestedOutput(output)],
                "request_id": request.id,
            }

        answers = self._client.stream_infer(once(), headers=dict(self._metadata()))
        try:
            async for result, error in answers:
                if error is not None:
                    raise ModelError(str(error.message()).strip())
                text = result.as_numpy(output)
                if text is not None and text.size:
                    _ = text.reshape(-1)[0].decode()
                    token()
        except InferenceServerException as error:
            raise ModelError(str(error)) from None
        finally:
            answers.cancel()


def _inputs(request: pb.ModelInferRequest) -> list[_Input]:
    found = []
    for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True):
        values: Iterable[Any]
        values = parse_bytes(raw) if tensor.datatype == "BYTES" else np.frombuffer(raw, _NUMPY[tensor.datatype])
        found.append(_Input(tensor.name, tensor.datatype, tuple(tensor.shape), tuple(values)))
    return found
