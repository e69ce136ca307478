"""What the project tells people to type works in a checkout, and installs nothing of somebody else's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]

FROM_INDEX = re.compile(r"pip3?\s+install\b[^\n#;&|]*?(?<![\w/.\-])sophia[\w\-]*(?![\w/.\-]*/)", re.IGNORECASE)
"""The project is on no index: whoever registers its name there would be installed."""

EXTRA = re.compile(r"(?:pip install (?:--editable|-e) '?\"?[\w/]*\.?\[|EXTRAS=)([a-z0-9]+(?:,[a-z0-9]+)*)")


def texts() -> list[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    names = [n for n in listed.split("\0") if n.endswith((".py", ".md", ".sh", ".yml", ".yaml", ".toml", "file"))]
    names += ["Makefile", ".ci/venv", ".ci/run"]
    return [(n, (ROOT / n).read_text("utf-8")) for n in names if (ROOT / n).exists() and n != "tests/test_hints.py"]


def test_nothing_names_a_package_of_ours_on_the_index() -> None:
    assert FROM_INDEX.search("pip install 'sophia-avatar[replay]'")
    assert FROM_INDEX.search("python -m pip install --upgrade sophia")
    assert not FROM_INDEX.search(".venv/bin/python -m pip install -e '.[replay]'")
    found = [f"{name}: {hit[0]}" for name, text in texts() for hit in FROM_INDEX.finditer(text)]
    assert not found


def test_the_extras_that_hints_name_are_there() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8").partition("[project.optional-dependencies]")[2]
    there = set(re.findall(r"^([a-z0-9]+) = \[", project.partition("\n[tool")[0], re.MULTILINE))
    named = {extra for _, text in texts() for hit in EXTRA.findall(text) for extra in hit.split(",")}
    assert named
    assert named <= there
