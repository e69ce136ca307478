"""Slopes of what a process has: a leak is found, a cache that fills and a few odd samples are not taken for one."""

from __future__ import annotations

import pytest

from benchmarks.soak.growth import Sample, breaches, slopes
from benchmarks.soak.virtual import soak

pytestmark = pytest.mark.timeout(180)
BOUNDS = {"objects": 100.0}


def samples(*objects: float, every: int = 100) -> list[Sample]:
    return [Sample(every * number, float(number), {"objects": value}) for number, value in enumerate(objects)]


def test_what_stays_the_same_is_passed_over() -> None:
    assert breaches(samples(*[5000.0] * 20), BOUNDS) == []


def test_a_leak_is_told_with_its_slope() -> None:
    leaking = samples(*[5000 + 50 * number for number in range(20)])
    assert slopes(leaking) == {"objects": pytest.approx(500)}
    assert breaches(leaking, BOUNDS) == ["objects grows by 500 in 1000 turns; 100 are allowed"]


def test_a_cache_that_fills_at_the_beginning_is_no_leak() -> None:
    assert breaches(samples(0, 2000, 4000, 5000, *[5000.0] * 16), BOUNDS) == []


def test_odd_samples_do_not_bend_the_slope() -> None:
    odd = [5000.0] * 20
    odd[17] = odd[19] = 90_000.0
    assert breaches(samples(*odd), BOUNDS) == []


@pytest.mark.parametrize(("count", "every"), [(5, 1000), (40, 2)])
def test_too_little_is_not_judged(count: int, every: int) -> None:
    (line,) = breaches(samples(*[5000.0] * count, every=every), BOUNDS)
    assert "too few to judge" in line


def test_ledgers_that_are_kept_are_found() -> None:
    kept, gone = soak(0.04, 2, leak=True), soak(0.04, 2)
    assert kept["grown"]["Ledger"] > 10
    assert gone["grown"].get("Ledger", 0) < 5
