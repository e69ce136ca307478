"""TensorRT-LLM's LLM API behind Triton's Python backend: tensors in, the text so far out, until it is complete.

Runs in NVIDIA's TensorRT-LLM image. What it adds to the engine is small: requests are handed over at once, so that the
engine batches them in flight, and a cancelled one is aborted at its next token.
"""

import asyncio
import json
import os
import threading

import numpy as np
import triton_python_backend_utils as pb_utils

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
START_SECONDS = 1800.0
"""Loading weights from a slow disk and compiling kernels takes minutes at the first start."""
SAMPLING = {
    "sampling_param_max_tokens": ("max_tokens", int),
    "sampling_param_temperature": ("temperature", float),
    "sampling_param_top_p": ("top_p", float),
    "sampling_param_seed": ("seed", int),
    "sampling_param_skip_special_tokens": ("skip_special_tokens", bool),
    "sampling_param_exclude_input_from_output": ("exclude_input_from_output", bool),
}


class BadRequest(Exception):
    """The request cannot be served; the message goes to the client."""


class TritonPythonModel:
    """One engine, which lives on an event loop in a thread of its own."""

    def initialize(self, args):
        # Here and not above: importing it opens the GPU, which must not happen before Triton has placed the process.
        from tensorrt_llm import LLM, SamplingParams  # noqa: PLC0415
        from tensorrt_llm.llmapi.llm_utils import update_llm_args_with_extra_dict  # noqa: PLC0415

        path = os.path.join(args["model_repository"], args["model_version"], "model.json")
        with open(path, encoding="utf-8") as file:
            engine = update_llm_args_with_extra_dict({}, json.load(file))
        self.sampling = SamplingParams
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="engine", daemon=True)
        self.thread.start()
        self.tasks = set()
        self.llm = self.on_loop(self.started(LLM, engine)).result(START_SECONDS)

    def execute(self, requests):
        for request in requests:
            self.on_loop(self.answer(request, request.get_response_sender()))

    def finalize(self):
        async def end():
            for task in list(self.tasks):
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await asyncio.to_thread(self.llm.shutdown)

        self.on_loop(end()).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def on_loop(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    async def started(self, llm, engine):
        return await asyncio.to_thread(lambda: llm(**engine))

    async def answer(self, request, sender):
        self.tasks.add(asyncio.current_task())
        try:
            await self.generate(request, sender)
        except asyncio.CancelledError:
            refuse(sender, "the server is going down")
        except BadRequest as error:
            refuse(sender, str(error))
        except Exception as error:  # one request's failure is not that of the others
            refuse(sender, f"TensorRT-LLM failed: {type(error).__name__}: {error}")
        finally:
            self.tasks.discard(asyncio.current_task())

    async def generate(self, request, sender):
        if sender.is_cancelled():
            sender.send(flags=FINAL)
            return
        prompt, options, streaming = read(request)
        result = self.llm.generate_async(prompt, self.sampling(**options), streaming=streaming)
        try:
            async for output in result:
                if sender.is_cancelled():
                    sender.send(flags=FINAL)
                    return
                if streaming or output.finished:
                    send(sender, output.outputs[0].text, FINAL if output.finished else 0)
                if output.finished:
                    return
            sender.send(flags=FINAL)
        finally:
            if not result.finished:
                result.abort()


def read(request):
    """The prompt, what ``SamplingParams`` takes, and whether to stream. Raises BadRequest."""
    prompt = texts(request, "text_input")
    if len(prompt) != 1:
        raise BadRequest(f"text_input must hold one prompt, not {len(prompt)}")
    options = {}
    for name, (key, kind) in SAMPLING.items():
        value = element(request, name)
        if value is not None:
            options[key] = kind(value)
    stops = texts(request, "sampling_param_stop")
    if stops:
        options["stop"] = stops
    return prompt[0], options, bool(element(request, "streaming"))


def texts(request, name):
    """The strings of a tensor, none if it is missing. Raises BadRequest."""
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    values = [] if tensor is None else tensor.as_numpy().reshape(-1)
    try:
        return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]
    except UnicodeDecodeError:
        raise BadRequest(f"{name} is not UTF-8") from None


def element(request, name):
    """The one element of a tensor, None if it is missing. Raises BadRequest."""
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    if tensor is None:
        return None
    values = tensor.as_numpy().reshape(-1)
    if len(values) != 1:
        raise BadRequest(f"{name} must hold one element, not {len(values)}")
    return values[0]


def send(sender, text, flags):
    """Sends the text so far."""
    tensor = pb_utils.Tensor("text_output", np.array([text.encode("utf-8")], dtype=np.object_))
    sender.send(pb_utils.InferenceResponse([tensor]), flags=flags)


def refuse(sender, reason):
    """Ends the request with an error."""
    sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(reason)), flags=FINAL)
