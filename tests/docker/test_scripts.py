"""ngc-pull.sh against a stand-in for docker that notes its arguments and what it was told."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from stack_files import DOCKER, tool

SCRIPT = DOCKER / "ngc-pull.sh"
KEY = "nvapi-0123456789_abcdefghijklmnop"

FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> "$NOTES/arguments"
case $1 in
compose)
    [ "$2" = version ] && exit 0
    printf '%s\\n' nvcr.io/nim/a:1.0 docker.io/library/b:2.0 nvcr.io/nim/a:1.0 sophia-avatar:0.1.0
    ;;
login) cat > "$NOTES/stdin"; exit "${LOGIN:-0}" ;;
pull) [ "$3" != "${BROKEN:-}" ] ;;
esac
"""


class Run:
    """One run of the script: its exit code, everything it said, and what docker was asked."""

    def __init__(self, tmp: Path, *arguments: str, docker: bool = True, **variables: str) -> None:
        tools, here = tmp / "bin", tmp / "docker"
        tools.mkdir()
        here.mkdir()
        script = shutil.copy(SCRIPT, here)  # away from a developer's own key
        for name in ("cat", "dirname", "grep", "head", "ls", "sed", "sort", "tr", "uname"):  # and from a real docker
            (tools / name).symlink_to(str(shutil.which(name)))
        if docker:
            (tools / "docker").write_text(FAKE)
            (tools / "docker").chmod(0o755)
        environment = {"PATH": str(tools), "NOTES": str(tmp), **variables}
        done = subprocess.run(
            [script, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=20
        )
        self.code, self.said = done.returncode, done.stdout + done.stderr
        notes = tmp / "arguments"
        self.asked = notes.read_text().splitlines() if notes.exists() else []
        self.pulled = [line.split()[-1] for line in self.asked if line.startswith("pull")]
        assert KEY not in self.said
        assert not any(KEY in line for line in self.asked), "the key was an argument, which every user can see"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "ngc.env"
    path.write_text(f"# mine\nNGC_API_KEY={KEY}\n")
    path.chmod(0o600)
    return path


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([tool("shellcheck"), SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_can_be_started_and_explains_itself(tmp_path: Path) -> None:
    assert os.access(SCRIPT, os.X_OK)
    run = Run(tmp_path, "--help", docker=False)
    assert run.code == 0
    assert "usage: ngc-pull.sh" in run.said


def test_each_image_is_pulled_once_and_the_key_goes_through_standard_input(tmp_path: Path, key_file: Path) -> None:
    run = Run(tmp_path, "--profile", "spark", "--key-file", str(key_file))
    assert run.code == 0, run.said
    assert run.pulled == ["docker.io/library/b:2.0", "nvcr.io/nim/a:1.0"]  # the runtime's own is built, not pulled
    assert "login nvcr.io --username $oauthtoken --password-stdin" in run.asked
    assert (tmp_path / "stdin").read_text() == KEY
    assert any(f"--env-file {tmp_path}/docker/spark.env" in line for line in run.asked)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, "--profile", "workstation", "--dry-run", NGC_API_KEY=KEY)
    assert run.code == 0, run.said
    assert "would pull nvcr.io/nim/a:1.0" in run.said
    assert run.pulled == []
    assert not any(line.startswith("login") for line in run.asked)


def test_what_fails_is_named_and_the_rest_is_pulled(tmp_path: Path) -> None:
    run = Run(tmp_path, "--profile", "spark", NGC_API_KEY=KEY, BROKEN="docker.io/library/b:2.0")
    assert run.code == 1
    assert "could not pull: docker.io/library/b:2.0" in run.said
    assert "nvcr.io/nim/a:1.0" in run.pulled


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        (["--profile", "moon"], {"NGC_API_KEY": KEY}, 2, "no profile 'moon'"),
        (["--fast"], {}, 2, "what is '--fast'"),
        (["--profile"], {}, 2, "needs a value"),
        (["--key-file", "/nowhere"], {"NGC_API_KEY": KEY}, 3, "does not exist"),
        ([], {"NGC_API_KEY": "short"}, 3, "too short"),
        ([], {"NGC_API_KEY": f"'{KEY}'"}, 3, "quotes"),
        ([], {"NGC_API_KEY": KEY, "LOGIN": "1"}, 3, "refused the key"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], code: int, words: str
) -> None:
    run = Run(tmp_path, *arguments, **variables)
    assert run.code == code
    assert words in run.said
    assert run.said.count("\n") == 1
    assert run.pulled == []


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, key_file: Path) -> None:
    key_file.chmod(0o644)
    run = Run(tmp_path, "--key-file", str(key_file))
    assert (run.code, run.pulled) == (3, [])
    assert f"chmod 600 {key_file}" in run.said


def test_a_machine_without_docker(tmp_path: Path) -> None:
    run = Run(tmp_path, docker=False, NGC_API_KEY=KEY)
    assert run.code == 4
    assert "docker is not installed" in run.said
