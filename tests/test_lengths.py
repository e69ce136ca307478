"""A file has one idea, and so much of it as can be read at once: packages, benchmarks and tests alike."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("sophia", "nova", "aurora", "pipelines", "benchmarks", "tests")
MADE = ("aurora/wire", "aurora/web/node_modules")
"""Files that a program makes, of any length."""

MOST_LINES = 400


def test_no_file_has_more_lines_than_can_be_read_at_once() -> None:
    long = {}
    for file in (file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        lines = len(file.read_text("utf-8").splitlines())
        if lines > MOST_LINES and not name.startswith(MADE):
            long[name] = lines
    assert long == {}
