"""What changed and since when: a planted slow-down is named as exactly that, and nothing is where nothing changed."""

from __future__ import annotations

import pytest

from pipelines.insights.report.changes import changes
from pipelines.insights.report.noise import FEWEST_DAYS
from tests.pipelines.insights.days import made


@pytest.mark.parametrize("seed", range(6))
def test_a_slow_stage_of_one_model_and_hour_is_named_with_its_day_and_nothing_else_is(seed: int) -> None:
    found = changes(made(seed, slow={"stage": "llm", "hour": 14, "model": 0}))
    assert [(one.stage, one.measure, one.since, one.where) for one in found] == [
        ("llm", "p50", "2026-11-15", {"hour": 14, "llm_model": "nova-7"})
    ]
    assert found[0].shift == pytest.approx(0.030, abs=0.006)


def test_a_stage_that_is_slower_for_all_is_named_without_a_cell() -> None:
    found = changes(made(7, slow={"stage": "tts"}))
    assert [(one.stage, one.since, one.where) for one in found] == [("tts", "2026-11-15", {})]


def test_what_became_faster_is_named_too() -> None:
    found = changes(made(8, slow={"stage": "asr", "model": 1}, ms=-40))
    assert [(one.stage, one.where, one.shift < 0) for one in found] == [("asr", {"llm_model": "nova-8"}, True)]


def test_a_few_turns_that_take_much_longer_move_the_tail_alone() -> None:
    found = changes(made(9, slow={"stage": "tts"}, ms=150, share=0.04))
    assert [(one.stage, one.measure, one.since, one.where) for one in found] == [("tts", "p95", "2026-11-15", {})]


def test_nothing_is_named_where_nothing_changed() -> None:
    assert [one for seed in range(20) for one in changes(made(100 + seed))] == []


def test_too_small_a_change_is_none_however_certain() -> None:
    assert changes(made(10, conversations=1500, slow={"stage": "llm"}, ms=6)) == []


def test_more_turns_of_a_slower_model_are_no_change() -> None:
    grids = made(11, slow={"stage": "llm", "model": 1}, ms=200, since=0)
    for grid in grids.values():
        more = [place for place, cell in enumerate(grid.cells) if cell[3] == "nova-8"]
        for sums in (grid.turns, grid.middle, grid.tail):
            sums[more, 14:] *= 3
    assert changes(grids) == []


def test_a_few_days_say_nothing() -> None:
    assert changes(made(12, days=FEWEST_DAYS - 1, slow={"stage": "llm"}, since=4)) == []
    assert changes({}) == []
