"""Serves one Python-backend model over the KServe v2 gRPC protocol without Triton, for machines that have no wheel.

It answers what a streaming text client asks, with Triton's shapes, flags and wording of errors. Requests that arrive
while the model is busy are given to it together, as dynamic batching does. No HTTP, no metrics, one model.
"""

# ruff: noqa: N802 - the method names are the protocol's

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from numpy.typing import NDArray
from tritonclient.grpc import model_config_pb2
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from pipelines.embedded import child
from pipelines.embedded.endings import refuse, refusing
from pipelines.embedded.reflecting import reflect
from pipelines.embedded.triton import backend_utils as utils

NAME, VERSION = "sophia-kserve", "2"
SERVICE = "inference.GRPCInferenceService"
MAX_MESSAGE = 1 << 20
"""Bytes of a request; a prompt is a few kilobytes."""

_NUMPY: dict[str, tuple[Any, str]] = {
    "BOOL": (np.bool_, "bool"), "INT32": (np.int32, "int"), "INT64": (np.int64, "int64"),
    "UINT32": (np.uint32, "uint"), "UINT64": (np.uint64, "uint64"), "FP32": (np.float32, "fp32"),
    "FP64": (np.float64, "fp64"),
}  # fmt: skip
"""Of each type: numpy's, and the name of its field in ``contents``, where values may stand that are not raw."""

_RESERVED = frozenset(["priority", "timeout", "sequence_id", "sequence_start", "sequence_end"])
"""Parameters that are Triton's own, as are those that begin with ``triton_``; no model is given them."""

_STATUS = {
    utils.TritonError.UNKNOWN: grpc.StatusCode.UNKNOWN,
    utils.TritonError.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    utils.TritonError.INVALID_ARG: grpc.StatusCode.INVALID_ARGUMENT,
    utils.TritonError.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    utils.TritonError.UNSUPPORTED: grpc.StatusCode.UNIMPLEMENTED,
    utils.TritonError.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    utils.TritonError.CANCELLED: grpc.StatusCode.CANCELLED,
}
"""What Triton makes of a model's error codes; INTERNAL of any other."""

log = logging.getLogger("sophia.embedded.triton")


class BadRequest(Exception):
    """A request that Triton would refuse; the message is the client's."""


class Full(BadRequest):
    """As many requests wait as may."""


class UnknownModel(BadRequest):
    """There is no model of that name, or no such version."""


_CODES: dict[type[Exception], grpc.StatusCode] = {
    UnknownModel: grpc.StatusCode.NOT_FOUND,
    Full: grpc.StatusCode.UNAVAILABLE,
    BadRequest: grpc.StatusCode.INVALID_ARGUMENT,
}


