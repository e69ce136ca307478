"""A typed Python function as a tool: its name, what it is for and its parameters become what a model is told.

    @tool(reads=True, seconds=2.0)
    async def weather(city: Annotated[str, Field(description="a town")], days: int = 1) -> str:
        \"\"\"The weather to come.\"\"\"

The schema and the check of arguments are pydantic's. Arguments that do not fit end in a :class:`ToolError` that tells
the model which, and why.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from nova.tools import Question, Tool, ToolError, ToolSpec, Waiting

__all__ = ["Tool", "ToolError", "tool"]

LONGEST_COMPLAINT = 300
"""Characters of what is told of arguments that do not fit."""


def tool(
    *,
    reads: bool = False,
    seconds: float = 10.0,
    waiting: Waiting = "look",
    question: Question | None = None,
    slow: bool = False,
) -> Callable[[Callable[..., Awaitable[str]]], Tool]:
    """Makes a :class:`~nova.tools.Tool` of an async function; what the arguments mean is said there.

    The function's docstring is the tool's description, and its parameters are annotated. Raises ``TypeError`` for a
    function without a docstring, or with ``*args`` or ``**kwargs``.
    """

    def make(function: Callable[..., Awaitable[str]]) -> Tool:
        parameters = _parameters(function)

        async def run(arguments: Mapping[str, Any]) -> str:
            try:
                given = parameters.model_validate(dict(arguments))
            except ValidationError as error:
                raise ToolError(_complaint(error)) from None
            return await function(**{name: getattr(given, name) for name in type(given).model_fields})

        name = function.__name__
        description = " ".join((inspect.getdoc(function) or "").split())
        if not description:
            raise TypeError(f"{name} has no docstring to tell a model what it is for")
        spec = ToolSpec(name, description, _schema(parameters))
        return Tool(spec, run, reads=reads, seconds=seconds, waiting=waiting, question=question, slow=slow)

    return make


def _parameters(function: Callable[..., Awaitable[str]]) -> type[BaseModel]:
    """The function's parameters as a model; others than these are refused."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name not in hints:
            raise TypeError(f"{function.__name__}: no schema can be made of the parameter {name}")
        fields[name] = (hints[name], ... if parameter.default is parameter.empty else parameter.default)
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def _schema(parameters: type[BaseModel]) -> dict[str, Any]:
    schema = parameters.model_json_schema()
    return {"type": "object", "properties": {}, **_untitled(schema)}


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the titles that pydantic makes of names: a model reads each token of them in each request."""
    cleaned: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("properties", "$defs"):
            cleaned[key] = {name: _untitled(inner) for name, inner in value.items()}
        else:
            cleaned[key] = _untitled(value) if isinstance(value, dict) else value
    return cleaned


def _complaint(error: ValidationError) -> str:
    """What does not fit, in words that a model can mend its call by."""
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in error.errors()]
    return f"these arguments do not fit: {'; '.join(faults)}"[:LONGEST_COMPLAINT]
