import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipelines.simulation.distribution import Distribution, exactly

READ = TypeAdapter(Distribution).validate_python
NUMBERS = st.floats(-600, 600, allow_nan=False)
POSITIVE = st.floats(1e-4, 600, allow_nan=False)
WRITTEN = st.one_of(
    NUMBERS,
    st.tuples(POSITIVE, POSITIVE).map(lambda pair: {"p50": min(pair), "p95": max(pair)}),
    st.lists(NUMBERS, min_size=1, max_size=20).map(lambda samples: {"samples": samples}),
)


def test_a_number_is_a_constant():
    assert READ(0.12) == exactly(0.12)
    assert {READ(0.12).at(share) for share in (0.0, 0.3, 1.0)} == {0.12}


def test_median_and_95th_percentile_are_met():
    delay = READ({"p50": 0.1, "p95": 0.25})
    assert delay.at(0.5) == pytest.approx(0.1)
    assert delay.at(0.95) == pytest.approx(0.25)
    assert 0 < delay.at(0.0) < 0.05
    assert delay.at(1.0) < 100


def test_samples_stand_for_themselves_and_what_lies_between():
    delay = READ({"samples": [0.3, 0.1, 0.2]})
    assert [delay.at(share) for share in (0, 0.5, 1)] == [0.1, 0.2, 0.3]
    assert delay.at(0.25) == pytest.approx(0.15)


@settings(max_examples=40)
@given(WRITTEN, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_share_never_gives_a_smaller_value(written, one, other):
    delay = READ(written)
    low, high = sorted((one, other))
    assert delay.least - 1e-9 <= delay.at(low) <= delay.at(high) + 1e-9


@settings(max_examples=40)
@given(WRITTEN)
def test_what_is_written_is_read_back(written):
    delay = READ(written)
    assert READ(delay.model_dump(mode="json")) == delay


def test_one_draw_takes_exactly_one_number():
    asked = []

    def chance():
        asked.append(1)
        return 0.5

    for written in (0.1, {"p50": 0.1, "p95": 0.2}, {"samples": [0.1, 0.2]}):
        READ(written).draw(chance)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "written",
    [
        "fast",
        True,
        None,
        [],
        {},
        {"p50": 0.1},
        {"p50": 0.2, "p95": 0.1},
        {"p50": 0.0, "p95": 0.1},
        {"samples": []},
        {"constant": 0.1, "p50": 0.1, "p95": 0.2},
        {"p50": 0.1, "p95": float("inf")},
        float("nan"),
        1e9,
        {"mean": 0.1},
    ],
)
def test_nonsense_is_refused(written):
    with pytest.raises(ValidationError):
        READ(written)
