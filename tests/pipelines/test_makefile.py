"""What make adds to the programs: nothing where they have said what is wrong, and no set-up that help does not need."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from pipelines.home import checkout

ROOT = checkout()

pytestmark = pytest.mark.skipif(
    ROOT is None or shutil.which("make") is None, reason="needs a checkout, and make for its Makefile"
)

PYTHON = """#!/bin/sh
echo "python $*" >>calls
case "$*" in
    *--prepare*) ;;
    *wait*) trap 'sleep 0.3; echo >ended; exit 130' INT; echo >ready; while :; do sleep 0.05; done ;;
    *) echo "the program has said it" >&2; exit 3 ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout whose programs fail, and whose set-up is noted."""
    assert ROOT is not None
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    for name, text in ((".venv/bin/python", PYTHON), (".ci/venv", '#!/bin/sh\necho "venv $1" >>calls\n')):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str, quiet: bool = True) -> tuple[int, str, list[str]]:
    done = subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=False, restore_signals=quiet
    )
    calls = folder / "calls"
    return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines() if calls.exists() else []


@pytest.mark.parametrize("target", ["talk", "services", "check", "doctor", "replay", "certs"])
def test_make_ends_without_a_line_of_its_own_and_not_with_0(folder: Path, target: str) -> None:
    code, told, _ = make(folder, target)
    assert told == "the program has said it\n"
    assert code != 0


def test_where_the_signal_is_ignored_the_failure_is_not(folder: Path) -> None:
    code, told, _ = make(folder, "doctor", quiet=False)  # Python ignores SIGPIPE, and hands that on
    assert code == 2
    assert "Error 3" in told


@pytest.mark.parametrize("target", ["talk", "services", "doctor", "replay"])
@pytest.mark.parametrize("help_", ["--help", "-h"])
def test_help_installs_no_extras_and_sets_nothing_up(folder: Path, target: str, help_: str) -> None:
    _, _, calls = make(folder, target, f"ARGS={help_}", "EXTRAS=aec")
    assert calls[0] == "venv "
    assert [call for call in calls if "--prepare" in call] == []
    assert calls[-1].endswith(help_)


def test_ctrl_c_is_waited_for_until_the_program_has_ended(folder: Path) -> None:
    started = subprocess.Popen(
        ["make", "services", "ARGS=--wait"], cwd=folder, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    with started:
        while not (folder / "ready").exists():
            assert started.poll() is None
        os.killpg(started.pid, signal.SIGINT)
        assert started.wait(20) != 0
        assert (folder / "ended").exists()
        assert started.stderr is not None
        assert started.stderr.read() == ""


def test_what_a_configuration_does_not_embed_is_not_set_up(folder: Path) -> None:
    for target, before in (("talk", "venv "), ("replay", "venv replay")):
        (folder / "calls").unlink(missing_ok=True)
        _, _, calls = make(folder, target, "CONFIG=spark.yaml")
        assert calls[:2] == [before, "python -m pipelines.embedded --prepare --config spark.yaml"]


def test_replay_has_its_extras(folder: Path) -> None:
    _, _, calls = make(folder, "replay", "ARGS=--repeat 2", "EXTRAS=aec")
    assert calls[:2] == ["venv replay,aec", "python -m pipelines.embedded --prepare"]
    assert calls[2].endswith("--repeat 2")


def test_the_turn_model_is_fetched_where_its_extra_is_asked_for(folder: Path) -> None:
    _, _, calls = make(folder, "talk", "EXTRAS=aec,turn")
    assert calls[:2] == ["venv aec,turn", "python -m pipelines.embedded --prepare --turn-model"]
    (folder / "calls").unlink()
    _, _, calls = make(folder, "talk", "EXTRAS=aec")
    assert calls[1] == "python -m pipelines.embedded --prepare"
