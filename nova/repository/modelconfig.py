"""A model's ``config.pbtxt``: read as Triton reads it, and its version policy rewritten. No server, no other files.

The file comes from outside: it is bounded, and whatever is wrong with it becomes one line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from nova.adapters import ModelFacts

FILE: Final = "config.pbtxt"

MOST_BYTES: Final = 256 * 1024
"""Far more than any configuration; TensorRT-LLM's longest has 20 KiB."""

VLLM_INPUTS: Final = {
    "text_input": "BYTES", "stream": "BOOL", "sampling_parameters": "BYTES", "exclude_input_in_output": "BOOL"
}  # fmt: skip
"""What Triton's vLLM backend adds to a configuration by itself, of the tensors that matter here."""

_TYPES = {"TYPE_STRING": "BYTES"}


class ConfigError(ValueError):
    """The configuration cannot be read or changed; the message is one line."""


def read(path: Path) -> str:
    """The text of a small file from outside. Raises :class:`ConfigError`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}") from None
    if len(raw) > MOST_BYTES:
        raise ConfigError(f"is larger than {MOST_BYTES >> 10} KiB")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8 text") from None


def parse(text: str) -> Any:
    """The ``inference.ModelConfig`` of the text. Raises :class:`ConfigError` with the line at fault."""
    config = model_config_pb2.ModelConfig()
    try:
        text_format.Parse(text, config)
    except (text_format.ParseError, ValueError, RecursionError, UnicodeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ConfigError(f"is no model configuration: {reason}") from None
    return config


def datatype(number: int) -> str:
    """A tensor's type as requests name it: ``BYTES`` for ``TYPE_STRING``, ``BOOL`` for ``TYPE_BOOL``."""
    try:
        name: str = model_config_pb2.DataType.Name(number)
    except ValueError:
        return f"unknown type {number}"
    return _TYPES.get(name, name.removeprefix("TYPE_"))


def engine_completes(config: Any) -> bool:
    """Whether the backend adds inputs and outputs, forces no batch dimension and decoupled replies: vLLM's does."""
    return bool(config.backend == "vllm")


def facts_of(config: Any) -> ModelFacts:
    """What the client would be told by a server that loaded this configuration."""
    inputs = {tensor.name: datatype(tensor.data_type) for tensor in config.input}
    outputs = {tensor.name: datatype(tensor.data_type) for tensor in config.output}
    if engine_completes(config):
        return ModelFacts(config.name, {**VLLM_INPUTS, **inputs}, {"text_output": "BYTES", **outputs}, 0, True)
    decoupled = bool(config.model_transaction_policy.decoupled)
    return ModelFacts(config.name, inputs, outputs, config.max_batch_size, decoupled)


def policy_versions(config: Any, present: Sequence[int]) -> list[int]:
    """Which of the versions that are present this configuration has served, ascending."""
    policy = config.version_policy
    match policy.WhichOneof("policy_choice"):
        case "specific":
            return sorted(set(policy.specific.versions) & set(present))
        case "all":
            return sorted(present)
        case "latest":
            return sorted(present)[-max(1, policy.latest.num_versions) :]
        case _:
            return sorted(present)[-1:]


def pinned(text: str, versions: Sequence[int]) -> str:
    """The configuration, comments and all, with exactly these versions served. Raises :class:`ConfigError`."""
    if not versions or min(versions) < 1:
        raise ConfigError("needs versions from 1 up to be pinned")
    before = parse(text)
    line = f"version_policy: {{ specific {{ versions: [ {', '.join(map(str, sorted(versions)))} ] }} }}"
    start, end = _policy(text)
    rest = text[:start].rstrip("\n") + "\n\n" if start == end else text[:start]
    changed = f"{rest}{line}{text[end:] or chr(10)}"
    after = parse(changed)
    found = list(after.version_policy.specific.versions)
    before.ClearField("version_policy")
    after.ClearField("version_policy")
    if found != sorted(versions) or before != after:
        raise ConfigError("has a version policy that cannot be rewritten safely: write it on a line of its own")
    return changed


def write(path: Path, text: str) -> None:
    """Replaces the file as a whole: a server that reads it meanwhile sees the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        if path.exists():
            os.chmod(beside, path.stat().st_mode & 0o7777)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _policy(text: str) -> tuple[int, int]:
    """Where the version policy stands in the text; an empty range at the end if there is none."""
    bare = re.sub(r"#[^\n]*", lambda found: " " * len(found[0]), text)  # comments do not count, positions stay
    found = re.search(r"^[ \t]*version_policy\s*:?\s*\{", bare, re.MULTILINE)
    if not found:
        return len(text), len(text)
    depth = 0
    for at in range(found.end() - 1, len(bare)):
        depth += {"{": 1, "}": -1}.get(bare[at], 0)
        if depth == 0:
            return found.start(), at + 1
    return len(text), len(text)
