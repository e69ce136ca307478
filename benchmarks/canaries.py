"""How often a canary raises a false alarm, and after how many of its turns a bad one is withdrawn. Synthetic turns.

    python -m benchmarks.canaries [--canaries 200] [--conversations 600] [--json FILE]

Every conversation has a level of its own (log-normal, ``spread``), and its turns vary around it. The judge looks after
each conversation. Two planted mistakes stand beside it: turns that are taken for independent, and a test for one look
that is asked at every look.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.command.run import run
from pipelines.improve.measures import GUARDRAILS, QUIET, Conversation, Turn
from pipelines.improve.sequence import FEWEST, FairGame, Observed, played
from pipelines.improve.verdict import judge

EVERY = 10_000_000
"""µs between the ends of two conversations."""

FEW = 200
"""Conversations whose turns are taken for independent; more would raise more alarms, and take minutes."""

Z = 1.645
"""What one look at a fair game exceeds in 5 of 100 cases, in standard deviations."""

OUTCOMES = ((0.002, "failed"), (0.03, "reprompted"), (0.06, "dropped"), (0.15, "interrupted"), (1.0, "replied"))


def conversations(
    seed: int,
    number: int,
    *,
    share: float = 0.5,
    spread: float = 0.1,
    turns: float = 12.0,
    slower: float = 0.0,
    part: float = 1.0,
    cut: tuple[float, float] = (0.03, 0.03),
) -> list[Conversation]:
    """Made-up conversations. ``part`` of the canary's turns are ``slower`` by so many seconds.

    ``cut`` is how often control and canary cut people off.
    """
    rng, found = np.random.default_rng(seed), list[Conversation]()
    for place in range(number):
        canary = bool(rng.random() < share)
        many = max(1, int(rng.poisson(turns)))
        waits = 0.55 * np.exp(spread * rng.standard_normal() + 0.2 * rng.standard_normal(many))
        waits += (rng.random(many) < 0.03) * rng.exponential(0.8, many)
        waits += slower * canary * (rng.random(many) < part if part < 1 else 1)
        often = cut[canary] * math.exp(0.5 * rng.standard_normal() - 0.125)  # some people pause more than others
        chance, words = rng.random((many, 4)), rng.poisson(8, many)
        ended = (place + 1) * EVERY
        found.append(
            Conversation(
                f"{place:06d}",
                canary,
                "",
                ended + QUIET,
                tuple(
                    Turn(
                        ended,
                        next(name for limit, name in OUTCOMES if one[0] < limit),
                        int(1e6 * wait),
                        bool(one[1] < often),
                        bool(one[2] < 0.01),
                        int(one[3] < 0.03),
                        int(spoken),
                    )
                    for wait, one, spoken in zip(waits, chance, words, strict=True)
                ),
            )
        )
    return found


def alarm(found: Sequence[Conversation], share: float) -> bool:
    """Whether anything was ever held to be worse, at any look."""
    judged = judge(found, share, now=found[-1].over, began=0)
    return any(one.standing == "worse" for one in judged.findings)


def by_turns(found: Sequence[Conversation]) -> list[Conversation]:
    """The planted mistake: every turn of the first conversations a conversation of its own."""
    few = found[:FEW]
    return [replace(one, name=f"{one.name}.{n}", turns=(turn,)) for one in few for n, turn in enumerate(one.turns)]


def one_look_each_time(found: Sequence[Conversation], share: float) -> bool:
    """The other mistake: the wait's z-test for one look, asked after each conversation."""
    rule, game = GUARDRAILS[0], FairGame(share, "rank", 0.05)
    for one in found:
        value = rule.of(one)
        if value is not None:
            played(game, [Observed(one.canary, value)])
        deviation = math.sqrt(game.number / 12 / (share * (1 - share)))
        if min(game.canary, game.control) >= FEWEST and game.total > Z * deviation:
            return True
    return False


def withdrawn_after(found: Sequence[Conversation], share: float) -> int | None:
    """The canary's turns until it was withdrawn; None if it never was."""
    few, many = FEWEST, len(found)

    def gone(number: int) -> bool:
        return judge(found[:number], share, now=found[number - 1].over, began=0).action == "withdraw"

    if not gone(many):
        return None
    while few < many:  # what has crossed stays crossed
        middle = (few + many) // 2
        few, many = (few, middle) if gone(middle) else (middle + 1, many)
    return sum(len(one.turns) for one in found[:many] if one.canary)


def power(seeds: int, number: int) -> Iterator[dict[str, Any]]:
    """How soon planted harm is found: by its kind, by the canary's share, by how much conversations differ."""
    plants: tuple[tuple[str, dict[str, Any]], ...] = (
        ("+30 ms", {"slower": 0.03}),
        ("+60 ms", {"slower": 0.06}),
        ("+120 ms", {"slower": 0.12}),
        ("+300 ms in a fifth", {"slower": 0.3, "part": 0.2}),
        ("cut-offs 3 -> 10 %", {"cut": (0.03, 0.10)}),
        ("cut-offs 3 -> 15 %", {"cut": (0.03, 0.15)}),
    )
    for name, plant in plants:
        for share in (0.5, 0.2):
            for spread in (0.05, 0.1, 0.25) if "ms" in name else (0.1,):
                after = [
                    withdrawn_after(conversations(seed, number, share=share, spread=spread, **plant), share)
                    for seed in range(1000, 1000 + seeds)
                ]
                turns = sorted(one for one in after if one is not None)
                yield {
                    "planted": name,
                    "share": share,
                    "spread": spread,
                    "found": len(turns) / seeds,
                    "turns_p50": int(np.median(turns)) if turns else None,
                    "turns_p90": int(np.quantile(turns, 0.9)) if turns else None,
                }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--canaries", type=int, default=200, help="without a difference (default: %(default)s)")
    parser.add_argument("--conversations", type=int, default=600, help="of both arms (default: %(default)s)")
    parser.add_argument("--plants", type=int, default=30, help="of each kind of harm (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    args = parser.parse_args()
    found: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "synthetic": True, **vars(args), "null": []}
    del found["json"]
    print(f"{args.canaries} canaries without a difference, {args.conversations} conversations, a look after each:")
    for share in (0.5, 0.1):
        for spread in (0.1, 0.25):
            nulls = [
                conversations(seed, args.conversations, share=share, spread=spread) for seed in range(args.canaries)
            ]
            row = {
                "share": share,
                "spread": spread,
                "alarms": sum(alarm(one, share) for one in nulls) / len(nulls),
                "alarms_by_turns": sum(alarm(by_turns(one), share) for one in nulls) / len(nulls),
                "alarms_one_look_test": sum(one_look_each_time(one, share) for one in nulls) / len(nulls),
            }
            found["null"].append(row)
            print(
                f"  share {share}, conversations differ by {spread:.0%}: false alarms {row['alarms']:.1%}; "
                f"turns as if independent {row['alarms_by_turns']:.1%}; "
                f"a one-look test at each look {row['alarms_one_look_test']:.1%}",
                flush=True,
            )
    print(f"{args.plants} canaries of each harm: found, and the canary's turns until it was withdrawn (p50, p90):")
    found["power"] = []
    for row in power(args.plants, args.conversations):
        found["power"].append(row)
        print(
            f"  {row['planted']:18} share {row['share']}, differ by {row['spread']:4.0%}: {row['found']:4.0%}, "
            f"{row['turns_p50']}, {row['turns_p90']}",
            flush=True,
        )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    run(main)
