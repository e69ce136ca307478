"""Tool calls that a model writes as text, in the dialects of the usual chat templates. Pure.

    Hermes, Qwen      <tool_call>{"name": "f", "arguments": {…}}</tool_call>
    Nemotron          <TOOLCALL>[{"name": "f", "arguments": {…}}]</TOOLCALL>
    Qwen3-Coder       <tool_call><function=f><parameter=a>…</parameter></function></tool_call>, also Nemotron 3
    Llama 3           {"name": "f", "parameters": {…}}; {…}  as the whole answer, or after <|python_tag|>
    Llama 3.1         <function=f>{…}</function>
    Mistral           [TOOL_CALLS][{"name": "f", "arguments": {…}}]

What finds them in a stream, and keeps them from being spoken, is :mod:`nova.thoughts`.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nova.errors import MalformedCall
from nova.tools import ToolCall, ToolSpec, checked

_TAGS = re.compile(
    r"</?(?:tool_calls?|toolcall|function_calls?|functioncall|minimax:tool_call|\|?tool_call\|?)>|<\|/?tool_call\|?>"
    r"|<\|python_tag\|>|\[TOOL_CALLS\]|```(?:tool_call|tool_code)?",
    re.IGNORECASE,
)
_FUNCTION = re.compile(r"<function=([^>\s]+)\s*>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\s]+)\s*>\n?(.*?)\n?</parameter>", re.DOTALL)
_END = re.compile(r"<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text)\|>|</s>")
MOST_PARAMETERS = 64
"""Parameters in one call: a model that opens one after the other is not followed."""

_DECODER = json.JSONDecoder()


def new_id() -> str:
    """An id for a call that came without one."""
    return f"call_{secrets.token_hex(10)}"


def read_calls(text: str, tools: Sequence[ToolSpec], model: str) -> list[ToolCall]:
    """The calls in the text of one passage, tags and all. Raises :class:`~nova.errors.MalformedCall`."""
    body = _END.split(text)[0]
    try:
        found = list(_functions(body, tools) if "<function=" in body else _objects(_TAGS.sub(" ", body)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = []
    if not found:
        raise MalformedCall(f"model {model!r} called a tool in a form that nobody can read")
    return [checked(ToolCall(new_id(), name, arguments), tools, model) for name, arguments in found]


def _objects(text: str) -> Iterator[tuple[str, str]]:
    """Name and arguments of calls written in JSON: objects, or lists of them, one after the other."""
    at = 0
    while rest := text[at:].lstrip(" \t\r\n;,"):
        at = len(text) - len(rest)
        value, length = _DECODER.raw_decode(rest)
        at += length
        for call in value if isinstance(value, list) else [value]:
            inner = call.get("function")
            told: dict[str, Any] = inner if isinstance(inner, dict) else call
            given: Any = next((told[key] for key in ("arguments", "parameters") if told.get(key) is not None), {})
            yield str(told["name"]), given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _functions(text: str, tools: Sequence[ToolSpec]) -> Iterator[tuple[str, str]]:
    """Name and arguments of calls that name their function in a tag."""
    for name, body in _FUNCTION.findall(text):
        if body.lstrip().startswith("{"):
            yield name, body.strip()
            continue
        if body.count("<parameter=") > MOST_PARAMETERS:
            raise ValueError("parameters without end")
        schema = next((tool.parameters for tool in tools if tool.name == name), {})
        properties = schema.get("properties") or {}
        given = {key: _value(text, properties.get(key)) for key, text in _PARAMETER.findall(body)}
        yield name, json.dumps(given, ensure_ascii=False)


def _value(text: str, schema: object) -> Any:
    """A parameter's value: text where the schema says so, else JSON where it is some."""
    if isinstance(schema, Mapping) and schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
