"""How a prompt tells of tools and a call is written: Hermes and Qwen in JSON, Nemotron 3 and Qwen3-Coder in tags."""

import json
import re

_TOOLS = re.compile(r"<tools>\n(.*?)\n*</tools>", re.DOTALL)
_FUNCTION = re.compile(r"<function>\n<name>(.*?)</name>\n<description>(.*?)</description>\n<parameters>(.*?)"
                       r"</parameters>\n</function>", re.DOTALL)  # fmt: skip
_PARAMETER = re.compile(r"<parameter>\n<name>(.*?)</name>\n(.*?)</parameter>", re.DOTALL)
_FIELD = re.compile(r"<(\w+)>(.*?)</\1>", re.DOTALL)
_REQUIRED = re.compile(r"<required>(\[.*?\])</required>")
MOST_TOOLS = 64
"""Tools that are looked at; a prompt may hold any number."""


class Tool:
    """A tool as it was told: its ``name``, ``description``, and the schema of its ``properties``."""

    def __init__(self, name, description, schema):
        schema = schema if isinstance(schema, dict) else {}
        properties = schema.get("properties")
        self.name, self.description = name, description if isinstance(description, str) else ""
        self.properties = {key: kind for key, kind in properties.items() if isinstance(kind, dict)} if isinstance(
            properties, dict) else {}  # fmt: skip
        required = schema.get("required")
        self.required = [key for key in required if key in self.properties] if isinstance(required, list) else []


def offered(system):
    """The tools that a system message tells of, and the dialect that calls to them are written in."""
    block = _TOOLS.search(system)
    if block and "<function>" in block[1]:
        return _tagged(block[1])[:MOST_TOOLS], Tagged
    return [tool for line in (block[1].splitlines() if block else ())[:MOST_TOOLS] if (tool := _line(line))], Hermes


def _line(line):
    try:
        function = json.loads(line)["function"]
        return Tool(str(function["name"]), function.get("description"), function.get("parameters"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _tagged(block):
    found = []
    for name, description, body in _FUNCTION.findall(block):
        properties = {key: {field: _value(text) for field, text in _FIELD.findall(fields)}
                      for key, fields in _PARAMETER.findall(body)}  # fmt: skip
        required = _REQUIRED.search(body)
        found.append(Tool(name, description, {"properties": properties, "required": required and _value(required[1])}))
    return found


def _value(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


class Hermes:
    """``<tool_call>`` around JSON."""

    @staticmethod
    def call(call):
        name, given = call
        return f"<tool_call>\n{json.dumps({'name': name, 'arguments': given}, ensure_ascii=False)}\n</tool_call>"

    @staticmethod
    def begins(begun):
        return begun.startswith('<tool_call>\n{"name": ')

    @classmethod
    def rest(cls, begun, call):
        return cls.call(call).removeprefix(begun)


class Tagged:
    """``<tool_call>`` around a function and parameters in tags of their own."""

    @staticmethod
    def call(call):
        name, given = call
        lines = [f"<parameter={key}>\n{value if isinstance(value, str) else json.dumps(value)}\n</parameter>\n"
                 for key, value in given.items()]  # fmt: skip
        return f"<tool_call>\n<function={name}>\n{''.join(lines)}</function>\n</tool_call>"

    @staticmethod
    def begins(begun):
        return begun.removeprefix("<think></think>").startswith("<tool_call>\n<function=")

    @classmethod
    def rest(cls, begun, call):
        return cls.call(call).removeprefix(begun.removeprefix("<think></think>").lstrip("\n"))
