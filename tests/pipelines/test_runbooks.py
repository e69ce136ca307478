"""Commands that the runbooks give: the programs know these arguments, and the files that they name are there."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings.layers import configs_folder

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / f"{name}.md" for name in ("dgx", "certificates", "models", "training")]
MADE = ("docker/tls", "docker/secrets", "docker/weights", "docker/pinned.yml")
"""What the runbooks themselves make."""


PROSE = {("pipelines.models", ""), ("pipelines.models", "place")}
"""Programs that a sentence speaks of and nobody is to type."""


class Parsed(Exception):
    """The command line was understood."""


def text(page: Path) -> str:
    """A page with continued lines joined."""
    return page.read_text().replace("\\\n", " ")


def commands() -> Iterator[tuple[str, str]]:
    """Module and arguments of each ``python -m …`` in a line of a block or between backticks."""
    for page in PAGES:
        for found in re.finditer(r"python -m ((?:pipelines|nova)[\w.]*)([^`\n]*)", text(page)):
            arguments = re.split(r" #|\s{2,}#| \(|; ", found[2])[0].strip()
            if not re.search(r"[…\[]|\bNAME\b", arguments) and (found[1], arguments) not in PROSE:
                yield found[1], arguments


def test_there_are_commands_to_look_at() -> None:
    assert {"pipelines.doctor", "pipelines.certs", "pipelines.models", "nova.training"} <= {
        name for name, _ in commands()
    }


@pytest.mark.parametrize(("module", "arguments"), sorted(set(commands())))
def test_programs_know_the_arguments(
    module: str, arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = argparse.ArgumentParser.parse_args

    def parse(parser: argparse.ArgumentParser, words: list[str] | None = None) -> None:
        real(parser, words)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    try:
        program = importlib.import_module(f"{module}.__main__")
    except ModuleNotFoundError:
        program = importlib.import_module(module)
    try:
        program.main(shlex.split(arguments))
    except Parsed:
        return
    except SystemExit:
        pytest.fail(f"python -m {module} {arguments}: {capsys.readouterr().err.splitlines()[-1]}")
    pytest.fail(f"python -m {module} did not look at its arguments")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = set(re.findall(r"\b(?:docker|configs|nova/models|nova/training)/[\w./-]*\w", text(page)))
    missing = {name for name in named if not name.startswith(MADE) and not (ROOT / name).exists()}
    assert not missing
    configurations = set(re.findall(r"--config ([\w.-]+\.yaml)", text(page)))
    assert configurations <= {path.name for path in configs_folder().glob("*.yaml")}


def test_the_fetching_script_knows_its_options() -> None:
    told = subprocess.run([ROOT / "docker/ngc-pull.sh", "--help"], capture_output=True, text=True, check=True).stdout
    for page in [*PAGES, ROOT / "docker/README.md"]:
        for line in re.findall(r"docker/ngc-pull\.sh([^`#\n]*)", text(page)):
            for option in re.findall(r"--[a-z-]+", line):
                assert f"  {option} " in told, f"{page.name}: {option}"
