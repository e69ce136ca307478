"""Spellings of blendshapes: ``names.json`` holds Python and the page to one rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.face import ARKIT
from aurora.names import arkit_name

CASES = json.loads((Path(__file__).parent / "names.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize(("spelling", "meant"), CASES)
def test_a_spelling_means_what_the_table_says(spelling: str, meant: str | None) -> None:
    assert arkit_name(spelling) == meant


@given(st.sampled_from(ARKIT), st.lists(st.sampled_from(["_", "-", ".", " ", ""]), min_size=20, max_size=20))
def test_separators_anywhere_change_nothing(name: str, gaps: list[str]) -> None:
    assert arkit_name("".join(letter + gap for letter, gap in zip(name, [*gaps, *gaps], strict=False))) == name


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_none(text: str) -> None:
    assert arkit_name(text) in (None, *ARKIT)
