"""What a recogniser gives: plain data and the protocol. No gRPC."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Protocol

from sophia.audio import Frame
from sophia.marks import together


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word; ``start`` and ``end`` are seconds from the first frame ever pushed."""

    text: str
    start: float
    end: float
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """One answer of the recogniser about the current utterance.

    ``final`` closes the utterance. A *stable partial* (``stable``) is the interim of Riva's first
    end-of-utterance pass (``stability == 1.0``): likely, but not certainly, what the final will say.
    ``audio_processed`` is how many seconds of the pushed sound the recogniser has digested, counted from the
    first frame ever pushed (not from the last time its stream was reopened).
    """

    text: str
    final: bool = False
    stability: float = 0.0
    confidence: float = 0.0
    words: tuple[Word, ...] = ()
    audio_processed: float = 0.0
    language: str = "en-US"

    @property
    def stable(self) -> bool:
        return not self.final and abs(self.stability - 1.0) < 1e-6

    @property
    def timed(self) -> bool:
        """Whether each word has its time; Riva tells them of finals only."""
        return bool(self.words) and self.words[-1].end > 0

    @property
    def ends(self) -> float:
        """Up to where the user's sound is told by this transcript, in seconds; 0 if the recogniser gives no times."""
        return self.words[-1].end if self.timed else self.audio_processed

    def divided(self, at: float) -> tuple[str, str] | None:
        """The words said before ``at`` (seconds, as ``audio_processed``) and those said after; None if unknown.

        A word belongs to where its middle lies: recognisers date a word's edges loosely.
        """
        text = self.text.strip()
        if self.timed:
            count = sum((word.start + word.end) / 2 <= at for word in self.words)
            if count in (0, len(self.words)):
                return (text, "") if count else ("", text)
            pieces = text.split()
            if len(pieces) != len(self.words):
                pieces = [word.text for word in self.words]
            return together(pieces[:count]), together(pieces[count:])
        return (text, "") if 0 < self.audio_processed <= at else None


_LEADING = re.compile(r"[.,;:?!…]+(?:\s+|$)")
_MARKED = re.compile(r"[.,;:?!…]$")


def joined(parts: Iterable[str]) -> str:
    """What was told in ``parts``, as one text. A mark that a part begins with belongs to the word before it.

    Where that has a mark already, it keeps its own: the recogniser had ended the sentence twice.
    """
    text = ""
    for part in map(str.strip, parts):
        mark = _LEADING.match(part) if text else None
        if mark and not _MARKED.search(text):
            text += mark[0].strip()
        rest = part[mark.end() :] if mark else part
        text = together((text, rest))
    return text


class Recognizer(Protocol):
    """A session's recogniser: frames in, transcripts out, for as long as the session lives.

    ``listening`` says that the service has taken a stream: what is pushed is heard.

    ``push`` never blocks (bounded, drop oldest, counted in ``dropped``). ``finish_utterance`` asks for the
    final of what was heard so far now (Riva's ``force_eou``), if the service can. ``expect_answer`` tells that a
    voice was heard, and whether it ``goes_on``, so that a service that hangs is found out.
    ``transcripts`` ends after ``aclose`` or when the service is lost for good, which raises.
    """

    @property
    def dropped(self) -> int: ...

    @property
    def listening(self) -> bool: ...

    def push(self, frame: Frame) -> None: ...

    def finish_utterance(self) -> None: ...

    def expect_answer(self, *, goes_on: bool = False) -> None: ...

    def transcripts(self) -> AsyncIterator[Transcript]: ...

    async def aclose(self) -> None: ...
