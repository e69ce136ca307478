"""The runtime's image: linted, small, without root, and made of what the project is made of."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tomllib

from stack_files import DOCKER, tool

ROOT = DOCKER.parent
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def stages() -> list[str]:
    return re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]


def copied() -> set[str]:
    """What is copied from the checkout into the first stage."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", stages()[0], flags=re.MULTILINE)
    return {name for line in lines for name in line.split()}


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([tool("hadolint"), DOCKER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_everything_the_wheel_is_made_of_is_copied_and_not_ignored() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], "proto", "hatch_build.py", "pyproject.toml"}
    needed |= {PROJECT["project"]["readme"], "LICENSE"}
    assert copied() == needed
    assert all((ROOT / name).exists() for name in copied())


def test_nothing_else_reaches_the_builder() -> None:
    rules = [r for r in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if r and not r.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied()
    for secret in ("docker/tls/server.key", ".sophia/tls/ca.key", ".git/config", ".venv/bin/python"):
        assert not any(fnmatch.fnmatch(secret, rule[1:] + "*") for rule in rules if rule.startswith("!"))


def test_both_stages_stand_on_the_same_pinned_python() -> None:
    images = {stage.split()[0] for stage in stages()}
    assert len(images) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-bookworm", images.pop())


def test_the_last_stage_has_no_root_no_compiler_and_tells_its_health() -> None:
    last = stages()[-1]
    assert re.findall(r"^USER (.+)$", last, flags=re.MULTILINE) == ["1000:1000"]
    assert not re.search(r"build-essential|cmake|gcc|pip install", last)
    assert "libportaudio2" in last
    health = re.search(r"^HEALTHCHECK .+?127\.0\.0\.1:(\d+)/metrics", last, flags=re.MULTILINE | re.DOTALL)
    port = re.search(r"SOPHIA_TELEMETRY__METRICS_PORT=(\d+)", last)
    assert health
    assert port
    assert health.group(1) == port.group(1)


def test_the_entry_point_is_a_program_of_the_project() -> None:
    match = re.search(r'^ENTRYPOINT \["python", "-m", "([\w.]+)"\]$', DOCKERFILE, flags=re.MULTILINE)
    assert match
    assert (ROOT / (match.group(1).replace(".", "/") + ".py")).is_file()
