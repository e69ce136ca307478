"""What a model may write when it calls tools, and how it is read however the stream is cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nova.generation import Cleaner
from nova.tools import ToolCall, ToolSpec

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
WEATHER = ToolSpec("get_weather", "Tells the weather.", CITY)
CLOCK = ToolSpec("now", "Tells the time.")
TOOLS = (WEATHER, CLOCK)


def plain(calls: Sequence[ToolCall]) -> list[tuple[str, Any]]:
    """Calls without their ids, which are made anew."""
    return [(call.name, json.loads(call.arguments)) for call in calls]


def read(pieces: Sequence[str], tools: Sequence[ToolSpec] = TOOLS, **options: Any) -> tuple[str, list[ToolCall]]:
    """What is spoken of a stream, and what it calls."""
    cleaner = Cleaner((), style="auto", tools=tools, model="m", **options)
    out = [part for piece in pieces for part in cleaner.take(piece)] + cleaner.take(None)
    spoken = "".join(part for part in out if isinstance(part, str))
    return spoken, [part for part in out if isinstance(part, ToolCall)]
