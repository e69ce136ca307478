"""What a model is told of a server's tools: names that are legal and unlike, short descriptions, small schemas.

All of it comes from a stranger and goes into the model's prompt. So it is bounded, without control characters or
control tokens, and the schema holds only what a model needs to make a call.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from nova.control import ControlTokens
from pipelines.tools.asking import BETWEEN

NAME_CHARS = 64
"""As long as OpenAI-compatible servers let a name be."""

DESCRIPTION_CHARS = 400
FIELD_CHARS = 200
SCHEMA_CHARS = 4000
DEEPEST = 5
MOST_FIELDS = 32
MOST_CHOICES = 40
MOST_WAYS = 8
MOST_COUNT = 1 << 31

_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_CONTROL = ControlTokens()
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_WHOLE = ("anyOf", "oneOf")


def told_name(server: str, tool: str) -> str:
    """What the model calls a tool; another for every tool of every server."""
    legal = _ILLEGAL.sub("_", tool)
    name = f"{server}{BETWEEN}{legal}"
    if legal == tool and tool and len(name) <= NAME_CHARS:
        return name
    digest = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: NAME_CHARS - 10]}{BETWEEN}{digest}"


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of these patterns means the name; ``*`` stands for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def plain(text: str, most: int) -> str:
    """One line of at most so many characters, without control characters and control tokens."""
    line = "".join(c if c.isprintable() else " " for c in text[: 4 * most])
    line = " ".join(_CONTROL.removed_from(line).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def schema(given: Any) -> dict[str, Any]:
    """A small JSON schema of type object that asks for what ``given`` asks for, as far as that fits."""
    if not isinstance(given, Mapping):
        return {"type": "object", "properties": {}}
    definitions = {f"#/{at}/{name}": inner for at in ("$defs", "definitions") for name, inner in _items(given.get(at))}
    for deepest in range(DEEPEST, 0, -1):
        small = _small(given, definitions, deepest)
        small = {**small, "type": "object", "properties": small.get("properties", {})}
        if len(json.dumps(small)) <= SCHEMA_CHARS:
            return small
    return {"type": "object", "properties": {}}


def _small(given: Any, definitions: Mapping[str, Any], deepest: int) -> dict[str, Any]:
    if isinstance(given, Mapping) and isinstance(pointer := given.get("$ref"), str):
        given = {**_mapping(definitions.get(pointer)), **{key: value for key, value in given.items() if key != "$ref"}}
    if not isinstance(given, Mapping) or deepest <= 0:
        return {}
    small: dict[str, Any] = {}
    kind = given.get("type")
    kinds = [name for name in (kind if isinstance(kind, list) else [kind]) if isinstance(name, str) and name in _TYPES]
    if kinds:
        small["type"] = kinds[0] if len(kinds) == 1 else sorted(set(kinds))
    if isinstance(description := given.get("description"), str) and (told := plain(description, FIELD_CHARS)):
        small["description"] = told
    if isinstance(choices := given.get("enum"), list) and (told_choices := _choices(choices)):
        small["enum"] = told_choices
    if _is_simple(constant := given.get("const")) and constant is not None:
        small["enum"] = [constant]
    if _is_simple(default := given.get("default")) and default is not None:
        small["default"] = default
    small |= {key: given[key] for key in _NUMBERS if _is_number(given.get(key))}
    if small.get("multipleOf", 1) <= 0:
        del small["multipleOf"]
    small |= {key: given[key] for key in _COUNTS if isinstance(given.get(key), int) and 0 <= given[key] < MOST_COUNT}
    if isinstance(form := given.get("format"), str) and form.isascii() and form.isprintable() and len(form) <= 20:
        small["format"] = form
    for key in _WHOLE:
        if isinstance(ways := given.get(key), list) and ways:
            small["anyOf"] = [_small(way, definitions, deepest - 1) for way in ways[:MOST_WAYS]]
    if "items" in given:
        small["items"] = _small(given["items"], definitions, deepest - 1)
    if isinstance(given.get("properties"), Mapping):
        small |= _fields(given, definitions, deepest)
    return small


def _fields(given: Mapping[str, Any], definitions: Mapping[str, Any], deepest: int) -> dict[str, Any]:
    """The properties, those that are required first; a name that could be control is left out."""
    wanted = given.get("required")
    required = [name for name in wanted if isinstance(name, str)] if isinstance(wanted, list) else []
    names = [name for name, _ in _items(given["properties"]) if name == plain(name, NAME_CHARS) and name]
    kept = sorted(names, key=lambda name: name not in required)[:MOST_FIELDS]
    properties = {name: _small(given["properties"][name], definitions, deepest - 1) for name in kept}
    needed = [name for name in kept if name in required]
    return {"properties": properties, **({"required": needed} if needed else {})}


def _choices(choices: list[Any]) -> list[Any]:
    return [choice for choice in choices if _is_simple(choice)][:MOST_CHOICES]


def _is_simple(value: Any) -> bool:
    if isinstance(value, str):
        return value == plain(value, FIELD_CHARS)
    return value is None or isinstance(value, bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return ((name, inner) for name, inner in _mapping(value).items() if isinstance(name, str))


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
