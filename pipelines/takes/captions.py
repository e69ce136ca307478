"""What was heard of her as lines with times, and as the two kinds of subtitle files that players know.

The record tells when a reply was heard and which words, not when each word was. Within a reply the words are spread by
their length, so a line may be off by some tenths of a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipelines.conversation.events import GenerationOver, Happening, PlayoutFinished, PlayoutStarted

LONGEST: Final = 64
"""Characters of a line: two rows of what people read at a glance."""

_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?…。！？]+[\"'”’)]*(?=\s|$)|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """``text`` was heard from ``start`` to ``end``, in seconds; ``generation`` is the attempt at a reply it is of."""

    start: float
    end: float
    text: str
    generation: int


def captions(events: Iterable[Happening], zero: float) -> list[Line]:
    """The lines of a conversation in their order; ``zero`` is the ``loop.time()`` that they count from."""
    started: dict[int, float] = {}
    finished: dict[int, float] = {}
    lines: list[Line] = []
    for event in events:
        match event:
            case PlayoutStarted():
                started.setdefault(event.generation, event.time - zero)
            case PlayoutFinished():
                finished[event.generation] = event.time - zero
            case GenerationOver() if event.generation in started:
                start = started[event.generation]
                end = finished.get(event.generation, event.at - zero)
                text = event.all_heard
                lines += _spread(text, start, max(start, end), event.generation)
            case _:
                pass
    return sorted(lines, key=lambda line: line.start)


def _spread(text: str, start: float, end: float, generation: int) -> list[Line]:
    parts = list(_parts(text))
    total = sum(map(len, parts))
    lines, done = [], 0
    for part in parts:
        first = start + (end - start) * done / total
        done += len(part)
        lines.append(Line(first, start + (end - start) * done / total, part, generation))
    return lines


def _parts(text: str) -> Iterable[str]:
    """Sentences, cut between words where they are too long for a line."""
    for sentence in _SENTENCE.findall(text):
        words: list[str] = []
        for word in sentence.split():
            if words and len(" ".join((*words, word))) > LONGEST:
                yield " ".join(words)
                words = []
            words.append(word)
        if words:
            yield " ".join(words)


def srt(lines: Iterable[Line]) -> str:
    """The lines as SubRip."""
    return "\n".join(
        f"{number}\n{_clock(line.start, ',')} --> {_clock(line.end, ',')}\n{line.text}\n"
        for number, line in enumerate(lines, 1)
    )


def vtt(lines: Iterable[Line]) -> str:
    """The lines as WebVTT, in which ``<`` and ``&`` mean something."""
    blocks = ["WEBVTT\n"]
    for line in lines:
        text = line.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{_clock(line.start, '.')} --> {_clock(line.end, '.')}\n{text}\n")
    return "\n".join(blocks)


def _clock(seconds: float, point: str) -> str:
    thousandths = max(0, round(seconds * 1000))
    whole, part = divmod(thousandths, 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{part:03}"
