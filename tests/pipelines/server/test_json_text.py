"""Events as JSON: what is read is what the standard library reads, and what is written comes back."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.server.json_text import read, written

# Whole numbers that fit into a float: larger ones are read as one, and every number of the protocol is clamped.
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec=None), max_size=12)  # halves of surrogate pairs included
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_it_reads_what_anybody_wrote(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert read(text) == json.loads(text)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_written_comes_back(event: dict[str, object]) -> None:
    assert read(written(event)) == event
    assert "\n" not in written(event)


@given(st.text(max_size=40))
def test_what_is_no_json_is_nothing(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        expected = None
    found = read(text)
    assert found == expected or (isinstance(found, float) and math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize(
    "text",
    ['{"a": "\\ud83d"}', '{"a": NaN}', '{"a": -Infinity}', "[" * 400 + "]" * 400],
    ids=["half a surrogate pair", "not a number", "infinity", "nested deep"],
)
def test_what_is_stricter_than_the_standard_library_is_read_by_that(text: str) -> None:
    assert repr(read(text)) == repr(json.loads(text))


def test_a_number_without_end_is_read_and_no_nesting_breaks_it() -> None:
    assert read('{"audio_end_ms": ' + "9" * 30 + "}") == {"audio_end_ms": 1e30}
    assert read("[" * 100_000) is None


def test_what_is_nested_deeper_than_orjson_writes_is_written() -> None:
    deep: object = "end"
    for _ in range(300):
        deep = [deep]
    assert read(written({"echo": deep})) == {"echo": deep}
