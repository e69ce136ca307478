"""Her words where somebody has written them: stands in for the model in a reply that is to be said as it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from nova.mind import Message
from nova.tools import Choice, ToolCall, ToolSpec


class Verbatim:
    """A :class:`nova.mind.Mind` that answers with ``text``, whatever it is asked."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        yield self._text
