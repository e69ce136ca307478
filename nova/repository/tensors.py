"""The tensors of a model's configuration against what Nova's adapters send and expect, and against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from nova.adapters import Adapter, Sampling
from nova.repository.findings import Finding, error, warning
from nova.repository.modelconfig import datatype, engine_completes

_EVERYTHING: Final = Sampling(max_tokens=16, temperature=0.6, top_p=0.95, seed=1, stop=("<a>", "<b>"))
"""A request that uses every tensor an adapter can send."""

_MOST_DIMS = 16


def well_formed(where: str, config: Any) -> Iterator[Finding]:
    """What is wrong with the declarations by themselves. Triton refuses most of it, but no repeated name."""
    for kind, tensors in (("input", config.input), ("output", config.output)):
        names = [tensor.name for tensor in tensors]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield warning(where, f"{kind} {name[:60]!r} is declared twice, which Triton takes without a word")
        for tensor in tensors:
            label = f"{kind} {tensor.name[:60]!r}"
            if not tensor.name:
                yield error(where, f"an {kind} has no name")
            if tensor.data_type == 0:
                yield error(where, f"{label} has no data_type")
            if not tensor.dims:
                yield error(where, f"{label} has no dims")
            elif len(tensor.dims) > _MOST_DIMS or any(size < -1 or size == 0 for size in tensor.dims):
                yield error(where, f"{label} has dims {list(tensor.dims)[:_MOST_DIMS]}: they must be -1, or 1 and more")
    if not engine_completes(config) and config.platform != "ensemble":
        for kind, tensors in (("input", config.input), ("output", config.output)):
            if not tensors:
                yield error(where, f"declares no {kind}; only some backends can complete that")


def conversation(where: str, adapter: Adapter, config: Any) -> Iterator[Finding]:
    """Whether a request that the adapter builds fits the inputs, and the text comes back in the output it reads."""
    declared = {tensor.name: tensor for tensor in config.input}
    facts = adapter.facts
    batched = facts.max_batch_size > 0
    sent = {tensor.name: tensor for tensor in adapter.tensors(["hello"], _EVERYTHING, stream=facts.decoupled)}
    for name, tensor in sent.items():
        if name not in declared:
            continue  # the backend adds it
        wanted = datatype(declared[name].data_type)
        if wanted != tensor.datatype:
            yield error(where, f"input {name!r} is {wanted}, Nova's {adapter.kind} adapter sends {tensor.datatype}")
        shape = tensor.shape[1:] if batched else tensor.shape
        if not _fits(shape, declared[name].dims):
            yield error(
                where, f"input {name!r} has dims {list(declared[name].dims)}, Nova's {adapter.kind} adapter sends "
                f"{list(shape)}"
            )  # fmt: skip
    for name, tensor in declared.items():
        if name not in sent and not tensor.optional:
            yield error(where, f"input {name[:60]!r} is required, but Nova's {adapter.kind} adapter never sends it")
    output = {tensor.name: tensor for tensor in config.output}.get(adapter.output)
    if output is not None and datatype(output.data_type) != "BYTES":
        yield error(where, f"output {adapter.output!r} is {datatype(output.data_type)}, it must be TYPE_STRING")
    if not facts.decoupled:
        yield warning(where, "model_transaction_policy is not decoupled: answers come as a whole, not in a stream")
    for missing, why in (("max_tokens", "answers have no limit"), ("stop", "answers run past the end of their turn")):
        if adapter.kind == "text":
            yield warning(where, f"it has one text in and one out, so {missing} cannot be set: {why}")


def ensemble(name: str, config: Any, models: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether the steps of an ensemble exist and are wired to tensors that exist."""
    if config.platform != "ensemble":
        return
    where = f"{name}/config.pbtxt"
    if not config.ensemble_scheduling.step:
        yield error(where, "is an ensemble without steps")
    made = {tensor.name for tensor in config.input}
    for step in config.ensemble_scheduling.step:
        made.update(step.output_map.values())
    for step in config.ensemble_scheduling.step:
        inner = models.get(step.model_name)
        if inner is None:
            yield error(where, f"has a step {step.model_name[:60]!r} that is no sound model of this repository")
            continue
        inputs = {tensor.name: tensor for tensor in inner.input}
        outputs = {tensor.name for tensor in inner.output}
        for key, source in step.input_map.items():
            if key not in inputs:
                yield error(where, f"gives {step.model_name!r} an input {key[:60]!r} that it does not have")
            if source not in made:
                yield error(where, f"feeds {step.model_name!r} with {source[:60]!r}, which nothing makes")
        for key in step.output_map:
            if key not in outputs:
                yield error(where, f"takes an output {key[:60]!r} of {step.model_name!r} that it does not have")
        for key, tensor in inputs.items():
            if key not in step.input_map and not tensor.optional:
                yield error(where, f"leaves out the required input {key[:60]!r} of {step.model_name!r}")
    for tensor in config.output:
        if tensor.name not in made:
            yield error(where, f"promises an output {tensor.name[:60]!r} that no step makes")


def _fits(shape: tuple[int, ...], dims: Any) -> bool:
    return len(shape) == len(dims) and all(size in (-1, given) for given, size in zip(shape, dims, strict=True))
