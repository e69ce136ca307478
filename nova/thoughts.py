"""Decides which part of a model's stream may be spoken: not its thoughts, not its special tokens.

A reasoning model writes ``<think>…</think>`` before it answers. A template without stop tokens on the server lets
``<|im_end|>`` through. The stream may cut both anywhere. The filter is pure and gives the same text however the stream
is cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

THOUGHTS: tuple[tuple[str, str], ...] = (("<think>", "</think>"), ("<thinking>", "</thinking>"))
"""Opening and closing tags of what a model says to itself (DeepSeek, Qwen, Nemotron; some write the long form)."""


class SpokenText:
    """Streams text without thoughts, up to the first of ``stops``.

    ``thinking`` says that the prompt itself has opened the thought, as templates of reasoning models do. After a
    stop string has been met, ``stopped`` is true and nothing more comes out. White space before the first spoken
    character and around thoughts is dropped; an unclosed thought is never spoken.
    """

    def __init__(self, stops: Sequence[str] = (), *, thinking: bool = False) -> None:
        self._stops = tuple(s for s in stops if s)
        self._marks = self._stops + tuple(tag for pair in THOUGHTS for tag in pair)
        self._closings = tuple(close for _, close in THOUGHTS)
        self._openings = tuple(opening for opening, _ in THOUGHTS)
        self._begins_mark = re.compile(f"[{re.escape(''.join({mark[0] for mark in self._marks}))}]").search
        self._buffer = ""
        self._thinking = thinking
        self._trim = True
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that may now be spoken."""
        if not (self._buffer or self._thinking or self._trim or self.stopped or self._begins_mark(text)):
            return text  # nearly every token of nearly every answer
        self._buffer += text
        return self._take(final=False)

    def flush(self) -> str:
        """What is left when the stream has ended: a mark that was only begun is text after all."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> str:
        out: list[str] = []
        while not self.stopped:
            if self._trim and not self._thinking:
                self._buffer = self._buffer.lstrip()  # before looking for stops: a blank line here ends nothing
            at, mark = self._next_mark()
            if not final and self._growing(at, mark):
                break
            if mark is None:
                break
            before, self._buffer = self._buffer[:at], self._buffer[at + len(mark) :]
            if self._thinking:
                self._thinking = mark not in self._closings
                self._trim = True
                continue
            out.append(self._say(before))
            if mark in self._stops:
                self.stopped = True
            else:
                self._thinking = mark in self._openings
                self._trim = True
        if self.stopped:
            self._buffer = ""
            return "".join(out)
        safe = len(self._buffer) if final else self._safe()
        rest, self._buffer = self._buffer[:safe], self._buffer[safe:]
        if not self._thinking:
            out.append(self._say(rest))
        return "".join(out)

    def _next_mark(self) -> tuple[int, str | None]:
        """Position and text of the first mark that counts in the present state; the longest wins at a tie."""
        wanted = self._closings if self._thinking else self._marks
        best: tuple[int, int, str | None] = (len(self._buffer), 0, None)
        for mark in wanted:
            at = self._buffer.find(mark)
            if at >= 0:
                best = min(best, (at, -len(mark), mark), key=lambda b: b[:2])
        return best[0], best[2]

    def _growing(self, at: int, mark: str | None) -> bool:
        """Whether a longer or earlier mark may still be completed by the next piece."""
        wanted = self._closings if self._thinking else self._marks
        end = len(self._buffer)
        for other in wanted:
            for start in range(max(0, end - len(other) + 1), end):
                earlier = start < at or (start == at and mark is not None and len(other) > len(mark))
                if earlier and mark is not None and other.startswith(self._buffer[start:]):
                    return True
        return False

    def _safe(self) -> int:
        """How much of the buffer can no longer become part of a mark."""
        wanted = self._closings if self._thinking else self._marks
        end = len(self._buffer)
        for start in range(max(0, end - max(map(len, wanted)) + 1), end):
            if any(mark.startswith(self._buffer[start:]) for mark in wanted):
                return start
        return end

    def _say(self, text: str) -> str:
        self._trim = self._trim and not text
        return text
