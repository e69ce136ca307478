"""Tests are not packages: their modules and helpers share one space of names, so a second of a name hides the first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_no_two_files_beside_the_tests_share_a_name() -> None:
    names = Counter(file.name for file in Path(__file__).parent.rglob("*.py") if file.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
