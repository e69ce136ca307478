"""Whether a Triton model repository would load and answer, told without a server.

It looks at names, versions, files, tensors and engine arguments. It finds what Triton and its backends would refuse,
and what they would accept although it is hardly meant. It only reads, and runs nothing of a model.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nova.adapters import choose
from nova.errors import ModelError
from nova.repository import engines, modelconfig
from nova.repository.findings import Finding, Level, error, note, warning
from nova.repository.modelconfig import ConfigError
from nova.repository.tensors import conversation, ensemble, well_formed

BACKENDS: Final = frozenset(
    {"python", "vllm", "tensorrtllm", "onnxruntime", "tensorrt", "pytorch", "tensorflow", "openvino", "dali", "fil",
     "identity", "repeat", "square"}
)  # fmt: skip

_MOST_SOURCE = 1 << 20
"""Bytes of a ``model.py`` that are looked at."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A model of the repository. ``adapter`` is how Nova would talk to it, empty if it cannot; ``served`` which of
    its ``versions`` a server would load."""

    name: str
    backend: str = ""
    versions: tuple[int, ...] = ()
    served: tuple[int, ...] = ()
    adapter: str = ""
    streams: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class Report:
    """All models in the order of their names, and what concerns the repository as a whole."""

    models: list[Checked] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def all(self) -> list[Finding]:
        """Every finding, the repository's first."""
        return [*self.findings, *(finding for model in self.models for finding in model.findings)]

    def count(self, level: Level) -> int:
        """How many findings are of this level."""
        return sum(finding.level is level for finding in self.all())


def check(repository: Path) -> Report:
    """Looks at every model. Raises :class:`~nova.repository.modelconfig.ConfigError` if there is no such folder."""
    try:
        entries = sorted(repository.iterdir())
    except OSError as problem:
        raise ConfigError(f"{repository} cannot be read: {problem.strerror or problem}") from None
    report = Report()
    configs: dict[str, Any] = {}
    for folder in entries:
        if folder.is_symlink() and not folder.exists():
            report.findings.append(error(folder.name, "is a link to nowhere"))
        elif not folder.is_dir():
            continue  # Triton overlooks files here
        elif not (folder / modelconfig.FILE).is_file():
            say = warning if folder.name.startswith((".", "__")) else error
            report.findings.append(
                say(folder.name, f"has no {modelconfig.FILE}, but Triton takes every folder for a model: remove it")
            )
        else:
            model, config = _model(folder)
            report.models.append(model)
            if config is not None:
                configs[folder.name] = config
    if not report.models:
        report.findings.append(error(".", "holds no model"))
    elif not any(model.adapter for model in report.models):
        report.findings.append(error(".", "holds no model that Nova can talk to"))
    for name, config in configs.items():
        report.findings.extend(ensemble(name, config, configs))
    report.findings.extend(_memory(report, repository))
    return report


def _model(folder: Path) -> tuple[Checked, Any]:
    where = f"{folder.name}/{modelconfig.FILE}"
    try:
        text = modelconfig.read(folder / modelconfig.FILE)
        config = modelconfig.parse(text)
    except ConfigError as problem:
        return Checked(folder.name, findings=(error(where, str(problem)),)), None
    findings = list(_named(folder, text, config))
    findings += well_formed(where, config)
    versions, about = _versions(folder)
    findings += about
    served = modelconfig.policy_versions(config, versions)
    findings += _policy(where, config, versions, served)
    for version in versions:
        findings += _files(folder, version, config)
    findings += _warm_up(folder, config)
    findings += _batching(where, config)
    adapter = ""
    facts = modelconfig.facts_of(config)
    try:
        chosen = choose(facts)
    except ModelError as problem:
        findings.append(note(where, f"Nova does not talk to it: {problem}"))
    else:
        adapter = chosen.kind
        findings += conversation(where, chosen, config)
    backend = config.backend or config.platform
    checked = Checked(
        folder.name, backend, tuple(versions), tuple(served), adapter, facts.decoupled and bool(adapter),
        tuple(findings),
    )  # fmt: skip
    return checked, config


def _named(folder: Path, text: str, config: Any) -> Iterator[Finding]:
    where = f"{folder.name}/{modelconfig.FILE}"
    if config.name and config.name != folder.name:
        yield error(where, f"the model is named {config.name[:80]!r}, its folder {folder.name!r}: Triton refuses that")
    if not config.backend and not config.platform:
        yield warning(where, "has neither backend nor platform: Triton guesses by the names of the files")
    elif config.backend and config.backend not in BACKENDS:
        yield warning(where, f"backend {config.backend[:60]!r} is none that Triton's images bring along")
    bare = re.sub(r"#[^\n]*", "", text)
    if left := sorted(set(re.findall(r"\$\{(\w{1,60})\}", bare))):
        yield error(where, f"is a template that was not filled in: {', '.join(left[:5])}")


