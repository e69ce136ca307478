"""Tools, simulated: a tool is called when the question plainly names it, and what it says is read out.

Not a language model's judgement: all words of a tool's name must be in the question. What the tool is given is the text
after its name, a number, or one of the values that its schema lists.
"""

import json
import re

from .chat import plain

_TOOLS = re.compile(r"<tools>\n(.*?)\n*</tools>", re.DOTALL)
_BEGUN = '<tool_call>\n{"name": '
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_LEAD = re.compile(r"^(?:(?:in|of|for|to|at|with|from|on|is|the|by|now)\s+)+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def offered(system):
    """The functions that a system message tells of, in the form of Hermes and Qwen."""
    found = []
    block = _TOOLS.search(system)
    for line in block[1].splitlines() if block else ():
        try:
            function = json.loads(line)["function"]
            found.append((str(function["name"]), dict(function.get("parameters") or {})))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def answer(turns, begun):
    """Calls as text, or what a tool has said; None if the question is for somebody else.

    ``begun`` is how the prompt begins the answer: a call must follow.
    """
    tools = offered(turns.system)
    text = plain(turns.user)
    if begun.startswith(_BEGUN) and tools:
        return _rest(begun, tools, text)
    if turns.results:
        return f"Here is what I got. {'. '.join(map(_spoken, turns.results))}."
    named = [tool for tool in tools if _words(tool[0]) <= set(text.split())]
    return "\n".join(f"<tool_call>\n{_call(tool, text)}\n</tool_call>" for tool in named) or None


def _rest(begun, tools, text):
    """The rest of a call that the prompt has begun: of one tool, or of whichever fits."""
    begun = begun.removeprefix("<tool_call>\n")
    best = max(tools, key=lambda tool: len(_words(tool[0]) & set(text.split())))
    tool = next((tool for tool in tools if begun.startswith(f'{{"name": {json.dumps(tool[0])}')), best)
    return f"{_call(tool, text).removeprefix(begun)}\n</tool_call>"


def _call(tool, text):
    name, schema = tool
    properties = schema.get("properties") if isinstance(schema.get("properties"), dict) else {}
    given = {key: _value(kind, name, text) for key, kind in properties.items() if isinstance(kind, dict)}
    return json.dumps({"name": name, "arguments": {key: value for key, value in given.items() if value is not None}},
                      ensure_ascii=False)  # fmt: skip


def _value(kind, name, text):
    if isinstance(kind.get("enum"), list):
        return next((value for value in kind["enum"] if str(value).lower() in text), None)
    if kind.get("type") in ("number", "integer"):
        found = _NUMBER.search(text)
        return None if not found else int(float(found[0])) if kind["type"] == "integer" else float(found[0])
    if kind.get("type") == "boolean":
        return not re.search(r"\b(off|no|not)\b", text)
    last = max((text.rfind(word) + len(word) for word in _words(name) if word in text), default=0)
    return _LEAD.sub("", text[last:].strip()) or None


def _words(name):
    return {word.lower() for word in _WORD.findall(name)}


def _spoken(result):
    """A result for the ear: of JSON its values with their names."""
    try:
        value = json.loads(result)
    except ValueError:
        return " ".join(result.split()).rstrip(".")[:400] or "Nothing"
    return _flat(value)[:400]


def _flat(value):
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_flat(inner)}" for key, inner in value.items())
    return ", ".join(map(_flat, value)) if isinstance(value, list) else str(value)
