"""Percentiles by integer histograms: how far off they may be, and that their counts add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from pipelines.insights import made
from pipelines.insights.engines import run
from pipelines.insights.queries import FIRST, TOP, histogram, middle, percentiles


def test_percentiles_are_off_by_less_than_one_in_a_hundred(tmp_path: Path) -> None:
    tables = made.write(made.Making(3000), tmp_path)
    found = percentiles(run(histogram(()), tables), (0.5, 0.95))
    turns = pq.read_table(tables.files("turns")[0], partitioning=None)
    for (stage,), one in found.items():
        values = np.sort(pc.drop_null(turns[stage]).to_numpy())
        assert one.n == len(values)
        for share, value in zip((0.5, 0.95), one.values, strict=True):
            exact = values[int(np.ceil(share * len(values))) - 1]
            assert abs(value - exact) <= exact / 256 + 1


@given(st.integers(FIRST, TOP - 1))
def test_the_middle_of_a_bin_is_close_to_all_that_lies_in_it(value: int) -> None:
    width = 1 << (value.bit_length() - 8)
    found = value - value % width
    assert abs(middle(found) - value) * 256 <= value


def test_small_negative_and_endless_values_have_bins_of_their_own() -> None:
    assert [middle(found) for found in (-5000, 0, 255, TOP)] == [-5000, 0, 255, TOP]


def test_bins_of_two_days_add_up_to_those_of_both(tmp_path: Path) -> None:
    tables = made.write(made.Making(300, days=2), tmp_path)
    whole = percentiles(run(histogram(("site",)), tables))
    by_day = run(histogram(("date", "site")), tables)
    assert percentiles(row[1:] for row in by_day) == whole
    for date in ("2026-11-01", "2026-11-02"):
        one_day = run(histogram(("date", "site"), where=f"date = '{date}'"), tables)
        assert list(one_day) == [row for row in by_day if row[0] == date]


def test_a_rank_is_that_of_the_value_which_a_share_reaches() -> None:
    rows = [("llm", value, 1) for value in range(1, 101)]
    assert percentiles(rows, (0.99, 0.5, 0.005, 1.0))[("llm",)].values == (99, 50, 1, 100)
    assert percentiles([], (0.5,)) == {}