def _versions(folder: Path) -> tuple[list[int], list[Finding]]:
    """The versions that Triton would see: folders with whole numbers from 1, written without leading zeros."""
    versions, findings = [], []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name.isdecimal():
            if entry.name.isascii() and not entry.name.startswith("0"):
                versions.append(int(entry.name))
            else:
                findings.append(warning(f"{folder.name}/{entry.name}", "is overlooked: versions begin with 1 to 9"))
    if not versions:
        findings.append(error(folder.name, "has no version: it needs a folder named 1"))
    return sorted(versions), findings


def _policy(where: str, config: Any, versions: list[int], served: list[int]) -> Iterator[Finding]:
    wanted = set(config.version_policy.specific.versions)
    if missing := sorted(wanted - set(versions)):
        yield error(where, f"version_policy wants {_list(missing)}, which the folder does not hold")
    if len(served) > 1:
        yield warning(
            where, f"versions {_list(served)} are served side by side: each needs its own memory, and a client that "
            f"names no version gets {served[-1]}"
        )  # fmt: skip
    if len(versions) > len(served) == 1 and not wanted:
        yield note(where, f"of versions {_list(versions)} the newest is served; to keep another, pin it")


def _files(folder: Path, version: int, config: Any) -> Iterator[Finding]:
    """What a version's folder must hold for its backend."""
    inside = folder / str(version)
    where = f"{folder.name}/{version}"
    if config.backend == "python":
        name = config.default_model_filename or "model.py"
        yield from _source(f"{where}/{name}", inside / name)
    if config.backend == "vllm" or (config.backend == "python" and (inside / engines.FILE).is_file()):
        there = f"{where}/{engines.FILE}"
        try:
            found = engines.arguments(inside / engines.FILE)
        except ConfigError as problem:
            yield error(there, str(problem))
            return
        yield from engines.vllm(there, found, config) if config.backend == "vllm" else engines.trtllm(there, found)


def _source(where: str, path: Path) -> Iterator[Finding]:
    """Whether it is a model of the Python backend, by its syntax tree: it is not imported."""
    try:
        with path.open("rb") as file:
            source = file.read(_MOST_SOURCE)
        tree = ast.parse(source)
    except OSError as problem:
        yield error(where, f"cannot be read: {problem.strerror or problem}")
        return
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        line = f" in line {problem.lineno}" if isinstance(problem, SyntaxError) and problem.lineno else ""
        yield error(where, f"is no Python{line}")
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "TritonPythonModel":
            methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
            if "execute" not in methods and not node.bases:
                yield error(where, "TritonPythonModel has no method execute")
            return
    yield error(where, "has no class TritonPythonModel")


def _warm_up(folder: Path, config: Any) -> Iterator[Finding]:
    where = f"{folder.name}/{modelconfig.FILE}"
    declared = {tensor.name: tensor for tensor in config.input}
    for sample in config.model_warmup:
        for name, tensor in sample.inputs.items():
            if name not in declared:
                yield error(where, f"model_warmup gives an input {name[:60]!r} that the model does not have")
            elif tensor.data_type != declared[name].data_type:
                yield error(where, f"model_warmup gives {name!r} another type than the model declares")
            file = tensor.input_data_file
            if file and not (folder / "warmup" / file).is_file():
                yield error(where, f"model_warmup reads warmup/{file[:80]}, which is missing")
        required = {name for name, tensor in declared.items() if not tensor.optional}
        if left_out := sorted(required - set(sample.inputs)):
            yield error(where, f"model_warmup leaves out the required input {left_out[0]!r}")


def _batching(where: str, config: Any) -> Iterator[Finding]:
    if modelconfig.engine_completes(config):
        if config.max_batch_size > 0 or config.HasField("dynamic_batching"):
            yield warning(where, "max_batch_size and dynamic_batching have no effect: vLLM batches by itself")
    elif config.HasField("dynamic_batching"):
        batching = config.dynamic_batching
        if any(size > config.max_batch_size for size in batching.preferred_batch_size):
            yield error(where, "preferred_batch_size is larger than max_batch_size: Triton refuses that")
        if batching.max_queue_delay_microseconds > 0 and config.model_transaction_policy.decoupled:
            delay = batching.max_queue_delay_microseconds / 1000
            yield warning(where, f"max_queue_delay_microseconds: a lone request pays these {delay:g} ms in full")
    copies = sum(max(1, group.count) for group in config.instance_group)
    if copies > 1 and config.backend in ("vllm", "python"):
        yield warning(where, f"{copies} instances are as many processes, each with its own weights and its own batch")


def _memory(report: Report, repository: Path) -> Iterator[Finding]:
    """The shares of vLLM engines that one server would load together."""
    shares = []
    for model in report.models:
        for version in model.served if model.backend == "vllm" else ():
            try:
                found = engines.arguments(repository / model.name / str(version) / engines.FILE)
            except ConfigError:
                continue
            share = found.get("gpu_memory_utilization")
            if isinstance(share, int | float) and not isinstance(share, bool):
                shares.append(float(share))
    if len(shares) > 1 and sum(shares) > 0.9:
        yield warning(".", f"the vLLM engines together claim {sum(shares):.2f} of the memory: load one at a time")


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
