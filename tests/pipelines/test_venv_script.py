"""``.ci/venv``: installs once, again when something changed, and says in plain words what a bare machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.home import checkout

ROOT = checkout()

pytestmark = pytest.mark.skipif(ROOT is None, reason="the script only comes with a checkout")

FAKE_PYTHON = """#!/bin/sh
case "$*" in
    "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    *ensurepip*) [ ! -e no-venv ] ;;
    *"pip install"*) echo "$*" >>installs; [ ! -e offline ] || { echo "no route to the index"; exit 1; } ;;
    *print*) echo 3.12 ;;
    --version) echo "Python 3.12.0" ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout in which python3 is a stand-in that notes what it is asked to install."""
    assert ROOT is not None
    for name in (".ci/venv", "pyproject.toml", "hatch_build.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname", "cat", "cksum", "tr", "printf", "id", "rm", "mkdir", "cp", "tail"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    (tmp_path / "bin" / "python3").write_text(FAKE_PYTHON)
    (tmp_path / "bin" / "python3").chmod(0o755)
    return tmp_path


def venv(folder: Path, extras: str = "", **environment: str) -> tuple[int, str]:
    """Runs the script; returns its exit code and what it said."""
    done = subprocess.run(
        [folder / ".ci" / "venv", extras],
        env={"PATH": str(folder / "bin"), "HOME": os.environ.get("HOME", "/"), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def installs(folder: Path) -> int:
    note = folder / "installs"
    return len(note.read_text().splitlines()) if note.exists() else 0


def test_installed_once_and_again_only_when_something_changed(folder: Path) -> None:
    assert venv(folder)[0] == 0
    assert venv(folder) == (0, "")
    assert installs(folder) == 1
    with (folder / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert venv(folder)[0] == 0
    assert installs(folder) == 2


def test_extras_are_installed_beside_and_the_developers_set_covers_running(folder: Path) -> None:
    assert venv(folder, "dev")[0] == 0
    assert venv(folder, "") == (0, "")
    assert venv(folder, "dev") == (0, "")
    assert installs(folder) == 1
    assert venv(folder, "aec")[0] == 0
    assert (folder / "installs").read_text().splitlines()[-1].endswith("--editable .[aec]")


def test_an_installation_that_failed_is_told_and_tried_again(folder: Path) -> None:
    (folder / "offline").touch()
    code, said = venv(folder)
    assert code == 1
    assert "no route to the index" in said
    assert "Is the package index reachable?" in said
    (folder / "offline").unlink()
    assert venv(folder)[0] == 0


def test_no_python(folder: Path) -> None:
    (folder / "bin" / "python3").unlink()
    code, said = venv(folder)
    assert code == 1
    assert said.startswith("Python 3.11 or newer is needed and was not found (python3: missing).")


def test_a_python_that_was_asked_for_and_does_not_fit(folder: Path) -> None:
    code, said = venv(folder, PYTHON="python2")
    assert (code, said) == (1, "PYTHON=python2 is no Python 3.11 or newer.\n")


def test_without_the_venv_module_the_command_is_named(folder: Path) -> None:
    (folder / "no-venv").touch()
    code, said = venv(folder)
    assert code == 1
    assert "sudo apt-get install -y --no-install-recommends python3.12-venv" in said
