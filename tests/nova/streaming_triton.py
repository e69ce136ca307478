"""A simulated Triton for the benchmark's tests: streams so many words at once, and counts as Triton counts.

It runs on threads of its own, so that a program with its own event loop can be tested against it.
"""
# ruff: noqa: N802 - the method names are the protocol's

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from tritonclient.grpc import model_config_pb2
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from nova.tensors import parse_bytes, raw_bytes

BYTES, BOOL = 13, 1
INPUTS = {"text_input": BYTES, "stream": BOOL, "sampling_parameters": BYTES, "exclude_input_in_output": BOOL}


@dataclass
class Triton(pb_grpc.GRPCInferenceServiceServicer):
    """``refuse`` and ``break_off`` are the numbers of requests, from 0, that end in an error of the model or the wire.

    ``at_request`` is called with the number of each request.
    """

    words: int = 5
    decoupled: bool = True
    batch: int = 16
    refuse: tuple[int, ...] = ()
    break_off: tuple[int, ...] = ()
    counts: bool = True
    at_request: Any = None
    port: int = 0
    requests: list[pb.ModelInferRequest] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ServerReady(self, request: Any, context: Any) -> Any:
        return pb.ServerReadyResponse(ready=True)

    def ServerMetadata(self, request: Any, context: Any) -> Any:
        return pb.ServerMetadataResponse(name="simulated", version="1.0")

    def ModelReady(self, request: Any, context: Any) -> Any:
        return pb.ModelReadyResponse(ready=request.name == "nova")

    def RepositoryIndex(self, request: Any, context: Any) -> Any:
        answer = pb.RepositoryIndexResponse()
        answer.models.add(name="nova", state="READY")
        return answer

    def ModelConfig(self, request: Any, context: Any) -> Any:
        config = model_config_pb2.ModelConfig(name="nova", max_batch_size=self.batch)
        config.model_transaction_policy.decoupled = self.decoupled
        for name, datatype in INPUTS.items():
            config.input.add(name=name, data_type=datatype)
        config.output.add(name="text_output", data_type=BYTES)
        return pb.ModelConfigResponse(config=config)

    def ModelStatistics(self, request: Any, context: Any) -> Any:
        if not self.counts:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "no statistics here")
        answer = pb.ModelStatisticsResponse()
        told = answer.model_stats.add(name="nova", version="1")
        told.execution_count = told.inference_stats.success.count = len(self.requests)
        told.inference_count = sum(len(prompts(request)) for request in self.requests)
        told.inference_stats.queue.ns = 2_000_000 * len(self.requests)
        return answer

    def ModelStreamInfer(self, requests: Any, context: Any) -> Iterator[pb.ModelStreamInferResponse]:
        for request in requests:
            number = self._note(request)
            if number in self.break_off:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            if number in self.refuse:
                yield pb.ModelStreamInferResponse(error_message="Exceeds maximum queue size")
                continue
            for word in range(self.words):
                yield pb.ModelStreamInferResponse(infer_response=_answer([" word"], final=word == self.words - 1))

    def ModelInfer(self, request: Any, context: Any) -> pb.ModelInferResponse:
        self._note(request)
        return _answer([" word" * self.words for _ in prompts(request)], final=True)

    def _note(self, request: pb.ModelInferRequest) -> int:
        with self.lock:
            self.requests.append(request)
            number = len(self.requests) - 1
        if self.at_request is not None:
            self.at_request(number)
        return number


def prompts(request: pb.ModelInferRequest) -> list[str]:
    """The prompts of a request."""
    return [text.decode() for text in parse_bytes(request.raw_input_contents[0])]


def _answer(texts: list[str], *, final: bool) -> pb.ModelInferResponse:
    answer = pb.ModelInferResponse(model_name="nova")
    answer.outputs.add(name="text_output", datatype="BYTES", shape=[len(texts), 1])
    answer.raw_output_contents.append(raw_bytes([text.encode() for text in texts]))
    answer.parameters["triton_final_response"].bool_param = final
    return answer


@contextmanager
def serving(triton: Triton) -> Iterator[Triton]:
    """Serves ``triton`` in plaintext on a free port of loopback, which it is told."""
    server = grpc.server(ThreadPoolExecutor(24))
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(triton, server)
    triton.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield triton
    finally:
        server.stop(0).wait()
