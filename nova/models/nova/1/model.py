"""The Triton side of the embedded mind: tensors in, tokens out. What it says is in ``talk``, when in ``batch``.

Behaves as Triton's vLLM backend does, so that a client needs nothing special: the same tensors, deltas when streaming,
the final flag on the last piece, errors in band. Runs in Triton's own environment: the standard library and numpy.
"""

import json

import numpy as np
import triton_python_backend_utils as pb_utils

from .batch import Batch, Generation
from .orphan import end_with_server
from .talk import answer
from .tokens import cut_at, tokens

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
MAX_PROMPT = 65_536  # bytes; far more than any conversation here, and a bound on what a stranger can make us parse
MAX_TOKENS = 4096
ACCEPTED = {
    "max_tokens", "stop", "include_stop_str_in_output", "temperature", "top_p", "top_k", "seed", "min_p",
    "repetition_penalty",
}  # fmt: skip


class BadRequest(Exception):
    """The request cannot be served; the message goes to the client."""


class TritonPythonModel:
    """One instance; ``execute`` only queues, so that a long answer never keeps another from starting."""

    def initialize(self, args):
        end_with_server()
        config = json.loads(args["model_config"])
        parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
        self.batched = int(config["max_batch_size"]) > 0
        self.batch = Batch(
            slots=int(parameters["slots"]),
            first_token=float(parameters["first_token_ms"]) / 1000,
            token=float(parameters["token_ms"]) / 1000,
        )

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            if sender.is_cancelled():
                sender.send(flags=FINAL)
                continue
            try:
                generation = self.generation(request, sender)
            except BadRequest as error:
                self.refuse(sender, str(error))
                continue
            except Exception as error:  # whatever a prompt provokes is its own problem, not that of its batch
                self.refuse(sender, f"the embedded mind failed: {type(error).__name__}: {error}")
                continue
            if not self.batch.add(generation):
                self.refuse(sender, "too many generations are waiting, try again later")

    def finalize(self):
        self.batch.close()

    def generation(self, request, sender):
        prompt = self.text(request, "text_input")
        stream = self.flag(request, "stream", False)
        exclude = self.flag(request, "exclude_input_in_output", None)
        if len(prompt.encode()) > MAX_PROMPT:
            raise BadRequest(f"text_input is longer than {MAX_PROMPT} bytes")
        if stream and exclude is False:
            raise BadRequest("When streaming, `exclude_input_in_output` = False is not allowed.")
        max_tokens, stops = sampling(self.text(request, "sampling_parameters", "{}"))
        text = cut_at(answer(prompt), stops)
        pieces = tokens(text)[:max_tokens]
        if not stream:
            prefix = "" if exclude else prompt
            return Whole(self, sender, pieces, prefix)
        return Stream(self, sender, pieces)

    def text(self, request, name, default=None):
        value = self.element(request, name, default)
        if value is None:
            raise BadRequest(f"{name} is missing")
        try:
            return value.decode("utf-8") if isinstance(value, bytes) else str(value)
        except UnicodeDecodeError:
            raise BadRequest(f"{name} is not UTF-8") from None

    def flag(self, request, name, default):
        value = self.element(request, name, default)
        return default if value is None else bool(value)

    def element(self, request, name, default):
        tensor = pb_utils.get_input_tensor_by_name(request, name)
        if tensor is None:
            return default
        values = tensor.as_numpy().reshape(-1)
        if len(values) != 1:
            raise BadRequest(f"{name} must hold one element, not {len(values)}: send one prompt in each request")
        return values[0]

    def send(self, sender, text, last):
        shape = (1, 1) if self.batched else (1,)
        tensor = pb_utils.Tensor("text_output", np.array([text.encode("utf-8")], dtype=np.object_).reshape(shape))
        sender.send(pb_utils.InferenceResponse([tensor]), flags=FINAL if last else 0)

    def refuse(self, sender, reason):
        sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(reason)), flags=FINAL)


class Stream(Generation):
    """A generation that sends each token as it comes."""

    def __init__(self, model, sender, pieces):
        super().__init__(pieces)
        self.model, self.sender = model, sender

    def cancelled(self):
        return self.sender.is_cancelled()

    def emit(self, piece, last):
        self.model.send(self.sender, piece, last)

    def abandon(self, reason=None):
        if reason is None:
            self.sender.send(flags=FINAL)
        else:
            self.model.refuse(self.sender, reason)


class Whole(Stream):
    """A generation that takes as long, but sends its text at once when it is complete."""

    def __init__(self, model, sender, pieces, prefix):
        super().__init__(model, sender, pieces)
        self.parts = [prefix]

    def emit(self, piece, last):
        self.parts.append(piece)
        if last:
            self.model.send(self.sender, "".join(self.parts), True)


def sampling(text):
    """``max_tokens`` and the stop strings of a ``sampling_parameters`` JSON object; other known keys have no effect."""
    try:
        options = json.loads(text or "{}")
    except ValueError:
        raise BadRequest("sampling_parameters is not JSON") from None
    if not isinstance(options, dict):
        raise BadRequest("sampling_parameters must be a JSON object")
    unknown = sorted(set(options) - ACCEPTED)
    if unknown:
        raise BadRequest(f"sampling_parameters: unknown {', '.join(unknown)}; known are {', '.join(sorted(ACCEPTED))}")
    max_tokens = options.get("max_tokens", 256)
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or not 1 <= max_tokens <= MAX_TOKENS:
        raise BadRequest(f"sampling_parameters: max_tokens must be between 1 and {MAX_TOKENS}")
    stops = options.get("stop") or []
    stops = [stops] if isinstance(stops, str) else stops
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise BadRequest("sampling_parameters: stop must be a string or a list of strings")
    return max_tokens, stops
