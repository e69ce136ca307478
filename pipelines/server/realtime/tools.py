"""Tools of the client: what she may call, and how calls and results stand on the wire. Pure.

The tools run at the client. Here they are read with care and bounded, for each request to the model carries them.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from nova.tools import Choice, Only, Toolbox, ToolCall, ToolSpec
from pipelines.server.realtime.reading import MOST_ID, Refused, clean, mapping

MOST_TOOLS: Final = 128
MOST_SCHEMA: Final = 64 * 1024
"""Bytes of all tools together, as JSON."""
MOST_OUTPUT: Final = 64 * 1024
"""Bytes of what a tool says, and of the arguments of a call that a client tells of."""
MOST_CALLS: Final = 256
"""Calls that are remembered, to be answered."""


def read_tools(value: object, param: str) -> tuple[tuple[ToolSpec, ...], list[str]]:
    """The functions among the tools that are given, and which tools are none. Raises :class:`Refused`."""
    if value is None:
        return (), []
    if not isinstance(value, list):
        raise Refused("tools is a list.", "invalid_type", param)
    if len(value) > MOST_TOOLS:
        raise Refused(f"She takes at most {MOST_TOOLS} tools.", "array_above_max_length", param)
    tools: dict[str, ToolSpec] = {}
    others = []
    for at, tool in enumerate(value):
        where = f"{param}[{at}]"
        if not isinstance(tool, Mapping):
            raise Refused("A tool is an object.", "invalid_type", where)
        if tool.get("type", "function") != "function":
            others.append(where)
            continue
        name, told, schema = tool.get("name"), tool.get("description") or "", tool.get("parameters")
        if not isinstance(name, str) or not 0 < len(name) <= MOST_ID or not name.isprintable() or name != clean(name):
            raise Refused("A tool has a name, a text.", "missing_required_parameter", f"{where}.name")
        if name in tools:
            raise Refused(f"Two tools have the name '{name}'.", "invalid_value", f"{where}.name")
        if not isinstance(told, str):
            raise Refused("A tool's description is a text.", "invalid_type", f"{where}.description")
        if schema is not None and not isinstance(schema, Mapping):
            raise Refused("A tool's parameters are a JSON schema, an object.", "invalid_type", f"{where}.parameters")
        tools[name] = ToolSpec(name, clean(told), _plain(schema, where)) if schema else ToolSpec(name, clean(told))
    specs = tuple(tools.values())
    if len(json.dumps(written_tools(specs), ensure_ascii=False).encode()) > MOST_SCHEMA:
        raise Refused(f"All tools together have at most {MOST_SCHEMA} bytes.", "string_above_max_length", param)
    return specs, others


def _plain(schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The schema without half surrogate pairs and what is no JSON."""
    try:
        plain: dict[str, Any] = json.loads(clean(json.dumps(schema, ensure_ascii=False, allow_nan=False)))
    except (ValueError, RecursionError):
        raise Refused("The parameters are no JSON schema.", "invalid_value", f"{where}.parameters") from None
    return plain


def read_choice(value: object, tools: Sequence[ToolSpec], param: str) -> Choice:
    """Which tool she must or may call. Raises :class:`Refused`."""
    match value:
        case None:
            return "auto"
        case "auto" | "none" | "required":
            return value
        case {"type": "function", "name": str(name)} if any(tool.name == name for tool in tools):
            return Only(name)
        case {"type": "function"}:
            raise Refused("There is no tool of that name.", "invalid_value", f"{param}.name")
        case _:
            raise Refused("tool_choice is auto, none, required or a function.", "invalid_value", param)


def written_tools(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Tools as a session has them."""
    return [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
        for tool in tools
    ]


def written_choice(choice: Choice) -> str | dict[str, str]:
    """A choice as a session has it."""
    return {"type": "function", "name": choice.name} if isinstance(choice, Only) else choice


def read_order(wished: object, tools: Sequence[ToolSpec], choice: Choice) -> Toolbox | None:
    """The tools of one response, where it has its own; else the session's. Raises :class:`Refused`."""
    given = mapping(wished)
    if given.get("tools") is None and given.get("tool_choice") is None:
        return None
    specs = tuple(tools) if given.get("tools") is None else read_tools(given["tools"], "response.tools")[0]
    if given.get("tool_choice") is not None:
        choice = read_choice(given["tool_choice"], specs, "response.tool_choice")
    return Toolbox(specs, fitting(choice, specs))


def fitting(choice: Choice, tools: Sequence[ToolSpec]) -> Choice:
    """The choice, or ``auto`` where it names a tool that is not there any more."""
    return choice if not isinstance(choice, Only) or choice.name in {tool.name for tool in tools} else "auto"


class Calls:
    """The calls of one connection's conversation, and whether they were answered; the oldest are forgotten."""

    def __init__(self) -> None:
        self._answered: OrderedDict[str, bool] = OrderedDict()

    def add(self, call_id: str) -> None:
        """A tool was called."""
        self._answered[call_id] = False
        while len(self._answered) > MOST_CALLS:
            self._answered.popitem(last=False)

    def answer(self, call_id: str) -> None:
        """A call has its output; one that is forgotten needs none."""
        if call_id in self._answered:
            self._answered[call_id] = True

    def read_call(self, item: Mapping[str, Any]) -> ToolCall:
        """A call of an earlier conversation that a client tells of. Raises :class:`Refused`."""
        call_id, name = _text(item, "call_id", MOST_ID), _text(item, "name", MOST_ID)
        arguments = _text(item, "arguments", MOST_OUTPUT)
        if call_id in self._answered:
            raise Refused(f"There is a call with the id '{call_id}' already.", "invalid_value", "item.call_id")
        call = ToolCall(call_id, name, arguments)
        try:
            call.parsed()
        except (ValueError, RecursionError):
            raise Refused("The arguments are the text of a JSON object.", "invalid_value", "item.arguments") from None
        self.add(call_id)
        return call

    def read_answer(self, item: Mapping[str, Any]) -> tuple[str, str]:
        """The id of a call and what its tool said; the call is answered with it. Raises :class:`Refused`."""
        call_id, output = _text(item, "call_id", MOST_ID), _text(item, "output", MOST_OUTPUT, empty=True)
        if call_id not in self._answered:
            raise Refused(
                f"Tool call ID '{call_id}' not found in conversation.", "invalid_tool_call_id", "item.call_id"
            )
        if self._answered[call_id]:
            raise Refused(f"The call '{call_id}' has its output already.", "invalid_value", "item.call_id")
        self._answered[call_id] = True
        return call_id, output


def _text(item: Mapping[str, Any], name: str, most: int, *, empty: bool = False) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not (value or empty):
        code = "invalid_type" if name in item and not isinstance(value, str) else "missing_required_parameter"
        raise Refused(f"An item of type '{mapping(item).get('type')}' has '{name}', a text.", code, f"item.{name}")
    text = clean(value)
    if len(text.encode()) > most:
        raise Refused(f"'{name}' has at most {most} bytes.", "string_above_max_length", f"item.{name}")
    return text
