"""Tool calls that a model writes as text, in the dialects of the usual chat templates. Pure.

    Hermes, Qwen      <tool_call>{"name": "f", "arguments": {…}}</tool_call>
    Nemotron          <TOOLCALL>[{"name": "f", "arguments": {…}}]</TOOLCALL>
    Qwen3-Coder       <tool_call><function=f><parameter=a>…</parameter></function></tool_call>, also Nemotron 3
    Llama 3           {"name": "f", "parameters": {…}}; {…}  as the whole answer, or after <|python_tag|>
    Llama 3.1         <function=f>{…}</function>
    Mistral           [TOOL_CALLS][{"name": "f", "arguments": {…}}], since 2025 [TOOL_CALLS]f[ARGS]{…}
    gpt-oss           <|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>
    DeepSeek          <｜tool▁call▁begin｜>f<｜tool▁sep｜>{…}<｜tool▁call▁end｜>, since V3.2 as MiniMax
    Kimi K2           <|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{…}<|tool_call_end|>
    GLM               <tool_call>f <arg_key>a</arg_key> <arg_value>…</arg_value></tool_call>
    MiniMax           <invoke name="f"><parameter name="a">…</parameter></invoke>

What finds them in a stream, and keeps them from being spoken, is :mod:`nova.thoughts`.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nova.errors import MalformedCall
from nova.tools import ToolCall, ToolSpec, checked

_TAGS = re.compile(
    r"</?(?:tool_calls?|toolcall|function_calls?|functioncall|(?:minimax|seed):tool_call|\|?tool_call\|?)>"
    r"|<\|/?tool_call\|?>|<\|python_tag\|>|<\|(?:START|END)_ACTION\|>|\[TOOL_CALLS\]|```(?:tool_call|tool_code)?",
    re.IGNORECASE,
)
_FUNCTION = re.compile(r"<function=([^>\s]+)\s*>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\s]+)\s*>\n?(.*?)\n?</parameter>", re.DOTALL)
_KEYED = re.compile(r"<tool_call>\s*([^\s<]+)(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_KEY = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)
_INVOKE = re.compile(r"<(?:｜DSML｜)?invoke name=\"([^\"]+)\">(.*?)(?:</(?:｜DSML｜)?invoke>|\Z)", re.DOTALL)
_INVOKED = re.compile(r"<(?:｜DSML｜)?parameter name=\"([^\"]+)\"[^>]*>(.*?)</(?:｜DSML｜)?parameter>", re.DOTALL)
_NAMED = re.compile(
    r"\[TOOL_CALLS\]\s*(?P<mistral>[\w.-]+)(?:\[CALL_ID\]\w+)?\[ARGS\]"
    r"|<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?(?P<deepseek>[\w.-]+)(?:<｜tool▁sep｜>|\n```json)"
    r"|<\|tool_call_begin\|>(?:functions\.)?(?P<kimi>[\w.-]+?)(?::\d+)?<\|tool_call_argument_begin\|>"
    r"|^to=functions\.(?P<harmony>[\w.-]+)<\|message\|>"
)
_END = re.compile(r"<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text)\|>|</s>")
MOST_PARAMETERS = 64
"""Parameters in one call: a model that opens one after the other is not followed."""

_LETTERS = string.ascii_letters + string.digits
_DECODER = json.JSONDecoder()


def new_id() -> str:
    """An id for a call that came without one: nine letters and digits, for Mistral's servers take no other."""
    return "".join(secrets.choice(_LETTERS) for _ in range(9))


def read_calls(text: str, tools: Sequence[ToolSpec], model: str) -> list[ToolCall]:
    """The calls in the text of one passage, tags and all. Raises :class:`~nova.errors.MalformedCall`."""
    body = _END.split(text)[0]
    try:
        found = list(_found(body, tools))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = []
    if not found:
        raise MalformedCall(f"model {model!r} called a tool in a form that nobody can read")
    return [checked(ToolCall(new_id(), name, arguments), tools, model) for name, arguments in found]


def _found(body: str, tools: Sequence[ToolSpec]) -> Iterator[tuple[str, str]]:
    """Name and arguments of each call, by what shows the dialect."""
    if "<function=" in body:
        return _functions(body, tools)
    if "<arg_key>" in body or (body.startswith("<tool_call>") and "{" not in body):
        return _tagged(_KEYED.findall(body), _KEY, "<arg_key>", tools)
    if "invoke name=" in body:
        return _tagged(_INVOKE.findall(body), _INVOKED, "parameter name=", tools)
    return _named(body) if _NAMED.search(body) else _objects(_TAGS.sub(" ", body))


def _named(text: str) -> Iterator[tuple[str, str]]:
    """Name and arguments of calls whose name stands before the object of arguments."""
    for found in _NAMED.finditer(text):
        rest = text[found.end() :].lstrip()
        given, _ = _DECODER.raw_decode(rest) if rest[:1] == "{" else ({}, 0)
        yield str(found[found.lastgroup or 0]), json.dumps(given, ensure_ascii=False)


def _tagged(
    calls: Sequence[tuple[str, str]], parameter: re.Pattern[str], opening: str, tools: Sequence[ToolSpec]
) -> Iterator[tuple[str, str]]:
    """Name and arguments of calls whose every parameter stands between tags."""
    for name, body in calls:
        if body.count(opening) > MOST_PARAMETERS:
            raise ValueError("parameters without end")
        yield name, _arguments(name, parameter.findall(body), tools)


def _arguments(name: str, given: Sequence[tuple[str, str]], tools: Sequence[ToolSpec]) -> str:
    """The object of arguments, each value as its schema has it."""
    schema = next((tool.parameters for tool in tools if tool.name == name), {})
    properties = schema.get("properties") or {}
    return json.dumps({key: _value(text, properties.get(key)) for key, text in given}, ensure_ascii=False)


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
            name = str(told.get("name") or told["tool_name"])
            yield name, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _functions(text: str, tools: Sequence[ToolSpec]) -> Iterator[tuple[str, str]]:
    """Name and arguments of calls that name their function in a tag."""
    for name, body in _FUNCTION.findall(text):
        if body.lstrip().startswith("{"):
            yield name, body.strip()
            continue
        if body.count("<parameter=") > MOST_PARAMETERS:
            raise ValueError("parameters without end")
        yield name, _arguments(name, _PARAMETER.findall(body), tools)


def _value(text: str, schema: object) -> Any:
    """A parameter's value: text where the schema says so, else JSON where it is some."""
    if isinstance(schema, Mapping) and schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
