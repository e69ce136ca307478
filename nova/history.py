"""What was said so far, as it was **heard**: a reply that was cut off enters only as far as the user heard it.

Pure, no clock, no I/O. A reply is recorded under its generation number with the text that playout reports as heard, and
can be corrected or withdrawn later. The history is bounded in tokens; the persona is never trimmed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from nova.mind import Message

INTERRUPTED = " —"
"""Appended to a reply that was cut off, so that the model knows (and does not go on as if it had finished)."""


def estimate_tokens(text: str) -> int:
    """A cautious estimate without a tokenizer: a token is about 3.5 bytes of text, and a message costs four more."""
    return 4 + -(-len(text.encode()) * 2 // 7)


@dataclass(frozen=True, slots=True)
class _Entry:
    role: Literal["user", "assistant"]
    text: str
    generation: int | None = None
    interrupted: bool = False

    def message(self) -> Message:
        return Message(self.role, self.text + INTERRUPTED if self.interrupted else self.text)


class History:
    """A conversation of at most ``max_tokens`` tokens, the persona included.

    ``count`` estimates a text's tokens. Older turns are forgotten first, always whole, so that what is left starts
    with the user.
    """

    def __init__(
        self, persona: str = "", max_tokens: int = 3000, count: Callable[[str], int] = estimate_tokens
    ) -> None:
        self.persona = persona
        self.max_tokens = max_tokens
        self._count = count
        self._entries: list[_Entry] = []
        self._withdrawn: deque[int] = deque(maxlen=64)
        self._newest = -1  # generation

    def user(self, text: str) -> None:
        """Records what the user said; joined to the last entry if nothing was heard from her in between."""
        text = text.strip()
        if not text:
            return
        if self._entries and self._entries[-1].role == "user":
            text = f"{self._entries.pop().text} {text}"
        self._entries.append(_Entry("user", text))
        self._trim()

    def assistant(self, generation: int, heard: str, interrupted: bool = False) -> None:
        """Records or corrects what was heard of a reply; of a withdrawn generation nothing is recorded any more.

        An empty ``heard`` removes the reply: then she has said nothing. What was removed or is forgotten stays away,
        for its place in the conversation is gone: generations are recorded in order.
        """
        if generation in self._withdrawn:
            return
        heard = heard.strip()
        at = next((i for i, e in enumerate(self._entries) if e.generation == generation), None)
        if at is None:
            if heard and generation > self._newest:
                self._entries.append(_Entry("assistant", heard, generation, interrupted))
        elif heard:
            self._entries[at] = replace(self._entries[at], text=heard, interrupted=interrupted)
        else:
            del self._entries[at]
            self._join_users(at)
        self._newest = max(self._newest, generation)
        self._trim()

    def withdraw(self, generation: int) -> str:
        """Takes the turn of a reply that came too early back: the reply is gone, and the user's text is returned.

        The caller puts it in front of what the user goes on to say, so that both become one turn. Only the last turn
        can be withdrawn, whether its reply has been recorded yet or not; otherwise nothing happens and the result is
        empty.
        """
        last = self._entries[-1] if self._entries else None
        if last is None or generation in self._withdrawn:
            return ""
        if last.role == "assistant":
            if last.generation != generation:
                return ""
            self._entries.pop()
        elif any(e.generation is not None and e.generation >= generation for e in self._entries):
            return ""  # an older reply: the last words of the user belong to a later one
        self._withdrawn.append(generation)
        if self._entries and self._entries[-1].role == "user":
            return self._entries.pop().text
        return ""

    def messages(self, pending_user_text: str = "") -> list[Message]:
        """What the model gets: the persona, as much of the conversation as fits, and the text not yet recorded."""
        entries = list(self._entries)
        pending = pending_user_text.strip()
        if pending:
            if entries and entries[-1].role == "user":
                pending = f"{entries.pop().text} {pending}"
            entries.append(_Entry("user", pending))
        messages = [Message("system", self.persona)] if self.persona else []
        for entry in self._fitting(entries):
            message = entry.message()
            if messages and messages[-1].role == message.role:  # many chat templates insist on taking turns
                message = Message(message.role, f"{messages.pop().content} {message.content}")
            messages.append(message)
        return messages

    def _join_users(self, at: int) -> None:
        """Two entries of the user became neighbours at ``at``: they are one turn."""
        if 0 < at < len(self._entries) and self._entries[at - 1].role == self._entries[at].role == "user":
            joined = f"{self._entries[at - 1].text} {self._entries[at].text}"
            self._entries[at - 1 : at + 1] = [_Entry("user", joined)]

    def _trim(self) -> None:
        self._entries = self._fitting(self._entries)

    def _fitting(self, entries: list[_Entry]) -> list[_Entry]:
        """The newest whole turns that fit; the last entry always stays, shortened from its front if it must be."""
        room = self.max_tokens - (self._count(self.persona) if self.persona else 0)
        costs = [self._count(e.message().content) for e in entries]
        total = sum(costs)
        start = 0
        while start < len(entries) - 1 and total > room:
            total -= costs[start]
            start += 1
            while start < len(entries) - 1 and entries[start].role == "assistant":
                total -= costs[start]
                start += 1
        kept = entries[start:]
        if len(kept) == 1 and total > room:
            kept = [replace(kept[0], text=self._shorten(kept[0].text, room))]
        return kept

    def _shorten(self, text: str, room: int) -> str:
        while self._count(text) > room and len(text) > 1:
            text = text[max(1, len(text) // 8) :]
        return text
