"""The tools that she uses, in a line each: what was called, what came of it, and how long it took. Pure."""

from __future__ import annotations

from pipelines.conversation.events import Happening, ToolEnded, ToolStarted
from sophia.decisions import Commit, Drop

LONGEST = 60
"""Characters of arguments, and of a result, that a line shows."""


class ToolLines:
    """Makes the lines. Those of a guess wait for its decision, and are forgotten with it."""

    def __init__(self) -> None:
        self._running: dict[str, ToolStarted] = {}
        self._guessed: dict[int, list[str]] = {}
        self._committed = 0

    def of(self, happening: Happening) -> list[str]:
        """What is to be shown now."""
        match happening:
            case ToolStarted(call=call):
                self._running[call.id] = happening
            case ToolEnded(call_id=call_id, generation=generation):
                if started := self._running.pop(call_id, None):
                    line = _line(started, happening)
                    if generation <= self._committed:
                        return [line]
                    self._guessed.setdefault(generation, []).append(line)
            case Commit(generation=generation):
                self._committed = generation
                return self._guessed.pop(generation, [])
            case Drop(generation=generation):
                self._guessed.pop(generation, None)
            case _:
                pass
        return []


def _line(started: ToolStarted, ended: ToolEnded) -> str:
    try:
        arguments = ", ".join(f"{name}: {value}" for name, value in started.call.parsed().items())
    except ValueError:
        arguments = started.call.arguments
    seconds = ended.at - started.at
    took = f"{seconds * 1000:.0f} ms" if seconds < 1.0 else f"{seconds:.1f} s"
    return f"{started.call.name}({_short(arguments)}): {_short(ended.output)} ({took})"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
