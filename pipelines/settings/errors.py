"""Turns what pydantic found wrong with settings into lines for people: where, which key, which value, what is allowed.

Values of keys that may hold a secret are never repeated.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pipelines.settings.layers import ANY, Key, Layer, did_you_mean
from pipelines.settings.secrets import is_secret, quoted, without_passwords

_RENAMED = {"ears": "microphone", "recognizer": "asr", "mind": "llm", "voice": "tts"}
"""Sections that had another name once."""


def lines(errors: Sequence[ErrorDetails], model: type[BaseModel], layers: Sequence[Layer]) -> list[str]:
    """One line for each error; ``layers`` in order of precedence tell where the offending value stands."""
    told = [_line(error, model, layers) for error in errors]
    return list(dict.fromkeys(told))


def allowed(info: FieldInfo) -> str:
    """What a setting may be, in words: ``a whole number from 1 to 9``, ``one of a, b``, ``yes or no`` …"""
    return _allowed(info.annotation, info.metadata)


def field_at(model: type[BaseModel], key: Key) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The group of settings that ``key``'s last part belongs to, and its field; ``None`` where there is none."""
    group: type[BaseModel] | None = model
    info: FieldInfo | None = None
    named = False  # the part is a name that somebody gave to a group
    for i, part in enumerate(key):
        if named:
            named = False
            continue
        if group is None:
            return None, None
        info = group.model_fields.get(part)
        if info is None:
            return (group, None) if i == len(key) - 1 else (None, None)
        if i < len(key) - 1:
            named = (inner := named_groups(info)) is not None
            group = inner if named else group_of(info)
    return group, info


