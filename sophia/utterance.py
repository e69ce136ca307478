"""The words and the voice of one utterance, as they come in. Plain bookkeeping for :mod:`sophia.turns`; no policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher

from sophia.completeness import words
from sophia.transcripts import Transcript


@dataclass(slots=True)
class Utterance:
    """What the user says in one turn, pauses and all. Times are ``loop.time()`` seconds.

    ``onset`` is None, and ``turn`` 0, until a voice, or words without one, began it.
    """

    turn: int = 0
    onset: float | None = None
    last_voiced: float = 0.0
    voiced: float = 0.0  # seconds of voice, without the pauses
    finals: list[str] = field(default_factory=list)
    interim: str = ""
    stable: bool = False  # the interim is the first end-of-utterance pass
    final_at: float = 0.0
    rejected: bool = False  # the recogniser's final said: no words
    asked_final_at: float | None = None
    speculations: int = 0
    commit_asked: bool = False  # a client said that it is over

    @property
    def text(self) -> str:
        """All words so far."""
        return " ".join(part for part in (*self.finals, self.interim) if part)

    @property
    def settled(self) -> bool:
        """The recogniser has said its last word, or its last but one."""
        return bool(self.text) and (not self.interim or self.stable)

    def hear(self, at: float, transcript: Transcript, text: str) -> None:
        """Takes in what the recogniser said; ``text`` is what of it belongs to this utterance."""
        if transcript.final:
            if text:
                self.finals.append(text)
            self.interim, self.stable, self.rejected = "", False, not self.finals
            self.final_at, self.asked_final_at = at, None
        elif not (self.stable and words(text) in ([], words(self.interim))):  # the same again: still stable
            self.interim, self.stable = text, transcript.stable


def without_prefix(text: str, prefix: str) -> tuple[str, bool]:
    """``text`` without the words it shares with ``prefix``, and whether it began with (nearly) those at all."""
    before = words(prefix)
    pieces = text.split()
    said = [" ".join(words(piece)) for piece in pieces]
    blocks = SequenceMatcher(a=before, b=said, autojunk=False).get_matching_blocks()
    if not before or 2 * sum(block.size for block in blocks) < len(before):
        return text, False
    end = max(block.b + block.size for block in blocks if block.size)
    return " ".join(pieces[end:]), True
