"""What was said so far, as it was **heard**: a reply that was cut off enters only as far as the user heard it.

Pure, no clock, no I/O. A turn is what the user said and what was heard of the reply; both are recorded under the
reply's generation number, and can be corrected or withdrawn by it. So roles take turns, as many chat templates insist,
and nothing is ever joined. Where one side was silent, a mark stands for it: :data:`UNHEARD` or :data:`UNCLEAR`.

The history is bounded in tokens. Old turns are forgotten first, always whole. The persona is never trimmed, nor is the
newest question: a question that is longer than the room is sent whole, and a server that cannot take it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nova.mind import Message

INTERRUPTED = " —"
"""Appended to a reply that was cut off, so that the model knows (and does not go on as if it had finished)."""

UNHEARD = "—"
"""Stands for a reply of which nothing was heard: a reply that was cut off at once."""

UNCLEAR = "…"
"""Stands for what the user said where no words were understood, such as before "I didn't catch that"."""

LEAST_ROOM = 128
"""Tokens that a persona must leave of the limit: a question of some forty words, and an answer as long."""


def estimate_tokens(text: str) -> int:
    """A cautious estimate without a tokenizer: a token is about 3.5 bytes of text, and a message costs four more."""
    return 4 + -(-len(text.encode()) * 2 // 7)


@dataclass(slots=True)
class _Turn:
    """What was said and heard under one generation; ``heard`` is empty while nothing was, or was so far."""

    said: str = ""
    heard: str = ""
    interrupted: bool = False

    def question(self) -> Message:
        return Message("user", self.said or UNCLEAR)

    def answer(self) -> Message:
        if not self.heard:
            return Message("assistant", UNHEARD)
        return Message("assistant", self.heard + INTERRUPTED if self.interrupted else self.heard)


class History:
    """A conversation of about ``max_tokens`` tokens, the persona included; ``count`` estimates a text's tokens."""

    def __init__(
        self, persona: str = "", max_tokens: int = 3000, count: Callable[[str], int] = estimate_tokens
    ) -> None:
        self.persona = persona
        self.max_tokens = max_tokens
        self._count = count
        self._turns: dict[int, _Turn] = {}  # by generation, which only grows
        self._newest = -1

    def user(self, generation: int, text: str) -> None:
        """Records, or corrects, what the user said that ``generation`` replies to."""
        if turn := self._turn(generation):
            turn.said = text.strip()
            self._trim()

    def assistant(self, generation: int, heard: str, interrupted: bool = False) -> None:
        """Records, or corrects, what was heard of a reply; of one that was withdrawn or forgotten nothing is kept."""
        if turn := self._turn(generation):
            turn.heard, turn.interrupted = heard.strip(), interrupted
            self._trim()

    def withdraw(self, generation: int) -> None:
        """Takes a turn back that was decided too early, with what was said and heard in it, for good."""
        self._newest = max(self._newest, generation)
        self._turns.pop(generation, None)

    def messages(self, pending_user_text: str | None = None) -> list[Message]:
        """What the model gets: the persona, as much of the conversation as fits, and the text not yet recorded.

        The roles of ``user`` and ``assistant`` take turns, and ``user`` begins. An empty text asks for an answer to
        what stands there: to what was not answered yet, or else :data:`UNCLEAR` stands for what the user might say.
        """
        turns = self._spoken()
        pending = (pending_user_text or "").strip()
        if pending or (pending_user_text is not None and not (turns and turns[-1].said and not turns[-1].heard)):
            turns.append(_Turn(pending))
        messages = [Message("system", self.persona)] if self.persona else []
        turns = self._fitting(turns)
        for turn in turns:
            messages += (turn.question(), turn.answer())
        if turns and not turns[-1].heard:
            messages.pop()  # it is being answered
        return messages

    def _turn(self, generation: int) -> _Turn | None:
        """The turn of a generation; a new one for a new generation, None for one that is gone."""
        if generation > self._newest:
            self._newest = generation
            self._turns[generation] = _Turn()
        return self._turns.get(generation)

    def _trim(self) -> None:
        kept = self._fitting(self._spoken())
        for generation, turn in list(self._turns.items()):
            if not kept or turn is kept[0]:
                break
            del self._turns[generation]

    def _spoken(self) -> list[_Turn]:
        """The turns in which anything was said or heard."""
        return [turn for turn in self._turns.values() if turn.said or turn.heard]

    def _fitting(self, turns: list[_Turn]) -> list[_Turn]:
        """The newest of these turns that fit; the last one always does."""
        room = self.max_tokens - (self._count(self.persona) if self.persona else 0)
        for start in range(len(turns) - 1, -1, -1):
            room -= self._count(turns[start].question().content) + self._count(turns[start].answer().content)
            if room < 0:
                return turns[min(start + 1, len(turns) - 1) :]
        return turns
