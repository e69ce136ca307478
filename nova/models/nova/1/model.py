"""The Triton side of the embedded mind: tensors in, tokens out. What it says is in ``talk``, when in ``batch``.

Behaves as Triton's vLLM backend does, so that a client needs nothing special: the same tensors without a batch
dimension, deltas when streaming, the final flag on the last piece, errors in band. Runs in Triton's own environment:
the standard library and numpy.
"""

import json
import zlib

import numpy as np
import triton_python_backend_utils as pb_utils

from .batch import Batch, Generation
from .orphan import end_with_server
from .sampling import BadRequest, sampling
from .talk import answer
from .tokens import cut_at, tokens

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
MAX_PROMPT = 262_144  # bytes; more than any conversation with tools, and a bound on what a stranger can make us parse
EXTRAS = ("finish_reason", "cumulative_logprob", "logprobs", "num_input_tokens", "num_output_tokens")


class TritonPythonModel:
    """One instance; ``execute`` only queues, so that a long answer never keeps another from starting."""

    def initialize(self, args):
        end_with_server()
        config = json.loads(args["model_config"])
        parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
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
        if prompt is None:  # where others are optional, Triton does not see to it
            raise BadRequest("text_input is missing")
        if len(prompt.encode()) > MAX_PROMPT:
            raise BadRequest(f"text_input is longer than {MAX_PROMPT} bytes")
        if stream and exclude is False:
            raise BadRequest("When streaming, `exclude_input_in_output` = False is not allowed.")
        asked = sampling(self.text(request, "sampling_parameters") or parameters(request))
        whole = tokens(cut_at(answer(prompt), asked.stops))
        pieces = whole[: asked.max_tokens]
        extras = Extras(
            {name for name in EXTRAS if self.flag(request, f"return_{name}", False)},
            finish="length" if len(pieces) < len(whole) else "stop",
            tokens_in=len(tokens(prompt)),
            logprobs=asked.logprobs,
        )
        if not stream:
            return Whole(self, sender, pieces, extras, "" if exclude else prompt)
        return Stream(self, sender, pieces, extras)

    def flag(self, request, name, default):
        value = self.element(request, name)
        return default if value is None else bool(value)

    def text(self, request, name):
        value = self.element(request, name)
        try:
            return value.decode("utf-8") if isinstance(value, bytes) else value
        except UnicodeDecodeError:
            raise BadRequest(f"{name} is not UTF-8") from None

    def element(self, request, name):
        """An input's one value, or None if the client left it out; Triton has checked its shape and type."""
        tensor = pb_utils.get_input_tensor_by_name(request, name)
        return None if tensor is None else tensor.as_numpy().reshape(-1)[0]

    def send(self, sender, text, last, extras):
        tensors = [pb_utils.Tensor("text_output", np.array([text.encode("utf-8")], dtype=np.object_)), *extras]
        sender.send(pb_utils.InferenceResponse(tensors), flags=FINAL if last else 0)

    def refuse(self, sender, reason):
        sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(reason)), flags=FINAL)


class Extras:
    """The tensors that go with a text when the request asks for them, as vLLM gives them.

    The embedded mind is sure of each token, so that its logarithmic probability is 0.
    """

    def __init__(self, wanted, finish, tokens_in, logprobs):
        self.wanted, self.finish, self.tokens_in, self.logprobs = wanted, finish, tokens_in, logprobs

    def tensors(self, pieces, last):
        """Those for an answer that brings ``pieces``."""
        if not self.wanted:
            return []
        made = {
            "finish_reason": np.array([(self.finish if last else "None").encode()], dtype=np.object_),
            "cumulative_logprob": np.array([0.0 if self.logprobs else np.nan], dtype=np.float32),
            "logprobs": np.array([self.probabilities(pieces).encode()], dtype=np.object_),
            "num_input_tokens": np.array([self.tokens_in], dtype=np.uint32),
            "num_output_tokens": np.array([len(pieces)], dtype=np.uint32),
        }
        return [pb_utils.Tensor(name, made[name]) for name in EXTRAS if name in self.wanted]

    def probabilities(self, pieces):
        if not self.logprobs:
            return "null"
        return json.dumps([
            {str(zlib.crc32(piece.encode())): {"logprob": 0.0, "rank": 1, "decoded_token": piece}} for piece in pieces
        ])  # fmt: skip


class Stream(Generation):
    """A generation that sends each token as it comes."""

    def __init__(self, model, sender, pieces, extras):
        super().__init__(pieces)
        self.model, self.sender, self.extras = model, sender, extras

    def cancelled(self):
        return self.sender.is_cancelled()

    def emit(self, piece, last):
        self.model.send(self.sender, piece, last, self.extras.tensors([piece] if piece else [], last))

    def abandon(self, reason=None):
        if reason is None:
            self.sender.send(flags=FINAL)
        else:
            self.model.refuse(self.sender, reason)


class Whole(Stream):
    """A generation that takes as long, but sends its text at once when it is complete."""

    def __init__(self, model, sender, pieces, extras, prefix):
        super().__init__(model, sender, pieces, extras)
        self.prefix, self.parts = prefix, []

    def emit(self, piece, last):
        self.parts.append(piece)
        if last:
            text = self.prefix + "".join(self.parts)
            self.model.send(self.sender, text, True, self.extras.tensors([p for p in self.parts if p], True))


def parameters(request):
    """The request's own parameters as JSON, which hold the sampling where no tensor does; without Triton's own."""
    options = json.loads(request.parameters() or "{}")
    return json.dumps({name: value for name, value in options.items() if not name.startswith("triton_")})
