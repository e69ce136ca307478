"""What is measured of a conversation, which way is worse, and from what size on that counts: the guardrails.

The unit is the conversation. The turns of one conversation resemble each other, so they are no independent draws.

The rules are constants here. No option, no setting and no version changes them. :data:`RULES` is their hash: it is
written into each version, and a version that was approved under other rules is not judged by these.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.improve.sequence import How
from pipelines.insights.waits import typical

QUIET: Final = 120_000_000
"""µs without a turn after which a conversation counts as over; what comes later is not looked at any more."""

FIRST_SECOND: Final = 1_000_000
"""µs of her speech: whoever interrupts sooner had not finished."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the judge knows of one turn. Times in µs; ``ended`` since the epoch. ``wait``: voice-to-voice, if heard."""

    ended: int
    outcome: str
    wait: int | None = None
    cut_off: bool = False
    interrupted_at_once: bool = False
    false_interruptions: int = 0
    words: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation that is over. ``over`` is when that was known, in µs since the epoch."""

    name: str
    canary: bool
    stratum: str
    over: int
    turns: tuple[Turn, ...]

    def share(self, counts: Callable[[Turn], float]) -> float:
        """How much there is of something for each turn."""
        return sum(map(counts, self.turns)) / len(self.turns)


def over(
    name: str, turns: Iterable[Turn], *, canary: bool, stratum: str, now: int, since: int = 0
) -> Conversation | None:
    """The conversation up to its first long silence; None while it may go on, or if it ended before ``since``."""
    kept: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: turn.ended):
        if kept and turn.ended - kept[-1].ended > QUIET:
            break
        kept.append(turn)
    if not kept or not since <= (end := kept[-1].ended + QUIET) <= now:
        return None
    return Conversation(name, canary, stratum, end, tuple(kept))


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One measure: ``least`` is the least effect that counts, ``alpha`` its part of all false alarms.

    Harm of ``margin`` has to be ruled out in whatever is critical before a version goes live.

    More is worse, whatever the measure: ``of`` turns it round where that is not so. ``critical``: one crossing
    withdraws a canary at once; any other only keeps it from going live. ``must``: a canary without it is withdrawn.
    """

    name: str
    of: Callable[[Conversation], float | None]
    how: How
    least: float
    margin: float
    alpha: float
    spread: float
    critical: bool
    must: bool = False
    unit: str = "per 100 turns"
    scale: float = 100.0


def _wait(conversation: Conversation) -> float | None:
    found = typical(turn.wait for turn in conversation.turns)
    return None if found is None else found / 1e6


def _words(conversation: Conversation) -> float | None:
    words = [turn.words for turn in conversation.turns if turn.words is not None]
    return -sum(words) / len(words) if words else None


def _per_turn(
    name: str,
    counts: Callable[[Turn], float],
    *,
    least: float,
    margin: float,
    alpha: float,
    spread: float = 0.06,
    critical: bool = False,
) -> Guardrail:
    """A guardrail on how often something is counted in a conversation's turns."""
    return Guardrail(name, lambda one: one.share(counts), "mean", least, margin, alpha, spread, critical)


FAILED: Final = ("failed", "broken")
WAIT: Final = "wait"
CUT_OFFS: Final = "false cut-offs"

GUARDRAILS: Final[Sequence[Guardrail]] = (
    Guardrail(WAIT, _wait, "rank", 0.010, 0.03, 0.02, 0.15, critical=True, must=True, unit="ms", scale=1000),
    _per_turn(CUT_OFFS, lambda t: t.cut_off, least=0.01, margin=0.03, alpha=0.015, spread=0.08, critical=True),
    _per_turn("failed turns", lambda t: t.outcome in FAILED, least=0.005, margin=0.02, alpha=0.005, critical=True),
    _per_turn(
        "interruptions in her first second",
        lambda t: t.interrupted_at_once,
        least=0.01,
        margin=0.03,
        alpha=0.004,
        critical=True,
    ),
    _per_turn("reprompts", lambda t: t.outcome == "reprompted", least=0.01, margin=0.03, alpha=0.002),
    _per_turn("false interruptions", lambda t: t.false_interruptions, least=0.01, margin=0.03, alpha=0.0015),
    _per_turn("dropped turns", lambda t: t.outcome == "dropped", least=0.02, margin=0.05, alpha=0.001),
    Guardrail("words a turn", _words, "rank", 0.5, 1.0, 0.0015, 2.0, critical=False, unit="words", scale=-1),
)
"""None may be worse. Together they raise a false alarm in 5 of 100 canaries at most."""

GOALS: Final = frozenset({WAIT, CUT_OFFS})
"""What a version may be made live for: better in one of these, and worse in nothing."""

ALARMS: Final = math.fsum(one.alpha for one in GUARDRAILS)

RULES: Final = hashlib.sha256(
    repr([(g.name, g.how, g.least, g.margin, g.alpha, g.critical, g.must) for g in GUARDRAILS]).encode()
).hexdigest()[:16]
"""The hash of the rules above."""
