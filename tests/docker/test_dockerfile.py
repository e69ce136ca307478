"""The images: linted, the runtime's small and without root, all made of what the project is made of."""

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
    needed = {*wheel["packages"], "hatch_build.py", "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"}
    needed |= {"proto", "configs"}  # what hatch_build.py reads
    assert copied() == needed
    assert all((ROOT / name).exists() for name in copied())


def test_nothing_else_reaches_the_builder() -> None:
    rules = [r for r in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if r and not r.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:].partition("/")[0] for rule in rules if rule.startswith("!")} == copied()
    for secret in (
        "configs/grafana.token",
        "docker/tls/server.key",
        ".sophia/tls/ca.key",
        ".git/config",
        ".venv/bin/python",
    ):
        assert not any(fnmatch.fnmatch(secret, rule[1:] + "*") for rule in rules if rule.startswith("!"))


def test_all_stages_stand_on_the_same_pinned_python() -> None:
    base, stand_in, runtime = [stage.splitlines()[0] for stage in stages()]
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-bookworm AS build", base)
    assert stand_in == "build AS stand-in"
    assert runtime == base.removesuffix(" AS build")
    assert re.findall(r"^USER (.+)$", stages()[1], flags=re.MULTILINE) == ["1000:1000"]


def test_nothing_of_the_stand_ins_is_in_the_runtime_and_no_other_syntax_is_fetched() -> None:
    assert set(re.findall(r"--from=(\S+)", stages()[-1])) == {"build"}
    assert "syntax=" not in DOCKERFILE


def test_dependencies_are_installed_before_the_sources_are_copied() -> None:
    """So that a change of the sources does not fetch them anew; both steps take wheels of the project's own list."""
    steps = stages()[0]
    first = steps.index("-r requirements.txt")
    assert "['project']['dependencies']" in steps[:first]
    assert "--only-binary=:all:" in steps[:first]
    assert first < steps.index("COPY pipelines")
    assert "--no-deps ." in steps[first:]


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
