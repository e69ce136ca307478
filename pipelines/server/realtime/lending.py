"""Tools that a watching client lends her, such as an Omniverse stage: they run there, as tools of her own. Pure.

The client says what it has by ``sophia.tools``, is told of calls by ``sophia.tool.call``, and answers with
``sophia.tool.result``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nova.tools import ToolSpec
from pipelines.server.realtime.reading import Refused, clean, identity, mapping
from pipelines.server.realtime.tools import MOST_OUTPUT, read_tools

MOST_LENT: Final = 16


@dataclass(frozen=True, slots=True)
class Lent:
    """A tool that is lent; one that only ``reads`` changes nothing."""

    spec: ToolSpec
    reads: bool


@dataclass(frozen=True, slots=True)
class LendTools:
    """The client lends these tools, in place of those before."""

    tools: tuple[Lent, ...]


@dataclass(frozen=True, slots=True)
class LentResult:
    """What came of a call of a lent tool."""

    call_id: str
    output: str
    failed: bool


def lent_tools(event: Mapping[str, Any]) -> LendTools:
    """Reads ``sophia.tools``. Raises :class:`Refused`."""
    given = event.get("tools")
    if isinstance(given, list) and len(given) > MOST_LENT:
        raise Refused(f"At most {MOST_LENT} tools are lent.", "array_above_max_length", "tools")
    specs, others = read_tools(given, "tools")
    if others:
        raise Refused("A tool that is lent is a function.", "invalid_value", others[0])
    reads = {tool.get("name"): tool.get("reads") is True for tool in map(mapping, given or ())}
    return LendTools(tuple(Lent(spec, reads.get(spec.name, False)) for spec in specs))


def lent_result(event: Mapping[str, Any]) -> LentResult:
    """Reads ``sophia.tool.result``. Raises :class:`Refused`."""
    call_id, output = identity(event.get("call_id")), event.get("output")
    if call_id is None:
        raise Refused("sophia.tool.result names a call.", "missing_required_parameter", "call_id")
    if not isinstance(output, str):
        raise Refused("The output of a tool is a text.", "invalid_type", "output")
    if len(output) > MOST_OUTPUT:
        raise Refused(f"An output has at most {MOST_OUTPUT} characters.", "string_above_max_length", "output")
    return LentResult(call_id, clean(output), event.get("failed") is True)