def group_of(info: FieldInfo) -> type[BaseModel] | None:
    """The settings model that a field holds, if it holds one."""
    if named_groups(info) is not None:
        return None
    for candidate in (info.annotation, *typing.get_args(info.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def named_groups(info: FieldInfo) -> type[BaseModel] | None:
    """The settings model that a field holds any number of, each under a name of its own."""
    if typing.get_origin(info.annotation) is not dict:
        return None
    held = typing.get_args(info.annotation)[1]
    return held if isinstance(held, type) and issubclass(held, BaseModel) else None


def free_mappings(model: type[BaseModel], above: Key = ()) -> Iterator[Key]:
    """The settings that are mappings whose keys may be any text; ``*`` stands for the name of a group."""
    for name, info in model.model_fields.items():
        if (named := named_groups(info)) is not None:
            yield from free_mappings(named, (*above, name, ANY))
        elif (group := group_of(info)) is not None:
            yield from free_mappings(group, (*above, name))
        elif typing.get_origin(info.annotation) is dict and _is_text(typing.get_args(info.annotation)[0]):
            yield (*above, name)


def _is_text(annotation: Any) -> bool:
    return annotation is str or (
        typing.get_origin(annotation) is typing.Annotated and typing.get_args(annotation)[0] is str
    )


def _line(error: ErrorDetails, model: type[BaseModel], layers: Sequence[Layer]) -> str:
    key = tuple(str(part) for part in error["loc"] if part != "[key]")  # the key of a mapping is at fault
    while key and field_at(model, key) == (None, None):  # a list's index, a branch of a union
        key = key[:-1]
    origin = next((found for layer in layers if (found := layer.origin(key))), "settings")
    dotted = ".".join(key) or "the settings"
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"{origin}: {_unknown(key, model)}"
    if kind == "missing":
        above = (key[:end] for end in range(len(key) - 1, 0, -1))
        origin = next((found for part in above for layer in layers if (found := layer.origin(part))), origin)
        return f"{origin}: {dotted} is missing."
    value = error.get("input")
    shown = "" if is_secret(key) or isinstance(value, dict | BaseModel) else f" = {_show(value)}"
    _, info = field_at(model, key)
    if kind == "value_error":
        reason = str(error.get("ctx", {}).get("error", error["msg"]))
        return f"{origin}: {dotted}{shown} does not fit: {reason}."
    if info is None:
        return f"{origin}: {dotted}{shown} does not fit: {error['msg']}."
    group = named_groups(info) if field_at(model, key[:-1])[1] is info else group_of(info)
    if group is not None and not isinstance(value, dict):
        return f"{origin}: {dotted}{shown} must be a group of settings: {', '.join(group.model_fields)}."
    return f"{origin}: {dotted}{shown} must be {allowed(info)}."


def _unknown(key: Key, model: type[BaseModel]) -> str:
    group, _ = field_at(model, key)
    dotted = ".".join(key)
    if group is None:
        return f"{dotted} is not a setting."
    names = list(group.model_fields)
    if len(key) == 1 and _RENAMED.get(dotted) in names:
        return f"{dotted} is called {_RENAMED[dotted]} now."
    above = ".".join(key[:-1])
    guess = did_you_mean(key[-1], names) or _elsewhere(key[-1], model)
    if guess and "." not in guess and above:
        guess = f"{above}.{guess}"
    where = f"{above} has" if above else "there are"
    known = names if len(names) <= 30 else [*names[:30], "…"]
    return f"{dotted} is not a setting{f'; did you mean {guess}?' if guess else '.'} ({where}: {', '.join(known)})"


def _elsewhere(name: str, model: type[BaseModel], above: str = "") -> str | None:
    """The dotted key of a setting with this very name in another group."""
    for field, info in model.model_fields.items():
        if field == name and above:
            return f"{above}.{field}"
        group = group_of(info)
        if group is not None and (found := _elsewhere(name, group, f"{above}.{field}".strip("."))):
            return found
    return None


def _show(value: object) -> str:
    text = quoted(str(value)) if isinstance(value, str | Path) else without_passwords(repr(value))
    if value is None:
        text = "nothing"
    return text if len(text) <= 60 else f"{text[:57]}…"


def _allowed(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _allowed(args[0], args[1:])
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin in (typing.Union, types.UnionType):
        parts = [_allowed(arg, metadata) for arg in args if arg is not type(None)]
        return " or ".join([*dict.fromkeys(parts), *(["nothing"] if type(None) in args else [])])
    if origin in (list, tuple, set, frozenset):
        inner = next((arg for arg in args if arg is not Ellipsis), None)
        if inner is None:
            return "a list"
        kind = _allowed(inner)
        return f"a list [a, b, …] of {'texts' if kind == 'a piece of text' else kind.removeprefix('one of ')}"
    if origin is dict or annotation is dict:
        held = args[1] if args else None
        if isinstance(held, type) and issubclass(held, BaseModel):
            return f"names, each with a group of settings: {', '.join(held.model_fields)}"
        return "a mapping {name: value}"
    if isinstance(annotation, type):
        if issubclass(annotation, BaseModel):
            return f"a group of settings: {', '.join(annotation.model_fields)}"
        if issubclass(annotation, Enum):
            return f"one of {', '.join(str(member.value) for member in annotation)}"
        if annotation is bool:
            return "true or false"
        if issubclass(annotation, int):
            return f"a whole number{_range(metadata)}"
        if issubclass(annotation, float):
            return f"a number{_range(metadata)}"
        if issubclass(annotation, Path):
            return "a path"
        if issubclass(annotation, SecretStr):
            return "a piece of text, which is never shown"
        if issubclass(annotation, str):
            return f"a piece of text{_length(metadata)}"
    return "of another kind"


def _range(metadata: Sequence[Any]) -> str:
    low = next((f"from {m.ge:g}" if isinstance(m, Ge) else f"above {m.gt:g}" for m in metadata if _low(m)), "")
    high = next((f"to {m.le:g}" if isinstance(m, Le) else f"below {m.lt:g}" for m in metadata if _high(m)), "")
    if (high and not low) or (high and not low.startswith("from")):
        high = high.replace("to ", "up to ")
    return "".join(f" {part}" for part in (low, high) if part)


def _low(constraint: object) -> bool:
    return isinstance(constraint, Ge | Gt)


def _high(constraint: object) -> bool:
    return isinstance(constraint, Le | Lt)


def _length(metadata: Sequence[Any]) -> str:
    shortest = next((m.min_length for m in metadata if isinstance(m, MinLen)), 0)
    longest = next((m.max_length for m in metadata if isinstance(m, MaxLen)), None)
    if longest is not None:
        return f" of {shortest} to {longest} characters"
    return f" of at least {shortest} characters" if shortest > 1 else " that is not empty" if shortest else ""
