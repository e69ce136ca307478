"""The arithmetic of docs/scale.md is what its program prints."""

from pathlib import Path

from benchmarks.capacity import table


def test_the_page_shows_the_table_of_the_program() -> None:
    page = (Path(__file__).parents[3] / "docs/scale.md").read_text("utf-8")
    assert table([10, 1000, 100_000]) in page
