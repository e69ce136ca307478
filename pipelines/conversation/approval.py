"""Approval by voice: a tool that changes something runs after the user's yes to what she asked. Pure policy.

A question stands from the end of the reply that asked it, if the user has heard it, to the user's next words. They
decide: a yes has that call run, with those arguments and no others. Any other words end the question, and the model is
told so. Words that were her own cannot approve: those of her question do not count. Nor can what a tool said, because
only what the user said in a turn comes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nova.tools import ToolCall
from sophia.completeness import words
from sophia.languages import language as table

Verdict = Literal["yes", "no", "unclear"]

LAPSE_SECONDS = 60.0
"""For a question to be answered; a yes later than that may be to somebody else."""

HEARD_SHARE = 0.8
"""Of the question's words, what must have been heard before an answer to it counts."""

MOST_WORDS = 12
"""Longest yes."""

MOST_KEPT = 4
"""Decided turns whose question may come back: a turn may turn out not to have been over."""

NOT_YET = "This was not run yet. The user is asked first, and has not answered. Say nothing more of it now."
"""The result of a call that waits for a yes."""

DECLINED = "You asked the user whether to run {tool}. The user said no. It was not run; say so, and leave it."
LAPSED = (
    "You asked the user whether to run {tool}. The user did not say yes, so it was not run. If the user still wants "
    "it, call it again: then the user is asked again."
)
"""What the model is told of a question that has ended without a yes."""

CHANGED = "the user's words turned out to be no yes."
"""Why a call does not run that seemed to be approved."""


@dataclass(slots=True)
class Approval:
    """A call that the user seems to have approved. ``given`` once the turn that says so is decided."""

    call: ToolCall
    given: bool = False


@dataclass(slots=True)
class _Question:
    """What a reply asks, or asked; ``until`` is when it lapses, ``over`` that something else was said since."""

    call: ToolCall
    text: str
    language: str
    until: float | None = None
    over: bool = False


class Approvals:
    """The questions of one conversation, one at a time. Generations are named by their numbers; ``at`` is loop time."""

    def __init__(self) -> None:
        self._asking: dict[int, _Question] = {}
        self._open: _Question | None = None
        self._decided: dict[int, _Question] = {}
        self._given: dict[int, Approval] = {}

    def asks(self, generation: int, call: ToolCall, text: str, language: str) -> None:
        """A reply asks whether to run this."""
        self._asking[generation] = _Question(call, text, language)

    def over(self, at: float, generation: int, heard: str) -> None:
        """A reply has ended, of which that much was heard."""
        question = self._asking.pop(generation, None)
        self._given.pop(generation, None)
        if question and heard_share(question.text, heard) >= HEARD_SHARE:
            question.until = at + LAPSE_SECONDS
            self._open = question

    def begins(self, at: float, generation: int, said: str) -> tuple[Approval | None, str]:
        """A reply to these words of the user begins, as a guess: what they approve, and what the model is told."""
        if (question := self._open) is None or not words(said):
            return None, ""
        judged = self._judge(at, question, said)
        if judged == "yes":
            approval = self._given[generation] = Approval(question.call)
            return approval, ""
        return None, (DECLINED if judged == "no" else LAPSED).format(tool=question.call.name)

    def decided(self, at: float, generation: int, said: str) -> None:
        """The turn of a reply is decided, with these words of the user: they end the question."""
        question, approval = self._open, self._given.get(generation)
        if question is None or not words(said):
            return
        if approval is not None:
            approval.given = approval.call is question.call and self._judge(at, question, said) == "yes"
        self._open = None
        self._decided[generation] = question
        while len(self._decided) > MOST_KEPT:
            del self._decided[next(iter(self._decided))]

    def withdrawn(self, generation: int) -> None:
        """The turn of a reply was not over: its question stands again. What was approved by it is not."""
        self._asking.pop(generation, None)
        if approval := self._given.pop(generation, None):
            approval.given = False
        if question := self._decided.pop(generation, None):
            self._open = question

    def spoke(self) -> None:
        """She said something else by herself: a yes from now on may be to that."""
        if self._open:
            self._open.over = True

    def _judge(self, at: float, question: _Question, said: str) -> Verdict:
        if question.over or question.until is None or at > question.until:
            return "unclear"
        return verdict(said, question.language, question.text)


def verdict(said: str, language: str, question: str = "") -> Verdict:
    """Whether these words are a yes or a no to the question. A yes that holds anything more is none."""
    known, spoken = table(language), words(said)
    yes, no, fillers = (
        {tuple(words(phrase)) for phrase in phrases} for phrases in (known.yes, known.no, known.words.fillers)
    )
    fillers -= no
    if used := _tiles(spoken, yes, fillers) if len(spoken) <= MOST_WORDS else []:
        own = set(words(question))
        return "unclear" if own.issuperset(used) else "yes"
    begin = next((i for i, word in enumerate(spoken) if (word,) not in fillers), 0)
    for phrase in no:
        starts = range(len(spoken)) if len(phrase) > 1 else (begin,)
        if any(tuple(spoken[start : start + len(phrase)]) == phrase for start in starts):
            return "no"
    return "unclear"


def _tiles(spoken: Sequence[str], phrases: set[tuple[str, ...]], fillers: set[tuple[str, ...]]) -> list[str]:
    """The words that are of ``phrases`` if the whole is made of them and of fillers; none otherwise."""
    ways: list[list[str] | None] = [[], *[None] * len(spoken)]
    for end in range(1, len(spoken) + 1):
        for start in range(end):
            before, tile = ways[start], tuple(spoken[start:end])
            if before is None:
                continue
            if tile in phrases:
                ways[end] = [*before, *tile]
            elif tile in fillers and ways[end] is None:
                ways[end] = before
    return ways[-1] or []


def heard_share(question: str, heard: str) -> float:
    """How much of a question was heard, from 0 to 1, in a reply that ends with it, or was cut off in it."""
    asked, known = words(question), words(heard)
    for count in range(min(len(asked), len(known)), 0, -1):
        if known[-count:] == asked[:count]:
            return count / len(asked)
    return 0.0
