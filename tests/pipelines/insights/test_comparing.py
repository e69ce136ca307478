"""Groups are compared by conversations: what differs is found, and what does not is not."""

import argparse

import numpy as np
import pytest

from pipelines.insights.__main__ import main
from pipelines.insights.compare_command import group
from pipelines.insights.made import Arm, Making, Slow, write
from pipelines.insights.report.comparing import FEWEST, WAIT, apart, compare, shifted


def talks(rng, conversations, turns=12, slower=1.0):
    """Waits in milliseconds, a row for each conversation: whole conversations are faster or slower than others."""
    whole = np.exp(0.25 * rng.standard_normal((conversations, 1)))
    return 550 * slower * whole * np.exp(0.15 * rng.standard_normal((conversations, turns)))


def alarms(as_seen, seeds=150):
    found = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        one = shifted(WAIT, as_seen(talks(rng, 40)), as_seen(talks(rng, 40)), 0.0)
        found += one.verdict in ("worse", "better")
    return found / seeds


def test_turns_would_cry_wolf_and_conversations_do_not():
    assert alarms(lambda waits: np.median(waits, axis=1)) <= 0.09
    assert alarms(np.ravel) >= 0.2


def test_a_tenth_slower_is_found_and_measured():
    rng = np.random.default_rng(1)
    before, after = (np.median(talks(rng, 300, slower=by), axis=1) for by in (1.0, 1.1))
    found = shifted(WAIT, before, after, 10.0)
    assert found.verdict == "worse"
    assert found.low < 55 < found.high
    assert shifted(WAIT, after, before, 10.0).verdict == "better"


def test_an_effect_below_the_least_does_not_count_and_a_wide_interval_settles_nothing():
    rng = np.random.default_rng(2)
    before, after = (500 + rng.standard_normal(400), 503 + rng.standard_normal(400))
    assert shifted(WAIT, before, after, 10.0).verdict == "no difference"
    assert (
        shifted(WAIT, 500 + 300 * rng.standard_normal(12), 500 + 300 * rng.standard_normal(12), 10.0).verdict
        == "not settled"
    )
    assert shifted(WAIT, before[: FEWEST - 1], after, 10.0).verdict == "too few"


def test_many_conversations_are_compared_by_some_of_their_ranks():
    rng = np.random.default_rng(3)
    before = np.median(talks(rng, 6000), axis=1)
    found = shifted(WAIT, before, before + 20.0, 10.0)
    assert found.change == pytest.approx(20.0, abs=1.0)
    assert found.verdict == "worse"


def test_rare_things_are_compared_by_their_share():
    rng = np.random.default_rng(4)
    before, after = (100 * rng.binomial(12, share, 500) / 12 for share in (0.03, 0.06))
    assert apart("false cut-offs", before, after, 1.0).verdict == "worse"
    assert apart("false cut-offs", before, before, 1.0).verdict == "no difference"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    arms = (Arm("control", 0.4), Arm("canary", 0.4, stage="llm", ms=60, cutoffs=0.1))
    making = Making(per_day=6000, days=4, arms=arms, slow=(Slow("tts", 100, since="2026-11-03"),))
    return write(making, tmp_path_factory.mktemp("tables"))


def test_a_worse_arm_is_worse_in_what_it_is_worse_in(tables):
    found = compare(tables, group("arm=control"), group("arm=canary"))
    verdicts = {one.measure: one.verdict for one in found.measures}
    assert verdicts[WAIT] == "worse"
    assert verdicts["false cut-offs"] == "worse"
    assert verdicts["failed turns"] != "worse"
    assert found.in_both == 0
    assert found.worse


def test_days_are_groups_as_well(tables):
    found = compare(tables, group("date=2026-11-01..2026-11-02"), group("date=2026-11-03..2026-11-04"))
    (wait,) = (one for one in found.measures if one.measure == WAIT)
    assert wait.low < 100 < wait.high


def test_who_is_in_both_groups_is_in_none(tables):
    found = compare(tables, group("length=short"), group("length=long"))
    assert found.in_both > 0


def test_every_engine_compares_alike(tables):
    assert compare(tables, group("site=berlin"), group("site=wien"), "polars") == compare(
        tables, group("site=berlin"), group("site=wien")
    )


def test_the_program_ends_with_what_it_found(tables, capsys):
    where = str(tables.folder)
    assert main(["compare", where, "--before", "arm=control", "--after", "arm=canary"]) == 1
    assert "worse" in capsys.readouterr().out
    assert main(["compare", where, "--before", "arm=canary", "--after", "arm=control"]) == 0
    assert "better" in capsys.readouterr().out
    assert main(["compare", where, "--before", "arm=nobody", "--after", "arm=control"]) == 2
    assert "too few" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nova-8", "write KEY=VALUE"),
        ("modle=x", "no key 'modle'"),
        ("hour=noon", "0 to 23"),
        ("date=today", "date=2026"),
    ],
)
def test_what_is_no_group_is_told(text, told):
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        group(text)


def test_a_value_is_a_value_and_no_sql():
    assert group("site=x' OR 1=1 --") == "site = 'x'' OR 1=1 --'"
