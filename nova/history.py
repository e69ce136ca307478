"""What was said so far, as it was **heard**: a reply that was cut off enters only as far as the user heard it.

Pure, no clock, no I/O. A turn is what the user said and what was heard of the reply; both are recorded under the
reply's generation number, and can be corrected or withdrawn by it. So roles take turns, as many chat templates insist,
and nothing is ever joined. Where one side was silent, a mark stands for it: :data:`UNHEARD` or :data:`UNCLEAR`.

What a reply called stays in its turn, with the results. A reply that answers them is a turn without a question, which
follows it at once. A call without a result has :data:`NO_RESULT`, so that a request is whole whatever became of it.

The history is bounded in tokens. Old turns are forgotten first, always whole. The persona is never trimmed, nor is the
newest question: a question that is longer than the room is sent whole, and a server that cannot take it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from nova.mind import Message
from nova.results import as_data
from nova.tools import ToolCall

INTERRUPTED = " —"
"""Appended to a reply that was cut off, so that the model knows (and does not go on as if it had finished)."""

UNHEARD = "—"
"""Stands for a reply of which nothing was heard: a reply that was cut off at once."""

UNCLEAR = "…"
"""Stands for what the user said where no words were understood, such as before "I didn't catch that"."""

NO_RESULT = "(no result)"
"""Stands for the result of a tool that has not answered."""

CUT = " […]"
"""Ends a result that is too long for the model to be given all of it."""

RESULTS_SHARE = 0.5
"""Of the limit, what the results of one turn may take together."""

MOST_CALLS = 64
"""Calls that are kept of one turn; later ones are refused."""

CHARACTERS_PER_TOKEN = 3.5
"""Of plain text; what :func:`estimate_tokens` takes for the bytes of one."""

LEAST_ROOM = 128
"""Tokens that a persona must leave of the limit: a question of some forty words, and an answer as long."""


def estimate_tokens(text: str) -> int:
    """A cautious estimate without a tokenizer: a token is about 3.5 bytes of text, and a message costs four more."""
    return 4 + -(-len(text.encode()) * 2 // 7)


@dataclass(slots=True)
class _Called:
    """A call, and its result once there is one. ``here``: the same reply goes on with the result."""

    call: ToolCall
    result: str | None = None
    here: bool = False


@dataclass(slots=True)
class _Turn:
    """What was said and heard under one generation; ``heard`` is empty while nothing was, or was so far.

    ``wordless``: it answers what stands there, such as the results of tools. ``unsaid``, ``unheard``: what was said, or
    heard, is forgotten.
    """

    said: str = ""
    heard: str = ""
    interrupted: bool = False
    wordless: bool = False
    unsaid: bool = False
    unheard: bool = False
    calls: list[_Called] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Whether there is something in it to answer: a question, or what tools said."""
        return bool(self.open_calls or (self.said and not (self.heard or self.unheard)))

    @property
    def open_calls(self) -> list[_Called]:
        """Those that another reply answers."""
        return [called for called in self.calls if not called.here]

    def question(self) -> Message:
        return Message("user", self.said or UNCLEAR)

    def answer(self) -> Message:
        heard = self.heard + INTERRUPTED if self.heard and self.interrupted else self.heard
        if calls := self.open_calls:
            return Message("assistant", heard, tuple(called.call for called in calls))
        return Message("assistant", heard or UNHEARD)

    def goes_on_from(self, before: _Turn | None) -> bool:
        """Whether it answers the calls of the turn before, with no words of the user between."""
        return self.wordless and before is not None and bool(before.open_calls)


