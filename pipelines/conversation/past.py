"""What the history is told: the user's words, calls and their results, and what a client tells of earlier talks."""

from __future__ import annotations

from nova.history import UNCLEAR, History
from pipelines.conversation.events import (
    Forgotten,
    Remembered,
    ToolAnswered,
    ToolCalled,
    ToolEnded,
    ToolStarted,
)
from sophia.decisions import Commit, Correct

Told = Commit | Correct | ToolCalled | ToolAnswered | ToolStarted | ToolEnded | Remembered | Forgotten
"""What changes the history."""


def record(history: History, happening: Told) -> None:
    """Puts it into the history."""
    match happening:
        case Commit(generation=generation, text=text, unasked=unasked):
            history.user(generation, UNCLEAR if unasked else text)  # it answers nothing that was called before
        case Correct(generation=generation, text=text):
            if generation:  # else it has no answer, and is no history
                history.user(generation, text)
        case ToolCalled(generation=generation, call=call):
            history.called(generation, call) if generation else history.recall(call)
        case ToolStarted(generation=generation, call=call):
            history.called(generation, call, here=True)
        case ToolAnswered(call_id=call_id, output=output) | ToolEnded(call_id=call_id, output=output):
            history.answered(call_id, output)
        case Remembered(place=place, said=said, heard=heard, interrupted=interrupted):
            history.remember(place, said, heard, interrupted)
        case Forgotten(place=place, said=of_the_user):
            history.forget(place, said=of_the_user)
