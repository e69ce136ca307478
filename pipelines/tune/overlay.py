"""Writes what was found as a YAML file that is laid over a configuration; the configuration itself stays as it is."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.settings.layers import SettingsError, find_config
from pipelines.tune.parameters import Value

Changes = Mapping[str, tuple[Value, Value]]
"""By dotted key: what the configuration says, and what is put in its place."""


def check_target(path: Path, configs: Sequence[str], *, force: bool) -> None:
    """Refuses a place where no overlay may be written, before hours are spent on finding one.

    Raises :class:`SettingsError`: for a file that exists (unless ``force``), for one of ``configs`` in any case.
    """
    for name in configs:
        config = find_config(name)
        if path.exists() and path.samefile(config):
            raise SettingsError(
                [f"{path} is the configuration that is tuned; it is not overwritten. Name another file."]
            )
    if path.is_file() and not force:
        raise SettingsError([f"{path} is there already; name another file, or say --force to overwrite it."])
    check_place(path)


def check_place(path: Path) -> None:
    """Raises :class:`SettingsError` if no file can come to be there."""
    if path.is_dir():
        raise SettingsError([f"{path} is a folder; name a file in it."])
    if not path.absolute().parent.is_dir():
        raise SettingsError([f"{path} cannot be written: there is no folder {path.parent}."])


def overlay_text(changes: Changes, about: Sequence[str]) -> str:
    """The file: ``about`` as comments, then the changed keys only, each with what it was."""
    comments = [f"# {' '.join(line.split())}" for line in about]
    tree: dict[str, Any] = {}
    for key, change in changes.items():
        *groups, name = key.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = change
    return "\n".join([*comments, "", *_yaml(tree)]) + "\n"


def write_text(path: Path, text: str) -> None:
    """Writes the file as a whole or not at all; raises ``OSError``."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp gives a file that only its owner may read
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _yaml(tree: Mapping[str, Any], indent: int = 0) -> list[str]:
    lines = []
    for name, value in tree.items():
        if isinstance(value, dict):
            lines += [f"{' ' * indent}{name}:", *_yaml(value, indent + 2)]
        else:
            before, now = (json.dumps(one) for one in value)  # numbers and truth values are the same in YAML
            lines.append(f"{' ' * indent}{name}: {now}{' ' * max(2, 28 - indent - len(name) - len(now))}# was {before}")
    return lines
