"""The stack's compose files, merged without an engine."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCKER = Path(__file__).parents[2] / "docker"
PROFILES = ("spark", "workstation", "speech-remote", "speech", "pool")

VARIABLE = r"\$\{([A-Z0-9_]+):-([^}]*)\}"
"""The one form of variable that these files use: with a default."""

Stack = dict[str, Any]


def tool(name: str) -> str:
    """A program of the environment that the tests run in; the test is skipped where it is missing."""
    program = Path(sys.executable).parent / name
    if not program.exists():
        pytest.skip(f"{name} is not installed (extra dev)")
    return str(program)


def parts() -> list[Path]:
    """The files that the umbrella includes, in its order."""
    (included,) = yaml.safe_load((DOCKER / "docker-compose.yml").read_text())["include"]
    return [DOCKER / name for name in included["path"]]


def settings_of(profile: str) -> dict[str, str]:
    """The lines of a profile's environment file."""
    lines = (DOCKER / f"{profile}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@cache
def merged(profile: str) -> Stack:
    """What runs in a profile: the parts one after the other, interpolated with the profile's environment file.

    Compose merges in many ways; these files need one, which a test holds them to: what a later part adds to a service
    is new to it, and what several parts define alike is alike.
    """
    settings = settings_of(profile)
    whole: Stack = {}
    assert settings["COMPOSE_PROFILES"] == profile
    for path in parts():
        part = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        whole = joined(whole, interpolated(part, settings), path.name)
    whole["services"] = {name: service for name, service in whole["services"].items() if profile in service["profiles"]}
    return whole


def interpolated(value: Any, settings: dict[str, str]) -> Any:
    """``value`` with its variables filled in; what held one is text, as in Compose."""
    if isinstance(value, dict):
        return {key: interpolated(v, settings) for key, v in value.items()}
    if isinstance(value, list):
        return [interpolated(v, settings) for v in value]
    if isinstance(value, str):
        return re.sub(VARIABLE, lambda m: settings.get(m[1], m[2]), value).replace("$$", "$")
    return value


def joined(one: Stack, other: Stack, where: str) -> Stack:
    """``one`` with all of ``other``; ``AssertionError`` where they contradict each other."""
    result = dict(one)
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = joined(result[key], value, f"{where}: {key}")
        else:
            assert result.get(key, value) == value, f"{where}: {key} is {value!r}, and was {result[key]!r}"
            result[key] = value
    return result


def variables(text: str) -> list[str]:
    """Names of the variables that a compose file reads."""
    return re.findall(r"\$\{([A-Z0-9_]+)", text)
