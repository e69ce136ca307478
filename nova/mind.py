"""The protocol of a mind, a served language model: messages in, text and calls of tools out. No gRPC, no HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from nova.tools import Choice, ToolCall, ToolSpec

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a conversation as the model sees it.

    ``calls`` are the assistant's, beside what it says. A message of role ``tool`` holds the result of ``answers``.
    """

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()
    answers: ToolCall | None = None


class Mind(Protocol):
    """A served language model.

    ``reply`` streams the answer's text in pieces, without ``<think>`` passages or special tokens, and the calls of
    ``tools``, each once it is complete. It may hold both, or calls alone. Closing the generator (``aclose`` or
    cancelling its task) cancels the generation on the server.
    """

    def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]: ...
