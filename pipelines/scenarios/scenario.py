"""What is replayed: conversations of lines, each a sound, what it says, and when it is said. Plain data, no files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipelines.takes.tool_results import ToolResult, written
from sophia.audio import EAR_RATE, Pcm
from sophia.soundbite import voiced_span

Reaction = Literal["reply", "ignore"]


class ScenarioError(Exception):
    """What was named cannot be replayed; the message is one line that says what to change."""


@dataclass(frozen=True, slots=True)
class Cue:
    """When a line is said.

    ``reply``: ``seconds`` after her reply to the line before is over (the first line: after the beginning).
    ``over``: ``seconds`` after the first audible sample of that reply, over it: a barge-in or a backchannel.
    ``gap``: ``seconds`` after the last sample of the line before, whatever she does; below zero: two talk at once.
    """

    kind: Literal["reply", "over", "gap"] = "reply"
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a line; ``start`` and ``end`` are seconds from the line's first sample."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Line:
    """Something that is said once in a conversation.

    ``pcm`` is what reaches the microphone, int16 mono at 16 kHz, shape ``(samples,)``, room and noise included.
    ``voiced`` is the stretch from the first to just after the last voiced sample, measured before anything was added
    to it; None for a line without a voice. ``transcript`` is what is said, None if nobody knows; ``words`` the same
    with times. ``expect`` is a regular expression that her reply has to contain, in any case. ``reaction`` is what she
    has to do: reply, or go on as if nothing had been said (a backchannel, a noise, a voice that is not for her).
    ``language`` is what is spoken, empty where nobody says.
    """

    name: str
    pcm: Pcm
    voiced: tuple[int, int] | None
    transcript: str | None = None
    words: tuple[SpokenWord, ...] = ()
    expect: str | None = None
    reaction: Reaction = "reply"
    cue: Cue = field(default_factory=Cue)
    language: str = ""

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.pcm) / EAR_RATE

    @classmethod
    def of(cls, name: str, pcm: Pcm, transcript: str | None = None) -> Line:
        """A line of clean sound, its voice found by level."""
        return cls(name, pcm, voiced_span(pcm), transcript)


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: its lines, and the ``noise`` that goes on all the time (int16, 16 kHz, repeated).

    ``tools`` is what her tools said when it was recorded: they say it again, and do nothing. None: they are run.
    """

    name: str
    lines: Sequence[Line]
    noise: Pcm | None = None
    tools: tuple[ToolResult, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that is replayed in one round."""

    name: str
    talks: Sequence[Talk]
    notes: Sequence[str] = ()

    @property
    def lines(self) -> int:
        """How many lines one round has."""
        return sum(len(talk.lines) for talk in self.talks)

    @property
    def fingerprint(self) -> str:
        """A hash of everything that is played and expected: runs of equal fingerprints can be compared."""
        digest = hashlib.sha256()
        for talk in self.talks:
            digest.update(f"talk {talk.name}\n".encode())
            digest.update(b"" if talk.noise is None else talk.noise.tobytes())
            digest.update(written(talk.tools or ()).encode())
            for line in talk.lines:
                said = [line.name, line.transcript, line.expect, line.reaction, line.cue.kind, line.cue.seconds]
                digest.update(json.dumps(said).encode())
                digest.update(line.pcm.tobytes())
        return digest.hexdigest()[:16]
