"""Quantiles, their intervals and the permutation tests, held against numpy, tables and known chances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipelines.replay.statistics import (
    Resampling,
    Sample,
    paired,
    quantiles,
    shift,
    student,
    unpaired,
    weighted_quantiles,
)

NOTHING = np.zeros(1)


@given(
    arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(-10, 10)),
    st.lists(st.integers(0, 4), min_size=30, max_size=30),
    st.floats(0, 1),
)
def test_a_weighted_quantile_is_numpys_of_the_repeated_values(values, weights, q):
    values, weights = np.sort(values), np.array(weights[: len(values)])
    found = weighted_quantiles(values, weights[None, :], [q])[0, 0]
    if weights.sum() == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(np.quantile(np.repeat(values, weights), q), abs=1e-9)


def test_quantiles_are_numpys_and_lie_in_their_intervals():
    values = np.random.default_rng(0).normal(1, 0.2, 200)
    for q, estimate in zip((0.5, 0.95), quantiles(values, (0.5, 0.95)), strict=True):
        assert estimate.value == pytest.approx(np.quantile(values, q))
        assert estimate.low < estimate.value < estimate.high
        assert estimate.n == 200


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.6, 0.7]])
def test_a_single_block_has_no_interval(values):
    (estimate,) = quantiles(values, [0.5], blocks=[7] * len(values))
    assert (estimate.low, estimate.high) == (None, None)


def test_no_values_no_estimates():
    assert quantiles([], [0.5, 0.9]) == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_have_to_be_finite(bad):
    with pytest.raises(ValueError, match="finite"):
        quantiles([1.0, bad], [0.5])


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(20.0)
    assert quantiles(values, [0.5], seed=3) == quantiles(values, [0.5], seed=3)
    assert quantiles(values, [0.3], seed=3) != quantiles(values, [0.3], seed=4)


@pytest.mark.parametrize(("p", "degrees", "table"), [(0.975, 3, 3.182), (0.975, 8, 2.306), (0.95, 20, 1.725)])
def test_students_quantiles(p, degrees, table):
    assert student(p, degrees) == pytest.approx(table, rel=0.002)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Six rounds that share a drift: an interval that took turns for independent would hold it in two thirds."""
    rng = np.random.default_rng(1)
    blocks = np.repeat(np.arange(6), 10)
    held, naive = 0, 0
    for _ in range(100):
        values = rng.normal(0, 1, 6)[blocks] + rng.normal(0, 1, 60)
        (by_block,) = quantiles(values, [0.5], blocks=blocks, resamples=200)
        (by_value,) = quantiles(values, [0.5], resamples=200)
        held += by_block.low <= 0 <= by_block.high
        naive += by_value.low <= 0 <= by_value.high
    assert held >= 0.90 * 100
    assert naive < 0.80 * 100


def sample(values, block):
    return Sample(np.asarray(values, float), np.asarray(block))


def test_a_shift_of_everything_is_found_exactly():
    values = np.random.default_rng(2).normal(0, 1, 40)
    block = np.repeat(np.arange(8), 5)
    found = shift(sample(values, block), sample(values + 0.5, block), 0.5, Resampling.together(8, 500, 0))
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    apart = shift(sample(values, block), sample(values + 0.5, block), 0.5, Resampling.apart(8, 8, 500, 0))
    assert apart.low < 0.5 < apart.high


def test_a_shift_needs_both_sides():
    with pytest.raises(ValueError, match="before and after"):
        shift(sample([], []), sample([1.0], [0]), 0.5, Resampling.apart(1, 1, 10, 0))


def test_large_samples_are_resampled_in_portions(monkeypatch):
    values = np.random.default_rng(2).normal(0, 1, 40)
    whole = quantiles(values, [0.5], blocks=np.repeat(np.arange(4), 10))
    monkeypatch.setattr("pipelines.replay.statistics._AT_ONCE", 999)
    portions = quantiles(values, [0.5], blocks=np.repeat(np.arange(4), 10))
    assert portions[0].low == pytest.approx(whole[0].low, abs=0.1)


def test_the_least_chance_is_one_in_all_regroupings():
    scores = np.array([0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 5.2, 5.3])[:, None]
    found = unpaired(scores, np.arange(8) >= 4, NOTHING)
    assert found.rise[0] == pytest.approx(1 / 70)
    assert found.fall[0] == 1.0
    assert unpaired(scores, np.arange(8) < 4, NOTHING).fall[0] == pytest.approx(1 / 70)


def test_pairs_have_as_many_chances_as_signs():
    differences = np.array([1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.3, 1.0])[:, None]
    assert paired(differences, NOTHING).rise[0] == pytest.approx(2**-8)
    assert paired(-differences, NOTHING).fall[0] == pytest.approx(2**-8)


def test_equal_rounds_are_no_difference():
    found = unpaired(np.ones((10, 3)), np.arange(10) >= 5, np.zeros(3))
    assert found.rise.tolist() == [1.0] * 3


def test_what_is_too_small_to_matter_raises_no_alarm():
    scores = np.arange(10.0)[:, None] * 0.001
    assert unpaired(scores, np.arange(10) >= 5, np.array([0.004])).rise[0] < 0.01
    assert unpaired(scores, np.arange(10) >= 5, np.array([0.006])).rise[0] == 1.0


def test_a_unit_without_a_value_does_not_count():
    scores = np.array([[0.0], [0.1], [np.nan], [0.2], [0.3], [5.0], [5.1], [5.2], [np.nan], [5.3]])
    assert unpaired(scores, np.arange(10) >= 5, NOTHING).rise[0] < 0.05
    assert unpaired(np.full((10, 1), np.nan), np.arange(10) >= 5, NOTHING).rise[0] == 1.0


def test_many_measures_together_raise_few_alarms():
    """Twelve measures, heavy tails: one by one at 5 % nearly every second comparison would raise an alarm."""
    rng = np.random.default_rng(3)
    alarms = sum(
        unpaired(rng.standard_t(3, (10, 12)), np.arange(10) >= 5, np.zeros(12)).rise.min() <= 0.05 for _ in range(200)
    )
    assert alarms <= 0.05 * 200 + 9  # three standard deviations


def test_pairs_of_many_measures_raise_few_alarms():
    rng = np.random.default_rng(4)
    alarms = sum(paired(rng.standard_t(3, (8, 12)), np.zeros(12)).rise.min() <= 0.05 for _ in range(200))
    assert alarms <= 0.05 * 200 + 9
