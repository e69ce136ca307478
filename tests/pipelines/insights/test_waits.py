"""One figure of a conversation's waits: no single turn moves it far, and what slows down some turns is seen."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.insights.waits import SHORTEST, typical


def test_one_turn_moves_it_little_and_some_turns_do_what_a_median_does_not_see() -> None:
    usual = [500_000] * 10
    once, often = [*usual, 9_000_000], [*usual[:7], *[900_000] * 3]
    assert median(often) == median(usual)
    for waits, low, high in ((usual, 0.499, 0.501), (once, 0.5, 0.54), (often, 0.58, 0.62)):
        found = typical(waits)
        assert found is not None
        assert low <= found / 1e6 <= high


def test_turns_in_which_she_was_not_heard_have_none() -> None:
    assert typical([]) is typical([None]) is None
    assert typical([None, 400_000]) == pytest.approx(400_000)
    assert typical([-20_000]) == pytest.approx(SHORTEST)


@given(st.lists(st.integers(-1_000_000, 130_000_000), min_size=1, max_size=30))
def test_it_lies_between_the_shortest_and_twice_the_median(waits: list[int]) -> None:
    known = [max(wait, SHORTEST) for wait in waits]
    found = typical(waits)
    assert found is not None
    assert min(known) * 0.999 <= found <= min(2 * median(known), max(known)) * 1.001
    assert typical([10 * wait for wait in known]) == pytest.approx(10 * found)
