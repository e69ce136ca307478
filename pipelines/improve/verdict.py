"""What becomes of a canary: withdrawn, kept on trial, or made live. A pure function of the conversations so far.

It may be asked at any time and as often as one likes; see :mod:`pipelines.improve.sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipelines.improve.measures import FAILED, GOALS, GUARDRAILS, Conversation, Guardrail
from pipelines.improve.sequence import FEWEST, Bounds, FairGame, Observed, played

Standing = Literal["worse", "better", "fine", "unclear", "missing"]
Action = Literal["withdraw", "wait", "promote"]

SILENCE: Final = 600_000_000
"""µs without a canary's conversation, while others go on, after which it counts as missing."""

EXPECTED: Final = 5.0
"""So many of its conversations should have ended in that time before their absence means something."""

FAULTY: Final = 3
"""The canary's conversations with a failed turn in the last :data:`SILENCE` from which on services are at fault …"""

FAULTY_SHARE: Final = 0.25
"""… if they are this share of its conversations in that time."""

ENOUGH: Final = 100
"""Conversations of each arm without which nothing is made live."""

MOST: Final = 2000
"""The canary's conversations after which it ends, whatever is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one measure stands, of so many ``conversations`` and with these mean ``values``: canary, then control.

    ``worse``: by more than the least effect that counts. ``better``: at all. ``fine``: harm beyond the margin is ruled
    out. ``missing``: the canary's conversations do not have it.
    """

    guardrail: Guardrail
    standing: Standing
    conversations: tuple[int, int]
    bounds: Bounds
    values: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be done, why, and what it rests on. ``turns`` of the canary, and of control."""

    action: Action
    why: str
    findings: tuple[Finding, ...] = ()
    turns: tuple[int, int] = (0, 0)


def judge(conversations: Iterable[Conversation], share: float, *, now: int, began: int) -> Judgement:
    """Judges a canary that ``share`` of the conversations get, since ``began``; times in µs since the epoch."""
    ordered = sorted(conversations, key=lambda one: (one.over, one.name))
    turns = [sum(len(one.turns) for one in ordered if one.canary is arm) for arm in (True, False)]
    findings = tuple(_finding(rule, ordered, share) for rule in GUARDRAILS)
    action, why = _decision(findings, ordered, share, now=now, began=began)
    return Judgement(action, why, findings, (turns[0], turns[1]))


def _finding(rule: Guardrail, conversations: Sequence[Conversation], share: float) -> Finding:
    seen = [Observed(one.canary, v, one.stratum) for one in conversations if (v := rule.of(one)) is not None]

    def game(least: float) -> FairGame:
        return played(FairGame(share, rule.how, rule.alpha, least, rule.spread), seen)

    plain = game(0.0)
    there = sum(one.canary for one in conversations)
    standing: Standing = "unclear"
    if rule.must and there >= FEWEST and plain.canary < there / 2:
        standing = "missing"
    elif game(rule.least).worse:
        standing = "worse"
    elif plain.fine:
        standing = "better"
    elif game(rule.margin).fine:
        standing = "fine"
    arms = [[one.value for one in seen if one.canary is arm] for arm in (True, False)]
    means = [math.fsum(values) / len(values) if values else math.nan for values in arms]
    return Finding(rule, standing, (plain.canary, plain.control), plain.bounds, (means[0], means[1]))


def _decision(
    findings: Sequence[Finding],
    ordered: Sequence[Conversation],
    share: float,
    *,
    now: int,
    began: int,
) -> tuple[Action, str]:
    better = [one.guardrail.name for one in findings if one.standing == "better" and one.guardrail.name in GOALS]
    for one in findings:
        if one.standing == "missing":
            return "withdraw", f"most of its conversations have no {one.guardrail.name}"
        if one.standing == "worse" and one.guardrail.critical:
            return "withdraw", f"{one.guardrail.name} is worse: {told(one)}"
    if fault := _absence(ordered, share, now=now, began=began) or _faults(ordered, now=now):
        return "withdraw", fault
    canary = sum(one.canary for one in ordered)
    blocked = [f"{one.guardrail.name} (worse)" for one in findings if one.standing == "worse"]
    blocked += [
        f"{one.guardrail.name} (unclear)" for one in findings if one.guardrail.critical and one.standing == "unclear"
    ]
    enough = min(canary, len(ordered) - canary) >= ENOUGH
    if enough and better and not blocked:
        return "promote", f"better in {' and '.join(better)}, and nothing is worse"
    if canary >= MOST:
        doubt = " and ".join(blocked) or "doubt"
        return "withdraw", f"after {canary} of its conversations there is still no gain without {doubt}"
    if not enough:
        there = f"{canary} of its conversations and {len(ordered) - canary} of control are over"
        return "wait", f"{there}; {ENOUGH} of each are needed"
    return "wait", f"not yet shown: {'; '.join(blocked) or 'that anything is better'}"


def _absence(ordered: Sequence[Conversation], share: float, *, now: int, began: int) -> str:
    """Whether the canary's conversations have stopped coming while others go on."""
    since = max(began, now - SILENCE)
    recent = [one for one in ordered if one.over > since]
    if now - began < SILENCE or any(one.canary for one in recent):
        return ""
    expected = len(recent) * share / (1 - share)
    if expected < EXPECTED:
        return ""
    return f"no data: {len(recent)} conversations of control in {SILENCE // 60_000_000} minutes, and none of its own"


def _faults(ordered: Sequence[Conversation], *, now: int) -> str:
    recent = [one for one in ordered if one.canary and one.over > now - SILENCE]
    failed = sum(any(turn.outcome in FAILED for turn in one.turns) for one in recent)
    if failed >= FAULTY and failed >= FAULTY_SHARE * len(recent):
        return f"services failed in {failed} of its last {len(recent)} conversations ({SILENCE // 60_000_000} minutes)"
    return ""


def told(one: Finding) -> str:
    """A finding in words: both arms, and the bounds."""
    rule, (canary, control), bounds = one.guardrail, one.values, one.bounds
    arms = f"{control * rule.scale:.3g} -> {canary * rule.scale:.3g} {rule.unit}"
    if rule.how == "rank":
        parts = (50 + 100 * part for part in (bounds.estimate, bounds.low, bounds.high))
        chance, low, high = (min(max(part, 0), 100) for part in parts)
        return f"{arms}, worse of two {chance:.0f} % of the time [{low:.0f}, {high:.0f}]"
    more, low, high = (rule.scale * part for part in (bounds.estimate, bounds.low, bounds.high))
    return f"{arms}, difference {more:+.2g} [{low:+.2g}, {high:+.2g}]"