class Answers:
    """What the model's threads send for one request, made awaitable on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # No bound of its own: a model must not block on a slow client, and what it sends is bounded by max_tokens.
        self._queue: asyncio.Queue[tuple[utils.InferenceResponse | None, bool]] = asyncio.Queue()
        self.sender = utils.ResponseSender(self._deliver)

    def _deliver(self, response: utils.InferenceResponse | None, final: bool) -> None:
        if not self.sender.is_cancelled() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._queue.put_nowait, (response, final))

    async def __aiter__(self) -> AsyncIterator[tuple[utils.InferenceResponse | None, bool]]:
        try:
            final = False
            while not final:
                response, final = await self._queue.get()
                yield response, final
        finally:
            self.sender.cancel()


class Runner:
    """Calls ``execute`` on a thread of its own, with all the requests that have come in since the last call."""

    def __init__(self, model: Any, config: model_config_pb2.ModelConfig) -> None:
        self._model = model
        self._largest = max(1, config.max_batch_size)
        self._limit = config.dynamic_batching.default_queue_policy.max_queue_size or 256
        self._decoupled = config.model_transaction_policy.decoupled
        self._waiting: list[tuple[utils.InferenceRequest, Answers]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="triton-model")
        self._busy = False

    def submit(self, request_id: str, tensors: list[utils.Tensor], parameters: str) -> Answers:
        """Queues a request; raises :class:`BadRequest` if the queue is full."""
        if len(self._waiting) >= self._limit:
            raise Full("Exceeds maximum queue size")
        answers = Answers(asyncio.get_running_loop())
        request = utils.InferenceRequest(request_id, tensors, answers.sender, parameters)
        self._waiting.append((request, answers))
        if not self._busy:
            self._next()
        return answers

    def _next(self) -> None:
        batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
        self._busy = bool(batch)
        if batch:
            loop = asyncio.get_running_loop()
            loop.run_in_executor(self._thread, self._execute, batch).add_done_callback(lambda _: self._next())

    def _execute(self, batch: list[tuple[utils.InferenceRequest, Answers]]) -> None:
        try:
            responses = self._model.execute([request for request, _ in batch])
        except Exception as error:  # what a model raises is the client's to know, and not our end
            log.exception("the model failed")
            for _, answers in batch:
                failure = utils.InferenceResponse(error=utils.TritonError(f"{type(error).__name__}: {error}"))
                answers.sender.send(failure, utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
            return
        if not self._decoupled:
            for (_, answers), response in zip(batch, responses, strict=True):
                answers.sender.send(response, utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def close(self) -> None:
        if hasattr(self._model, "finalize"):
            self._model.finalize()
        self._thread.shutdown(wait=False, cancel_futures=True)


class Servicer(pb_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """The calls of KServe v2 that clients of text models use."""

    def __init__(self, runner: Runner, config: model_config_pb2.ModelConfig) -> None:
        self._runner, self._config = runner, config

    async def ServerLive(self, request: Any, context: Any) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request: Any, context: Any) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=True)

    async def ModelReady(self, request: Any, context: Any) -> pb.ModelReadyResponse:
        return pb.ModelReadyResponse(ready=request.name == self._config.name and request.version in ("", "1"))

    async def ServerMetadata(self, request: Any, context: Any) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(name=NAME, version=VERSION)

    async def ModelMetadata(self, request: Any, context: Any) -> pb.ModelMetadataResponse:
        await self._known(request.name, request.version, context)
        answer = pb.ModelMetadataResponse(name=self._config.name, versions=["1"], platform="python")
        for source, target in ((self._config.input, answer.inputs), (self._config.output, answer.outputs)):
            for tensor in source:
                shape = [-1, *tensor.dims] if self._config.max_batch_size > 0 else tensor.dims
                target.add(name=tensor.name, datatype=_datatype(tensor.data_type), shape=shape)
        return answer

    async def ModelConfig(self, request: Any, context: Any) -> pb.ModelConfigResponse:
        await self._known(request.name, request.version, context)
        return pb.ModelConfigResponse(config=self._config)

    async def RepositoryIndex(self, request: Any, context: Any) -> pb.RepositoryIndexResponse:
        answer = pb.RepositoryIndexResponse()
        answer.models.add(name=self._config.name, version="1", state="READY")
        return answer

    async def ModelInfer(self, request: Any, context: Any) -> pb.ModelInferResponse:
        await self._known(request.model_name, request.model_version, context)
        if self._config.model_transaction_policy.decoupled:
            await refuse(
                context,
                grpc.StatusCode.UNIMPLEMENTED,
                "ModelInfer RPC doesn't support models with decoupled transaction policy",
            )
        answer = pb.ModelInferResponse()
        async with refusing(context, _CODES):
            async for response, final in self._responses(request):
                if response is not None and (error := response.error()) is not None:
                    await refuse(context, _STATUS.get(error.code(), grpc.StatusCode.INTERNAL), error.message())
                answer = _success(request, self._config, response, final).infer_response
        return answer

    async def ModelStreamInfer(self, requests: Any, context: Any) -> AsyncIterator[pb.ModelStreamInferResponse]:
        # One request after the other: a client that wants two at once opens two streams.
        async with refusing(context, _CODES):
            async for request in requests:
                async for message in self._messages(request):
                    yield message

    async def _messages(self, request: pb.ModelInferRequest) -> AsyncIterator[pb.ModelStreamInferResponse]:
        asked = request.parameters.get("triton_enable_empty_final_response")  # [] would add it to the request
        wants_empty = asked is not None and asked.bool_param
        try:
            async for response, final in self._responses(request):
                if response is not None and (error := response.error()) is not None:
                    yield _failure(request, error.message())
                elif response is not None or (final and wants_empty):
                    yield _success(request, self._config, response, final)
        except BadRequest as error:
            yield _failure(request, str(error))

    def _responses(self, request: pb.ModelInferRequest) -> Answers:
        """What the model answers; raises :class:`BadRequest`."""
        if request.model_name != self._config.name or request.model_version not in ("", "1"):
            raise UnknownModel(f"Request for unknown model: '{request.model_name}' is not found")
        tensors = _inputs(request, self._config)
        declared = {output.name for output in self._config.output}
        for output in request.outputs:
            if output.name not in declared:
                raise BadRequest(f"unexpected inference output '{output.name}' for model '{self._config.name}'")
        return self._runner.submit(request.id, tensors, _parameters(request))

    async def _known(self, name: str, version: str, context: Any) -> None:
        if name != self._config.name or version not in ("", "1"):
            await refuse(context, grpc.StatusCode.NOT_FOUND, f"Request for unknown model: '{name}' is not found")


def _parameters(request: pb.ModelInferRequest) -> str:
    """The request's parameters as the JSON object that a model is given, without those meant for the server."""
    return json.dumps(
        {
            key: getattr(value, choice)
            for key, value in request.parameters.items()
            if (choice := value.WhichOneof("parameter_choice"))
            and key not in _RESERVED
            and not key.startswith("triton_")
        }
    )


def _datatype(number: int) -> str:
    name = model_config_pb2.DataType.Name(number).removeprefix("TYPE_")
    return "BYTES" if name == "STRING" else name


