"""Stands in for ``triton_python_backend_utils``, so that a model written for Triton's Python backend runs without it.

Only what models for text need: tensors, requests, responses, the response sender of decoupled models, errors, logging.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import threading
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format
from numpy.typing import NDArray
from tritonclient.grpc import model_config_pb2

TRITONSERVER_RESPONSE_COMPLETE_FINAL = 1

_log = logging.getLogger("sophia.embedded.triton.model")


class TritonModelException(Exception):
    """What Triton's helpers raise."""


class TritonError:
    """An error that travels in a response instead of tensors."""

    UNKNOWN, INTERNAL, NOT_FOUND, INVALID_ARG, UNAVAILABLE, UNSUPPORTED, ALREADY_EXISTS, CANCELLED = range(8)

    def __init__(self, msg: str, code: int = INTERNAL) -> None:
        self._message, self._code = msg, code

    def message(self) -> str:
        return self._message

    def code(self) -> int:
        return self._code


class Tensor:
    """A named numpy array; text is an object array of bytes."""

    def __init__(self, name: str, array: NDArray[Any]) -> None:
        self._name, self._array = name, array

    def name(self) -> str:
        return self._name

    def as_numpy(self) -> NDArray[Any]:
        return self._array


class InferenceResponse:
    """Output tensors, or an error."""

    def __init__(self, output_tensors: Sequence[Tensor] = (), error: TritonError | None = None) -> None:
        self._tensors, self._error = list(output_tensors), error

    def output_tensors(self) -> list[Tensor]:
        return self._tensors

    def has_error(self) -> bool:
        return self._error is not None

    def error(self) -> TritonError | None:
        return self._error


class ResponseSender:
    """Where a decoupled model sends its responses, from any thread; ``deliver`` must be safe to call from there."""

    def __init__(self, deliver: Callable[[InferenceResponse | None, bool], None]) -> None:
        self._deliver = deliver
        self._cancelled = threading.Event()
        self._ended = False

    def send(self, response: InferenceResponse | None = None, flags: int = 0) -> None:
        if self._ended:
            raise TritonModelException("the final response of this request has been sent already")
        final = bool(flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        self._ended = final
        self._deliver(response, final)

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """The client has gone; the model notices by polling."""
        self._cancelled.set()


class InferenceRequest:
    """One request as the model sees it; ``parameters`` is a JSON object."""

    def __init__(self, request_id: str, tensors: Sequence[Tensor], sender: ResponseSender, parameters: str) -> None:
        self._id, self._tensors, self._sender, self._parameters = request_id, list(tensors), sender, parameters

    def request_id(self) -> str:
        return self._id

    def inputs(self) -> list[Tensor]:
        return self._tensors

    def parameters(self) -> str:
        return self._parameters

    def get_response_sender(self) -> ResponseSender:
        return self._sender

    def is_cancelled(self) -> bool:
        return self._sender.is_cancelled()


class Logger:
    """Triton's log, which is ours here."""

    log_info = staticmethod(_log.info)
    log_warn = staticmethod(_log.warning)
    log_error = staticmethod(_log.error)
    log_verbose = staticmethod(_log.debug)


def get_input_tensor_by_name(request: InferenceRequest, name: str) -> Tensor | None:
    """The input of that name, or None if the client left it out."""
    return next((tensor for tensor in request.inputs() if tensor.name() == name), None)


def load(folder: Path) -> tuple[model_config_pb2.ModelConfig, Any]:
    """Reads ``config.pbtxt``, imports ``1/model.py`` as Triton does, and returns the initialised model.

    Raises ``RuntimeError`` with one line if the folder is no usable Python model.
    """
    try:
        config = text_format.Parse((folder / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
    except (OSError, text_format.ParseError) as error:
        raise RuntimeError(f"{folder} is no Triton model: {error}") from None
    if config.backend != "python":
        raise RuntimeError(f"model {config.name!r} needs Triton's {config.backend} backend")
    sys.modules["triton_python_backend_utils"] = sys.modules[__name__]
    package = f"_triton_model_{folder.name}"  # Triton imports "1.model"; here several models may live in one process
    holder = types.ModuleType(package)
    holder.__path__ = [str(folder / "1")]
    sys.modules[package] = holder
    model = importlib.import_module(f"{package}.model").TritonPythonModel()
    shape = json_format.MessageToDict(
        config, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    model.initialize({"model_config": json.dumps(shape), "model_name": config.name, "model_version": "1"})
    return config, model