class History:
    """A conversation of about ``max_tokens`` tokens, the persona included; ``count`` estimates a text's tokens."""

    def __init__(
        self, persona: str = "", max_tokens: int = 3000, count: Callable[[str], int] = estimate_tokens
    ) -> None:
        self.persona = persona
        self.notes = ""
        """What stands below the persona in every request, such as what the user asked to remember."""
        self.max_tokens = max_tokens
        self._count = count
        self._turns: dict[int, _Turn] = {}  # by generation, which only grows
        self._newest = -1

    def user(self, generation: int, text: str) -> None:
        """Records, or corrects, what the user said that ``generation`` replies to; empty if it answers results."""
        if turn := self._turn(generation):
            turn.said = "" if turn.unsaid else text.strip()
            turn.wordless = not turn.said
            self._trim()

    def assistant(self, generation: int, heard: str, interrupted: bool = False) -> None:
        """Records, or corrects, what was heard of a reply; of one that was withdrawn or forgotten nothing is kept."""
        if turn := self._turn(generation):
            turn.heard, turn.interrupted = "" if turn.unheard else heard.strip(), interrupted
            self._trim()

    def called(self, generation: int, call: ToolCall, *, here: bool = False) -> bool:
        """Records that a reply called a tool; false if that reply is gone, or has called too many.

        ``here``: the same reply goes on with the result, and is recorded as an answer to it.
        """
        turn = self._turn(generation)
        if turn is None or len(turn.calls) >= MOST_CALLS:
            return False
        turn.calls.append(_Called(call, here=here))
        self._trim()
        return True

    def recall(self, call: ToolCall) -> bool:
        """Records a call that was made elsewhere: the newest reply's. False if there is no place for it."""
        return self.called(next(reversed(self._turns), max(self._newest, 0)), call)

    def answered(self, call_id: str, result: str) -> bool:
        """Records what a tool said, once; false if no call of this id waits for it, or no longer."""
        for turn in reversed(self._turns.values()):
            for called in turn.calls:
                if called.call.id == call_id and called.result is None:
                    called.result = as_data(result)
                    self._trim()
                    return True
        return False

    def knows(self, call_id: str) -> bool:
        """Whether a call with this id is remembered."""
        return any(called.call.id == call_id for turn in self._turns.values() for called in turn.calls)

    def remember(self, place: int, said: str, heard: str, interrupted: bool = False) -> None:
        """Records an exchange of an earlier conversation; ``place``, below zero, stands for its generation.

        Where nothing was said before the answer, it answers what the turn before has called, if it has.
        """
        self._turns[place] = _Turn(said.strip(), heard.strip(), interrupted, wordless=not said.strip())
        self._trim()

    def forget(self, generation: int, *, said: bool) -> None:
        """Forgets what the user ``said`` in a turn, or else what was heard of the reply, whatever is told of it later.

        A turn of which both are forgotten is gone. What tools were called stays with it.
        """
        if turn := self._turns.get(generation):
            if said:
                turn.said, turn.unsaid = "", True
            else:
                turn.heard, turn.unheard = "", True

    def withdraw(self, generation: int) -> None:
        """Takes a turn back that was decided too early, with what was said and heard in it, for good."""
        self._newest = max(self._newest, generation)
        self._turns.pop(generation, None)

    def messages(self, pending_user_text: str | None = None, instructions: str = "") -> list[Message]:
        """What the model gets: the persona, as much of the conversation as fits, and the text not yet recorded.

        ``instructions`` stand below the persona, and take of the room as it does.

        The roles of ``user`` and ``assistant`` take turns, and ``user`` begins. The results of an assistant's calls
        follow it, and then an assistant again. An empty text asks for an answer to what stands there: to such results,
        to what was not answered yet, or else :data:`UNCLEAR` stands for what the user might say.
        """
        turns = self._spoken()
        pending = (pending_user_text or "").strip()
        if pending or (pending_user_text is not None and not (turns and turns[-1].waits)):
            turns.append(_Turn(pending))
        system = "\n\n".join(filter(None, (self.persona, self.notes, instructions)))
        messages = [Message("system", system)] if system else []
        before: _Turn | None = None
        for turn in self._fitting(turns, system):
            if not turn.goes_on_from(before):
                if before and before.open_calls:
                    messages.append(Message("assistant", UNHEARD))  # nobody answered with what the tools had said
                messages.append(turn.question())
            messages += self._answer(turn)
            before = turn
        if before and not before.heard and not before.unheard and not before.open_calls:
            messages.pop()  # it is being answered
        return messages

    def _answer(self, turn: _Turn) -> list[Message]:
        """What a turn's reply called and went on with, what was heard of it, and what others are to answer."""
        here = [called for called in turn.calls if called.here]
        before = [Message("assistant", "", tuple(called.call for called in here))] if here else []
        return [*before, *self._results(turn, here), turn.answer(), *self._results(turn, turn.open_calls)]

    def _results(self, turn: _Turn, calls: list[_Called]) -> list[Message]:
        return [
            Message("tool", NO_RESULT if called.result is None else self._short(called.result, turn), (), called.call)
            for called in calls
        ]

    @property
    def result_room(self) -> int:
        """For how many characters of results one turn has room, about."""
        return int(self.max_tokens * RESULTS_SHARE * CHARACTERS_PER_TOKEN)

    def _short(self, result: str, turn: _Turn) -> str:
        """As much of a result as its turn has room for."""
        room = max(1, int(self.max_tokens * RESULTS_SHARE / len(turn.calls)))
        if self._count(result) <= room:
            return result
        while result and self._count(result + CUT) > room:
            result = result[: min(len(result) - 1, len(result) * room // self._count(result + CUT))]
        return result + CUT

    def _cost(self, turn: _Turn) -> int:
        """The tokens of a turn's messages."""
        messages = [turn.question(), *self._answer(turn)]
        called = [f"{call.name} {call.arguments}" for message in messages for call in message.calls]
        return sum(self._count(text) for text in [*(message.content for message in messages), *called])

    def _turn(self, generation: int) -> _Turn | None:
        """The turn of a generation; a new one for a new generation, None for one that is gone."""
        if generation > self._newest:
            self._newest = generation
            self._turns[generation] = _Turn()
        return self._turns.get(generation)

    def _trim(self) -> None:
        kept = self._fitting(self._spoken(), "\n\n".join(filter(None, (self.persona, self.notes))))
        for generation, turn in list(self._turns.items()):
            if not kept or turn is kept[0]:
                break
            del self._turns[generation]

    def _spoken(self) -> list[_Turn]:
        """The turns in which anything was said, heard or called."""
        return [turn for turn in self._turns.values() if turn.said or turn.heard or turn.calls]

    def _fitting(self, turns: list[_Turn], system: str) -> list[_Turn]:
        """The newest of these turns that fit beside what the system says; the last one always does.

        A turn that answers calls is kept with them, or not at all.
        """
        room = self.max_tokens - (self._count(system) if system else 0)
        kept = len(turns)
        for start in range(len(turns) - 1, -1, -1):
            room -= self._cost(turns[start])
            if room < 0 and kept < len(turns):
                break
            if not turns[start].goes_on_from(turns[start - 1] if start else None):
                kept = start
        return turns[kept:]
