"""How each kind of served language model wants its tensors: names, types, and whether it streams deltas.

The client asks Triton for the model's configuration once. From the names of its inputs :func:`choose` knows the
convention. Adding a server means adding an :class:`Adapter` here and nothing else.

* ``vllm``: Triton's vLLM backend, and every Python model that copies its interface, as the embedded mind does;
* ``trtllm``: TensorRT-LLM's in-flight batcher, models ``ensemble`` and ``tensorrt_llm_bls``;
* ``llmapi``: TensorRT-LLM's LLM API backend, which streams the whole text so far each time, not the new piece;
* ``text``: anything with one string in and one string out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nova.errors import ModelError
from nova.tensors import Datatype, Tensor, Value


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What matters of a model's configuration. ``inputs`` maps each input's name to its type, ``BYTES`` for text."""

    name: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    max_batch_size: int = 0
    decoupled: bool = False


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate: limits, randomness, and the strings that end an answer.

    ``special``: the model's special tokens belong to the text, for they mark its calls.
    """

    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None = None
    stop: tuple[str, ...] = ()
    special: bool = False


Build = Callable[[Sequence[str], Sampling, bool], dict[str, tuple[Datatype, Sequence[Sequence[Value]]]]]


@dataclass(frozen=True, slots=True)
class Adapter:
    """One convention. ``build`` gives, for each tensor, its type and one row of values for each prompt."""

    kind: str
    facts: ModelFacts
    output: str
    cumulative: bool
    build: Build = field(repr=False)

    def tensors(self, prompts: Sequence[str], sampling: Sampling, *, stream: bool) -> list[Tensor]:
        """The request's tensors, those the model declares: shape ``[n, k]`` with a batch dimension, else ``[k]``.

        Without a batch dimension there must be exactly one prompt.
        """
        batched = self.facts.max_batch_size > 0
        if not batched and len(prompts) != 1:
            raise ValueError("a model without a batch dimension takes one prompt for each request")
        tensors = []
        for name, (datatype, rows) in self.build(prompts, sampling, stream).items():
            if name not in self.facts.inputs:
                continue
            width = len(rows[0])
            values = tuple(value for row in rows for value in row)
            tensors.append(Tensor(name, datatype, (len(prompts), width) if batched else (width,), values))
        return tensors


def choose(facts: ModelFacts) -> Adapter:
    """The adapter for a model; raises :class:`ModelError` if none fits."""
    inputs = facts.inputs
    if "input_ids" in inputs and "text_input" not in inputs:
        raise ModelError(
            f"model {facts.name!r} takes token ids, not text: name its 'ensemble' or 'tensorrt_llm_bls' model instead"
        )
    if "text_input" in inputs and "text_output" in facts.outputs:
        if "sampling_param_max_tokens" in inputs:
            return Adapter("llmapi", facts, "text_output", True, _llmapi)
        if "max_tokens" in inputs:
            return Adapter("trtllm", facts, "text_output", False, _trtllm)
        return Adapter("vllm", facts, "text_output", False, _vllm)
    texts_in = [name for name, datatype in inputs.items() if datatype == "BYTES"]
    texts_out = [name for name, datatype in facts.outputs.items() if datatype == "BYTES"]
    if len(texts_in) == 1 and len(texts_out) == 1:
        return Adapter("text", facts, texts_out[0], False, _plain(texts_in[0]))
    raise ModelError(
        f"model {facts.name!r} is no language model that Nova knows: inputs {', '.join(inputs) or 'none'}, "
        f"outputs {', '.join(facts.outputs) or 'none'}"
    )


def _each(prompts: Sequence[str], *row: Value) -> list[Sequence[Value]]:
    return [row for _ in prompts]


def _vllm(
    prompts: Sequence[str], sampling: Sampling, stream: bool
) -> dict[str, tuple[Datatype, Sequence[Sequence[Value]]]]:
    # Only keys of vLLM's SamplingParams: an unknown one ends in an error about 'lora_name'.
    options: dict[str, object] = {
        "max_tokens": sampling.max_tokens, "temperature": sampling.temperature, "top_p": sampling.top_p
    }  # fmt: skip
    if sampling.stop:
        options["stop"] = list(sampling.stop)
        # Otherwise vLLM keeps back as many characters as the longest stop string has, which delays every answer by some
        # three tokens; the string itself is cut off by our own filter.
        options["include_stop_str_in_output"] = True
    if sampling.special:
        options["skip_special_tokens"] = False
    if sampling.seed is not None:
        options["seed"] = sampling.seed
    return {
        "text_input": ("BYTES", [(p,) for p in prompts]),
        "stream": ("BOOL", _each(prompts, stream)),
        "sampling_parameters": ("BYTES", _each(prompts, json.dumps(options))),
        "exclude_input_in_output": ("BOOL", _each(prompts, True)),
    }


def _trtllm(
    prompts: Sequence[str], sampling: Sampling, stream: bool
) -> dict[str, tuple[Datatype, Sequence[Sequence[Value]]]]:
    tensors: dict[str, tuple[Datatype, Sequence[Sequence[Value]]]] = {
        "text_input": ("BYTES", [(p,) for p in prompts]),
        "max_tokens": ("INT32", _each(prompts, sampling.max_tokens)),
        "temperature": ("FP32", _each(prompts, sampling.temperature)),
        "top_p": ("FP32", _each(prompts, sampling.top_p)),
        "stream": ("BOOL", _each(prompts, stream)),
        "exclude_input_in_output": ("BOOL", _each(prompts, True)),
    }
    if sampling.stop:
        tensors["stop_words"] = ("BYTES", _each(prompts, *sampling.stop))
    if sampling.seed is not None:
        tensors["seed"] = ("UINT64", _each(prompts, sampling.seed))
    return tensors


def _llmapi(
    prompts: Sequence[str], sampling: Sampling, stream: bool
) -> dict[str, tuple[Datatype, Sequence[Sequence[Value]]]]:
    tensors: dict[str, tuple[Datatype, Sequence[Sequence[Value]]]] = {
        "text_input": ("BYTES", [(p,) for p in prompts]),
        "streaming": ("BOOL", _each(prompts, stream)),
        "sampling_param_max_tokens": ("INT32", _each(prompts, sampling.max_tokens)),
        "sampling_param_temperature": ("FP32", _each(prompts, sampling.temperature)),
        "sampling_param_top_p": ("FP32", _each(prompts, sampling.top_p)),
        "sampling_param_exclude_input_from_output": ("BOOL", _each(prompts, True)),
    }
    if sampling.special:
        tensors["sampling_param_skip_special_tokens"] = ("BOOL", _each(prompts, False))
    if sampling.stop:
        tensors["sampling_param_stop"] = ("BYTES", _each(prompts, *sampling.stop))
    if sampling.seed is not None:
        tensors["sampling_param_seed"] = ("UINT64", _each(prompts, sampling.seed))
    return tensors


def _plain(name: str) -> Build:
    def build(
        prompts: Sequence[str], sampling: Sampling, stream: bool
    ) -> dict[str, tuple[Datatype, Sequence[Sequence[Value]]]]:
        return {name: ("BYTES", [(p,) for p in prompts])}

    return build
