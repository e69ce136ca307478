"""The list of threats in the docs is true: each line names tests, and each of these tests exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = {path.stem: path for path in (ROOT / "tests").rglob("test_*.py")}


def threats():
    """The lines of the table: a threat, what holds it, and the tests that show so."""
    section = (ROOT / "docs/server.md").read_text("utf-8").partition("\n## Threats\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [(threat.strip(), re.findall(r"`(test_\w+)\.(test_\w+)`", shown)) for threat, _, shown in lines]


def test_there_is_a_list():
    assert len(threats()) > 20


@pytest.mark.parametrize(("threat", "shown"), threats(), ids=[threat for threat, _ in threats()])
def test_each_threat_has_its_tests(threat, shown):
    assert shown, f"no test is named for: {threat}"
    for module, name in shown:
        assert module in TESTS, f"there is no {module}"
        tree = ast.parse(TESTS[module].read_text("utf-8"))
        known = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in known, f"{module} has no {name}"
