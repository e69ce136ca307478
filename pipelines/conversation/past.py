"""What the history is told beside what was said and heard: calls and their results, and what a client tells of it."""

from __future__ import annotations

from nova.history import History
from pipelines.conversation.events import Forgotten, Remembered, ToolAnswered, ToolCalled


def record(history: History, happening: ToolCalled | ToolAnswered | Remembered | Forgotten) -> None:
    """Puts it into the history."""
    match happening:
        case ToolCalled(generation=generation, call=call):
            history.called(generation, call) if generation else history.recall(call)
        case ToolAnswered(call_id=call_id, output=output):
            history.answered(call_id, output)
        case Remembered(place=place, said=said, heard=heard, interrupted=interrupted):
            history.remember(place, said, heard, interrupted)
        case Forgotten(place=place, said=of_the_user):
            history.forget(place, said=of_the_user)
