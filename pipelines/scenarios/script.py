"""Scripted conversations: a YAML file that says who says what, when, in which room.

``docs/scenarios.md`` tells all keys.

A script is one talk (``lines:``) or several (``talks:``, each with a name and its lines).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.scenarios.spec import Talk, TalkSpec, Unreadable, mistakes, printable
from pipelines.settings.layers import SettingsError, read_yaml


class ScriptSpec(BaseModel):
    """Several talks in one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    talks: tuple[TalkSpec, ...] = Field(min_length=1, max_length=1000)


def read_script(path: Path) -> list[Talk]:
    """The talks of a script. Raises :class:`Unreadable` with every mistake and the line that it stands on."""
    values, places = read_places(path)
    several = "talks" in values
    given = values if several else {"name": printable(path.stem)[:80] or "talk", **values}
    try:
        talks = ScriptSpec.model_validate(given).talks if several else (TalkSpec.model_validate(given),)
    except ValidationError as error:
        model = ScriptSpec if several else TalkSpec
        raise Unreadable(mistakes(error.errors(), model, "a script", lambda loc: places.of(*loc))) from None
    lead: list[tuple[Any, ...]] = [("talks", i) for i in range(len(talks))] if several else [()]
    _distinct([talk.name for talk in talks], [places.of(*at, "name") for at in lead])
    return [
        Talk(talk, [places.of(*at, "lines", i) for i in range(len(talk.lines))])
        for talk, at in zip(talks, lead, strict=True)
    ]


class Places:
    """Where in a YAML file each of its values stands."""

    def __init__(self, path: Path, root: yaml.Node | None) -> None:
        self._path, self._root = path, root

    def of(self, *location: str | int) -> str:
        """``file:line`` of the value at ``location``, or of the nearest group above it."""
        line, node = 1, self._root
        for part in location:
            found = None
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == part), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                found = (node.value[part], node.value[part])
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return f"{self._path}:{line}"


def read_places(path: Path) -> tuple[dict[str, Any], Places]:
    """The mapping that a YAML file holds, and where its values stand. Raises :class:`Unreadable`."""
    try:
        values = read_yaml(path).values  # no aliases, no key twice, bounded
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except SettingsError as error:
        raise Unreadable([line.rstrip(".") for line in error.lines]) from None
    except OSError as error:
        raise Unreadable([f"{path} cannot be read: {error.strerror or error}"]) from None
    return values, Places(path, root)


def _distinct(names: Sequence[str], places: Sequence[str]) -> None:
    if again := [
        f"{place}: a talk {name!r} is there already"
        for i, (name, place) in enumerate(zip(names, places, strict=True))
        if name in names[:i]
    ]:
        raise Unreadable(again)
