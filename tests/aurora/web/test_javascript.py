"""The page's own tests, run by node: every ``*.test.mjs`` beside this file or below."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = shutil.which("node")
TESTS = sorted(HERE.rglob("*.test.mjs"))


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("script", TESTS, ids=lambda path: path.relative_to(HERE).as_posix())
def test_node_finds_nothing_wrong(script: Path) -> None:
    assert NODE is not None
    done = subprocess.run([NODE, "--test", script], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