def _inputs(request: pb.ModelInferRequest, config: model_config_pb2.ModelConfig) -> list[utils.Tensor]:
    """The request's tensors, checked against the configuration as Triton checks them."""
    declared = {tensor.name: tensor for tensor in config.input}
    if request.raw_input_contents and len(request.raw_input_contents) != len(request.inputs):
        raise BadRequest("expected raw content for each input or for none")
    tensors = []
    for at, given in enumerate(request.inputs):
        expected = declared.pop(given.name, None)
        if expected is None:
            raise BadRequest(f"unexpected inference input '{given.name}' for model '{config.name}'")
        datatype = _datatype(expected.data_type)
        if given.datatype != datatype:
            raise BadRequest(
                f"inference input '{given.name}' data-type is '{given.datatype}', but model '{config.name}' expects "
                f"'{datatype}'"
            )
        shape, wanted = list(given.shape), list(expected.dims)
        inner = shape[1:] if config.max_batch_size > 0 else shape
        fits = len(inner) == len(wanted) and all(w in (-1, s) for s, w in zip(inner, wanted, strict=True))
        if not fits or (config.max_batch_size > 0 and not 1 <= shape[0] <= config.max_batch_size):
            shown = [-1, *wanted] if config.max_batch_size > 0 else wanted
            raise BadRequest(
                f"unexpected shape for input '{given.name}' for model '{config.name}'. Expected {shown}, got {shape}"
            )
        raw = request.raw_input_contents[at] if request.raw_input_contents else None
        tensors.append(utils.Tensor(given.name, _array(given, raw, datatype, shape)))
    missing = [name for name, tensor in declared.items() if not tensor.optional]
    if missing:
        raise BadRequest(f"expected inputs {missing} are missing for model '{config.name}'")
    return tensors


def _array(given: Any, raw: bytes | None, datatype: str, shape: list[int]) -> NDArray[Any]:
    try:
        if datatype == "BYTES":
            items = list(given.contents.bytes_contents) if raw is None else _elements(raw)
            return np.array([*items, None], dtype=np.object_)[:-1].reshape(shape)
        kind, field = _NUMPY[datatype]
        if raw is None:
            return np.array(getattr(given.contents, f"{field}_contents"), dtype=kind).reshape(shape)
        return np.frombuffer(raw, dtype=kind).reshape(shape)
    except (ValueError, KeyError) as error:
        raise BadRequest(f"input '{given.name}' is malformed: {error}") from None


def _elements(raw: bytes) -> list[bytes]:
    items, at = [], 0
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        if end > len(raw):
            raise ValueError("a text element is longer than its content")
        items.append(raw[at + 4 : end])
        at = end
    return items


def _success(
    request: pb.ModelInferRequest,
    config: model_config_pb2.ModelConfig,
    response: utils.InferenceResponse | None,
    final: bool,
) -> pb.ModelStreamInferResponse:
    answer = pb.ModelInferResponse(model_name=config.name, model_version="1", id=request.id)
    answer.parameters["triton_final_response"].bool_param = final
    types = {tensor.name: _datatype(tensor.data_type) for tensor in config.output}
    wanted = {output.name for output in request.outputs} or set(types)
    sent = [] if response is None else [tensor for tensor in response.output_tensors() if tensor.name() in wanted]
    for tensor in sent:
        array = tensor.as_numpy()
        answer.outputs.add(name=tensor.name(), datatype=types[tensor.name()], shape=array.shape)
        if types[tensor.name()] == "BYTES":
            items = [item if isinstance(item, bytes) else str(item).encode() for item in array.reshape(-1)]
            answer.raw_output_contents.append(b"".join(len(i).to_bytes(4, "little") + i for i in items))
        else:
            answer.raw_output_contents.append(np.ascontiguousarray(array).tobytes())
    return pb.ModelStreamInferResponse(infer_response=answer)


def _failure(request: pb.ModelInferRequest, reason: str) -> pb.ModelStreamInferResponse:
    answer = pb.ModelInferResponse(id=request.id)
    answer.parameters["triton_final_response"].bool_param = True
    return pb.ModelStreamInferResponse(error_message=reason, infer_response=answer)


async def start(options: child.ChildOptions, folder: Path) -> tuple[grpc.aio.Server, Runner, int]:
    """Starts a server for the model in ``folder``; gives it, its runner and the port. Raises ``RuntimeError``."""
    config, model = utils.load(folder)
    runner = Runner(model, config)
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.so_reuseport", 0)])
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(Servicer(runner, config), server)
    checks = health.aio.HealthServicer()
    reflect(server, (SERVICE,))
    for name in ("", SERVICE):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = child.add_port(server, options)
    await server.start()
    return server, runner, port


async def serve(options: child.ChildOptions, folder: Path, reason: str) -> None:
    """Serves until cancelled; ``reason`` is why this is not Triton."""
    server, runner, port = await start(options, folder)
    child.announce_ready(port, http_port=0, metrics_port=0, backend="kserve", reason=reason)
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop(0.2)
        runner.close()
