"""What a synthesiser gives: plain data and the protocol. No gRPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from sophia.audio import Pcm


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a clause; ``start`` and ``end`` are seconds from the clause's first sample."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of synthesised sound, in playing order.

    ``clause`` counts the reply's clauses from 0 and ``text`` is that clause's text as the mind wrote it, the
    same on each of its chunks. ``last`` marks the clause's last chunk, whose ``pcm`` may be empty. ``words`` is
    filled on a chunk as soon as the service told the timing, else empty.
    """

    pcm: Pcm
    clause: int
    text: str
    last: bool = False
    words: tuple[SpokenWord, ...] = ()


class Synthesizer(Protocol):
    """Turns a stream of clauses into a stream of sound at ``rate`` Hz.

    The next clause is requested before the last one's sound has ended. Closing the generator (``aclose`` or
    cancelling its task) cancels every RPC it opened.
    """

    rate: int

    def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[SpeechChunk, None]: ...
