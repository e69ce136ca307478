"""What a tool of a server said, as text for the model.

A result is data of a stranger: text alone is passed on, and what else there is, is named. It is cut, and is without
control characters; control tokens are taken out of all messages later, by who knows the model's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mcp_types import (
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from nova.tools import ToolError
from pipelines.tools.mcp.naming import plain

MOST_CHARS = 8000
"""Longest result; a model that reads aloud has no use for more."""

ERROR_CHARS = 400
NAME_CHARS = 120
CUT = " […]"
NOTHING = "(done; it said nothing)"


def told(result: CallToolResult) -> str:
    """The result for the model; raises :class:`~nova.tools.ToolError` with the server's words where it has failed."""
    if result.result_type == "input_required":
        raise ToolError("it wants to ask the user something on a form, which cannot be done here")
    text = cut(text_of(result), MOST_CHARS)
    if result.is_error:
        raise ToolError(plain(text, ERROR_CHARS) or "it has failed, and does not say why")
    return text or NOTHING


def text_of(result: CallToolResult) -> str:
    """All parts in order. What a server gives structured stands for it where there is no text beside it."""
    parts = [part for part in map(_part, result.content) if part]
    if not any(isinstance(part, TextContent | EmbeddedResource) for part in result.content):
        parts += [json.dumps(result.structured_content, ensure_ascii=False)] if result.structured_content else []
    return "\n".join(parts)


def cut(text: str, most: int) -> str:
    """As much as ``most`` characters hold, without control characters but for the ends of lines."""
    kept = "".join(_kept(text[: 2 * most])).strip()
    return kept if len(kept) <= most else kept[: most - len(CUT)].rstrip() + CUT


def _kept(text: Iterable[str]) -> Iterator[str]:
    for c in text:
        if c.isprintable() or c == "\n":
            yield c
        elif c.isspace():
            yield " "


def _part(part: Any) -> str:
    match part:
        case TextContent():
            return part.text
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return resource.text
        case EmbeddedResource():
            return _named("a file", str(part.resource.uri), part.resource.mime_type)
        case ResourceLink():
            return _named("a link", part.title or part.name, str(part.uri))
        case ImageContent():
            return _named("an image", part.mime_type)
        case AudioContent():
            return _named("a sound", part.mime_type)
    return ""


def _named(kind: str, *about: str | None) -> str:
    return f"({', '.join([kind, *(plain(word, NAME_CHARS) for word in about if word)])})"
