"""What makes a turn a hard case. Pure judgements over the turns of one conversation, by their ledgers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from pipelines.telemetry.ledger import PLAYED, VOICE_END, Outcome
from sophia.completeness import words

KINDS: Final[Mapping[str, str]] = {
    "cutoff": "she began while the user meant to go on",
    "wait": "the user had finished, and waited for more than three seconds",
    "reprompt": "speech was heard, but no words, so she asked again",
    "interrupted": "the user took the floor in her first second",
    "repeated": "the user said the same again",
    "misheard": "the recogniser's last word differs from what it had settled on",
    "slow": "a stage took longer than in 99 of 100 turns",
    "fault": "a service failed",
}
"""Each kind of hard case, from the one that tells most."""

WAIT_SECONDS: Final = 3.0
FIRST_SECOND: Final = 1.0
CUT_OFF_SECONDS: Final = 2.0
"""Who speaks again so soon after her first sample was most likely not done, even where nothing was reopened."""

ALIKE: Final = 80.0
"""Percent of likeness (rapidfuzz's ratio over the words) from which an utterance is the one before, said again."""

_NO_TURN = (Outcome.DROPPED, Outcome.JOINED, Outcome.KEPT)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked of a turn's ledger. ``marks`` are in seconds, and so are ``contributions``, which
    hold voice-to-voice as well.

    ``finals`` are the recogniser's last words on each piece of it, after the text that it had settled on before; empty
    where nobody kept them.
    """

    number: int
    outcome: str
    user: str
    marks: Mapping[str, float]
    contributions: Mapping[str, float]
    cutoffs: int = 0
    faults: tuple[str, ...] = ()
    finals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Hard:
    """A hard case: a turn, and by kind what makes it one, without anybody's words."""

    turn: int
    why: Mapping[str, str]

    @property
    def kind(self) -> str:
        """The kind that tells most."""
        return next(kind for kind in KINDS if kind in self.why)


def hard_cases(turns: Sequence[Turn], slow: Mapping[str, float]) -> list[Hard]:
    """The hard cases of a conversation, whose ``turns`` come in their order; of those in which the user spoke.

    ``slow`` says how many seconds of each stage are too many; a stage that is not in it is not judged.
    """
    whole = [turn for turn in turns if turn.outcome not in _NO_TURN]
    found = []
    for turn, after in zip(whole, [*whole, None][1:], strict=True):
        if "voice_start" not in turn.marks:
            continue  # she spoke by herself, or somebody typed: there is no sound to keep
        judged = {
            "cutoff": _cut_off(turn, after),
            "wait": _waited(turn),
            "reprompt": "" if turn.outcome != Outcome.REPROMPTED else "no words were found in it",
            "interrupted": _interrupted(turn),
            "repeated": _repeated(turn, after),
            "misheard": _misheard(turn),
            "slow": _slow(turn, slow),
            "fault": ", ".join(turn.faults),
        }
        if why := {kind: reason for kind, reason in judged.items() if reason}:
            found.append(Hard(turn.number, why))
    return found


def _cut_off(turn: Turn, after: Turn | None) -> str:
    if turn.cutoffs:
        return "it was reopened"
    again = _between(turn, PLAYED, after, "voice_start")
    if again is not None and 0.0 <= again < CUT_OFF_SECONDS:
        return f"the user spoke again {again:.2f} s after her first sample"
    return ""


def _waited(turn: Turn) -> str:
    waited = _between(turn, VOICE_END, turn, PLAYED)
    return "" if waited is None or waited <= WAIT_SECONDS else f"{waited:.2f} s of silence"


def _interrupted(turn: Turn) -> str:
    heard = _between(turn, PLAYED, turn, "silenced")
    if turn.outcome != Outcome.INTERRUPTED or heard is None or heard >= FIRST_SECOND:
        return ""
    return f"after {heard:.2f} s"


def _repeated(turn: Turn, after: Turn | None) -> str:
    said, again = words(turn.user), words(after.user) if after else []
    if min(len(said), len(again)) < 2:
        return ""
    alike = fuzz.ratio(said, again)
    return "" if alike < ALIKE else f"{alike:.0f} % alike"


def _misheard(turn: Turn) -> str:
    for settled, last in turn.finals:
        stable, final = words(settled), words(last)
        if stable and final and final[: len(stable)] != stable:  # else the same, or the user went on
            return f"{100 - fuzz.ratio(stable, final):.0f} % of it is different"
    return ""


def _slow(turn: Turn, slow: Mapping[str, float]) -> str:
    late = [
        f"{stage} {seconds:.2f} s"
        for stage, seconds in turn.contributions.items()
        if seconds > slow.get(stage, seconds)
    ]
    return ", ".join(late)


def _between(one: Turn, mark: str, other: Turn | None, later: str) -> float | None:
    if other is None or mark not in one.marks or later not in other.marks:
        return None
    return other.marks[later] - one.marks[mark]
