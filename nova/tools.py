"""Tools as a model sees them: what it may call, and what it called; and how the runtime runs those that are its own.

Nothing here runs one. Whoever does, the runtime or a client far away, gives its result back to
:class:`nova.history.History`. :mod:`nova.functions` makes tools of Python functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
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


_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What servers take for the name of a tool."""


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


Waiting = Literal["look", "work", "reckon", "ask"]
"""What she is doing while a tool runs: looking something up, at work, reckoning, or asking somebody else."""

Question = Callable[[Mapping[str, Any], str], str]
"""What the user is asked before a tool runs with these arguments, in a language such as ``de-DE``: "Shall I …?".

Empty in a language in which it cannot be asked: then the tool does not run.
"""


class ToolError(Exception):
    """A tool failed. The text is for the model, which tells the user: what went wrong, in one sentence."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the runtime runs itself.

    ``run`` takes the arguments of a call, and returns text for the model or raises :class:`ToolError`. It is cancelled
    after ``seconds``, and when the reply is. A tool that only ``reads`` changes nothing: it may run for a guess that
    nobody hears of. ``waiting`` chooses what she says meanwhile. One with a ``question`` runs after the user's yes.
    A ``slow`` one may take minutes, so it runs beside the talk, and she tells the result when it comes.
    """

    spec: ToolSpec
    run: Callable[[Mapping[str, Any]], Awaitable[str]]
    reads: bool = False
    seconds: float = 10.0
    waiting: Waiting = "look"
    question: Question | None = None
    slow: bool = False

    @property
    def name(self) -> str:
        """What the model calls it."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class Only:
    """The model must call the tool of this name."""

    name: str


Choice = Literal["auto", "none", "required"] | Only
"""Whether the model may call a tool, may not, must call one, or must call this one."""


@dataclass(slots=True)
class Toolbox:
    """What a conversation's replies may call that begin from now on.

    ``specs`` are run by a client, ``own`` by the runtime, where it ``offers_own``. ``once`` stands in place
    of ``specs`` and ``choice`` for the next reply that is begun and decided. ``instead`` gives what is run for each of
    ``own``, such as in a replay.
    """

    specs: tuple[ToolSpec, ...] = ()
    choice: Choice = "auto"
    once: Toolbox | None = None
    own: tuple[Tool, ...] = ()
    offers_own: bool = True
    instead: Callable[[Tool], Tool] | None = None

    @property
    def now(self) -> Toolbox:
        """What a reply may call that begins now, whatever changes later. A client's tool hides an own of its name."""
        chosen = self.once or self
        hidden = {spec.name for spec in chosen.specs}
        own = tuple(tool for tool in (self.own if self.offers_own else ()) if tool.name not in hidden)
        return Toolbox(chosen.specs, chosen.choice, own=tuple(map(self.instead, own)) if self.instead else own)

    @property
    def offered(self) -> tuple[ToolSpec, ...]:
        """What a model is told of: the client's tools, then the runtime's own."""
        return (*self.specs, *(tool.spec for tool in self.own))


def offered(tools: Sequence[ToolSpec], choice: Choice) -> tuple[ToolSpec, ...]:
    """The tools that a choice leaves."""
    if choice == "none":
        return ()
    return tuple(tool for tool in tools if not isinstance(choice, Only) or tool.name == choice.name)


def checked(call: ToolCall, tools: Sequence[ToolSpec], model: str) -> ToolCall:
    """The call, if it can be handed to somebody; raises :class:`~nova.errors.MalformedCall`."""
    if call.name not in {tool.name for tool in tools}:
        named = call.name if _NAME.fullmatch(call.name) else "unknown"
        raise MalformedCall(f"model {model!r} called a tool that it does not have: {call.name[:80]!r}", called=named)
    try:
        call.parsed()
    except (ValueError, RecursionError):
        told = f"model {model!r} called {call.name} with arguments that are no JSON object"
        raise MalformedCall(told, called=call.name) from None
    return call
