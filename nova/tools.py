"""Tools as a model sees them: what it may call, and what it called. Plain data; nothing here runs a tool.

Whoever runs one, the runtime or a client far away, gives its result back to :class:`nova.history.History`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from nova.errors import MalformedCall

NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}}
"""The parameters of a tool that takes none."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that the model may call. ``parameters`` is a JSON schema of type ``object``, as a plain dict."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: dict(NOTHING))

    def as_function(self) -> dict[str, Any]:
        """As chat templates and OpenAI-compatible servers have it."""
        told = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": told}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model calls a tool. ``id`` tells this call from others, ``arguments`` is the text of a JSON object."""

    id: str
    name: str
    arguments: str = "{}"

    def parsed(self) -> dict[str, Any]:
        """The arguments; raises ``ValueError`` if they are no JSON object, or hold what no other program could read."""
        value = json.loads(self.arguments, parse_constant=_refuse)
        if not isinstance(value, dict):
            raise ValueError("the arguments are no JSON object")
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair has no bytes
        return value


@dataclass(frozen=True, slots=True)
class Only:
    """The model must call the tool of this name."""

    name: str


Choice = Literal["auto", "none", "required"] | Only
"""Whether the model may call a tool, may not, must call one, or must call this one."""


@dataclass(slots=True)
class Toolbox:
    """What a conversation's replies may call that begin from now on.

    ``once`` stands in its place for the next reply that is begun and decided.
    """

    specs: tuple[ToolSpec, ...] = ()
    choice: Choice = "auto"
    once: Toolbox | None = None

    @property
    def now(self) -> Toolbox:
        """What a reply may call that begins now, whatever changes later."""
        chosen = self.once or self
        return Toolbox(chosen.specs, chosen.choice)


def offered(tools: Sequence[ToolSpec], choice: Choice) -> tuple[ToolSpec, ...]:
    """The tools that a choice leaves."""
    if choice == "none":
        return ()
    return tuple(tool for tool in tools if not isinstance(choice, Only) or tool.name == choice.name)


def checked(call: ToolCall, tools: Sequence[ToolSpec], model: str) -> ToolCall:
    """The call, if it can be handed to somebody; raises :class:`~nova.errors.MalformedCall`."""
    if call.name not in {tool.name for tool in tools}:
        raise MalformedCall(f"model {model!r} called a tool that it does not have: {call.name[:80]!r}")
    try:
        call.parsed()
    except (ValueError, RecursionError):
        raise MalformedCall(f"model {model!r} called {call.name} with arguments that are no JSON object") from None
    return call
