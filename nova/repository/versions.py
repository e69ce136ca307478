"""The versions of a model on disk: a new one is complete before it has its number, and nobody serves it by accident.

Triton's default policy serves the newest version, so a folder that appears would be loaded with the next restart. So
before a version is placed, the ones that were served are pinned in ``config.pbtxt``.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from nova.repository import engines, modelconfig
from nova.repository.findings import Level
from nova.repository.modelconfig import ConfigError

_MOST_VERSION: Final = 2**31


def present(model: Path) -> list[int]:
    """The versions that are there, ascending."""
    try:
        names = [entry.name for entry in model.iterdir() if entry.is_dir()]
    except OSError as problem:
        raise ConfigError(f"{model} cannot be read: {problem.strerror or problem}") from None
    return sorted(int(n) for n in names if n.isascii() and n.isdecimal() and not n.startswith("0"))


def config_of(model: Path) -> Any:
    """The model's configuration. Raises :class:`~nova.repository.modelconfig.ConfigError`."""
    return modelconfig.parse(_text(model))


def served(model: Path) -> list[int]:
    """The versions that the configuration has a server load."""
    return modelconfig.policy_versions(config_of(model), present(model))


def pin(model: Path, versions: Sequence[int]) -> None:
    """Has exactly these versions served from the next load on. Raises ConfigError if one of them is not there."""
    if missing := sorted(set(versions) - set(present(model))):
        raise ConfigError(f"{model.name} has no version {missing[0]}")
    text = modelconfig.pinned(_text(model), versions)
    try:
        modelconfig.write(model / modelconfig.FILE, text)
    except OSError as problem:
        raise ConfigError(f"{model / modelconfig.FILE} cannot be written: {problem.strerror or problem}") from None


def place(model: Path, fill: Callable[[Path], None]) -> int:
    """A new version, one above the highest; returns its number. It is not served before it is pinned.

    ``fill`` writes the version's files into an empty folder, which gets its number only when they are all there. Raises
    :class:`~nova.repository.modelconfig.ConfigError`, and what ``fill`` raises; then nothing is left of it.
    """
    have = present(model)
    if not config_of(model).version_policy.HasField("specific") and have:
        pin(model, served(model))
    try:
        # Beside the versions, so that the rename stays within a file system; a name that Triton does not take for one.
        staging = Path(tempfile.mkdtemp(prefix=".placing-", dir=model))
    except OSError as problem:
        raise ConfigError(f"{model} cannot be written: {problem.strerror or problem}") from None
    try:
        fill(staging)
        staging.chmod(0o755)
        number = max(have, default=0) + 1
        while number < _MOST_VERSION:
            try:
                os.rename(staging, model / str(number))  # fails where somebody else was first
            except OSError:
                if not (model / str(number)).exists():
                    raise
                number += 1
            else:
                return number
        raise ConfigError(f"{model.name} has no number left for a version")
    except OSError as problem:
        raise ConfigError(f"{model} cannot be written: {problem.strerror or problem}") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def engine_version(model: Path, weights: Path, base: int | None = None, seen_as: str = "") -> Callable[[Path], None]:
    """What fills a version for :func:`place`: all of version ``base`` (the newest served), with other weights.

    ``seen_as`` is where the server, in its container, finds what is ``weights`` here; without it the same path. Raises
    :class:`~nova.repository.modelconfig.ConfigError` if the weights are not those of a whole model.
    """
    source = model / str(base if base is not None else (served(model) or [0])[-1])
    found = {**engines.arguments(source / engines.FILE), "model": str(weights.absolute())}
    config = config_of(model)
    where = f"{model.name}/{engines.FILE}"
    findings = list(engines.vllm(where, found, config) if config.backend == "vllm" else engines.trtllm(where, found))
    if not weights.is_dir():
        raise ConfigError(f"{weights} is no folder of weights")
    for finding in findings:
        if finding.level is Level.ERROR:
            raise ConfigError(finding.text)
    if seen_as:
        found["model"] = seen_as

    def fill(folder: Path) -> None:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        (folder / engines.FILE).write_text(json.dumps(found, indent=4) + "\n", encoding="utf-8")

    return fill


def copy_of(folder: Path) -> Callable[[Path], None]:
    """What fills a version for :func:`place` with a copy of a folder."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder")

    def fill(there: Path) -> None:
        shutil.copytree(folder, there, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    return fill


def _text(model: Path) -> str:
    try:
        return modelconfig.read(model / modelconfig.FILE)
    except ConfigError as problem:
        raise ConfigError(f"{model / modelconfig.FILE} {problem}") from None
