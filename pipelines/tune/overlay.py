"""Writes what was found as a YAML file that is laid over a configuration; the configuration itself stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.settings.tunable import Value

Changes = Mapping[str, tuple[Value, Value]]
"""By dotted key: what the configuration says, and what is put in its place."""


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


def _yaml(tree: Mapping[str, Any], indent: int = 0) -> list[str]:
    lines = []
    for name, value in tree.items():
        if isinstance(value, dict):
            lines += [f"{' ' * indent}{name}:", *_yaml(value, indent + 2)]
        else:
            before, now = (json.dumps(one) for one in value)  # numbers and truth values are the same in YAML
            lines.append(f"{' ' * indent}{name}: {now}{' ' * max(2, 28 - indent - len(name) - len(now))}# was {before}")
    return lines
