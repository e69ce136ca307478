"""The protocol of a mind, a served language model: messages in, text out. No gRPC, no HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a conversation as the model sees it."""

    role: Role
    content: str


class Mind(Protocol):
    """A served language model.

    ``reply`` streams the answer's text in pieces, without ``<think>`` passages or special tokens. Closing the
    generator (``aclose`` or cancelling its task) cancels the generation on the server.
    """

    def reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]: ...
