"""A canary is looked at again and again: without a difference it raises few alarms, and real harm is found soon."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.canaries import alarm, by_turns, conversations, one_look_each_time, withdrawn_after
from pipelines.improve.measures import ALARMS
from pipelines.improve.sequence import FEWEST, FairGame, Observed, played
from pipelines.improve.verdict import judge

SHARES = pytest.mark.parametrize("share", [0.5, 0.1])


@pytest.mark.timeout(120)
@SHARES
def test_of_200_canaries_without_a_difference_few_raise_an_alarm(share: float) -> None:
    nulls = [conversations(seed, 200, share=share, spread=0.25, turns=4) for seed in range(200)]
    assert ALARMS <= 0.05 + 1e-9
    assert sum(alarm(one, share) for one in nulls) <= 0.05 * 200


@SHARES
def test_even_where_the_least_effect_is_nothing(share: float) -> None:
    alarms = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        level = np.linspace(0, 3, 400)  # services get slower all the time
        game = FairGame(share, "rank", 0.05)
        for value in level + rng.standard_normal(400):
            played(game, [Observed(bool(rng.random() < share), float(value))])
        alarms += game.worse
    assert alarms <= 0.05 * 400


def test_the_two_planted_mistakes_are_seen() -> None:
    """Turns as if they were independent, and a test for one look that is asked at each: both raise many alarms."""
    nulls = [conversations(seed, 200, spread=0.25) for seed in range(20)]
    assert sum(alarm(by_turns(one), 0.5) for one in nulls) > 0.15 * 20
    assert sum(one_look_each_time(one, 0.5) for one in nulls) > 0.10 * 20


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "harm",
    [{"slower": 0.06}, {"slower": 0.45, "part": 0.2}, {"cut": (0.03, 0.2)}],
    ids=["+60 ms", "+450 ms in a fifth", "cut-offs"],
)
@SHARES
def test_planted_harm_is_withdrawn_within_600_turns_of_the_canary(harm: dict[str, float], share: float) -> None:
    number = 1000 if share < 0.5 else 200
    after = [
        withdrawn_after(conversations(seed, number, share=share, spread=0.05, **harm), share)  # type: ignore[arg-type]
        for seed in range(10)
    ]
    assert None not in after
    assert sum(turns is not None and turns <= 600 for turns in after) >= 9


def test_a_gain_is_found_and_made_live() -> None:
    found = conversations(3, 500, slower=-0.15)
    judged = judge(found, 0.5, now=found[-1].over, began=0)
    assert judged.findings[0].standing == "better"
    assert judged.action in ("promote", "wait")
    many = conversations(3, 1600, slower=-0.15)
    assert judge(many, 0.5, now=many[-1].over, began=0).action == "promote"


def test_a_better_wait_with_more_cut_offs_is_never_made_live() -> None:
    found = conversations(4, 1200, slower=-0.15, cut=(0.03, 0.08))
    for number in range(200, len(found), 100):
        assert judge(found[:number], 0.5, now=found[number - 1].over, began=0).action != "promote"
    judged = judge(found, 0.5, now=found[-1].over, began=0)
    assert judged.action == "withdraw"
    assert "false cut-offs is worse" in judged.why


def test_without_data_for_ten_minutes_it_is_withdrawn_but_not_because_nobody_talks() -> None:
    found = conversations(5, 200)
    gone = [one for one in found if not one.canary or one.over < found[100].over]
    judged = judge(gone, 0.5, now=found[-1].over, began=0)
    assert judged.action == "withdraw"
    assert "no data" in judged.why
    quiet = judge(found[:100], 0.5, now=found[99].over + 3_600_000_000, began=0)
    assert quiet.action == "wait"


def test_failing_services_withdraw_it_at_once() -> None:
    found = conversations(6, 30)
    failing = [
        replace(one, turns=tuple(replace(turn, outcome="failed") for turn in one.turns)) if one.canary else one
        for one in found
    ]
    judged = judge(failing, 0.5, now=found[-1].over, began=0)
    assert judged.action == "withdraw"
    assert "services failed" in judged.why


def test_waits_that_are_not_measured_withdraw_it() -> None:
    found = conversations(7, 100)
    deaf = [
        replace(one, turns=tuple(replace(turn, wait=None) for turn in one.turns)) if one.canary else one
        for one in found
    ]
    assert "have no wait" in judge(deaf, 0.5, now=found[-1].over, began=0).why


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(-1e3, 1e3)), max_size=120),
    st.sampled_from(["rank", "mean"]),
    st.floats(0.05, 0.5),
)
def test_the_bounds_hold_the_estimate_and_what_is_shown_stays_shown(
    seen: list[tuple[bool, float]], how: str, share: float
) -> None:
    game, before = FairGame(share, how, 0.05), (False, False)  # type: ignore[arg-type]
    for canary, value in seen:
        game.add(Observed(canary, value))
        assert game.bounds.low <= game.bounds.estimate <= game.bounds.high
        assert not (before[0] and not game.worse)
        assert not (before[1] and not game.fine)
        before = (game.worse, game.fine)
        if min(game.canary, game.control) < FEWEST:
            assert before == (False, False)
            assert math.isinf(game.bounds.high)


def test_strata_are_compared_within_themselves() -> None:
    """One language is slow and the canary has it more often by chance: no alarm comes of that."""
    mixed, apart = FairGame(0.5, "rank", 0.05), FairGame(0.5, "rank", 0.05)
    for n in range(400):
        canary, slow = n % 2 == 0, n % 10 < 8 if n % 2 == 0 else n % 10 < 2
        value = (1.0 if slow else 0.5) + (n * 7919 % 101) / 1000
        mixed.add(Observed(canary, value))
        apart.add(Observed(canary, value, "de-DE" if slow else "en-US"))
    assert mixed.worse
    assert not apart.worse
