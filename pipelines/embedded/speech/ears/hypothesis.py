"""What a recogniser heard, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word with its time in ms from the first sample of the utterance's sound, and how sure it is (0 to 1)."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an engine made of a whole utterance, as people write it, and how sure it is (0 to 1).

    ``language`` is what it took the sound for, where it knows several.
    """

    text: str
    confidence: float
    language: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """An utterance's words; ``others`` are the next best texts. ``language`` is as in :class:`Decoded`."""

    words: tuple[HeardWord, ...] = ()
    confidence: float = 0.0
    others: tuple[str, ...] = ()
    language: str = ""

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Heard:
    """A result. ``audio`` is the seconds of sound digested.

    It is in spoken form (small letters, numbers spelt out), or ``written`` as people write, with capitals and marks.

    An ``interim`` splits into the ``agreed`` beginning and a ``tail`` that may still change; a ``stable`` partial and
    a ``final`` are whole, with times in ms from the stream's first sample. ``language`` is told of them by an engine
    that knows several.
    """

    kind: Literal["interim", "stable", "final"]
    audio: float
    agreed: str = ""
    tail: str = ""
    written: bool = False
    words: tuple[HeardWord, ...] = ()
    confidence: float = 0.0
    others: tuple[str, ...] = ()
    language: str = ""

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)
