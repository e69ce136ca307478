"""Who may import whom: the arrows of the house run one way, from the programs down to the three rooms at the bottom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS: tuple[tuple[str, ...], ...] = (
    ("sophia", "nova", "aurora"),
    ("command", "home", "page", "virtual_time"),
    ("log", "certs"),
    ("failures",),
    ("records", "settings"),
    ("machine", "telemetry"),
    ("conversation",),
    ("services", "embedded", "terminal", "takes", "versions"),
    ("tools",),
    ("scenarios", "talk"),
    ("client", "server", "simulation"),
    ("replay",),
    ("insights",),
    ("doctor", "evals", "load", "monitoring", "tune", "models", "nova_benchmark", "scale", "voice_loop"),
    ("improve",),
)
"""From the ground up. A room imports from floors below its own, and nothing from its own but itself."""

MAY: dict[str, str] = {
    "sophia": "",
    "nova": "",
    "aurora": "",
    "command": "",
    "home": "",
    "log": "home",
    "page": "",
    "virtual_time": "",
    "failures": "log",
    "certs": "command home",
    "records": "",
    "settings": "command home sophia nova aurora",
    "machine": "records",
    "telemetry": "settings",
    "conversation": "failures telemetry sophia nova aurora",
    "services": "failures settings telemetry sophia nova aurora",
    "embedded": "command certs home log settings sophia aurora",
    "terminal": "conversation failures telemetry sophia",
    "versions": "settings",
    "takes": "command conversation failures home settings telemetry sophia nova aurora",
    "tools": "failures machine services settings takes sophia nova",
    "scenarios": "embedded home settings takes telemetry sophia",
    "monitoring": "command insights telemetry terminal",
    "talk": "command conversation embedded failures home services settings takes telemetry terminal tools "
    "versions sophia nova aurora",
    "client": "command settings talk sophia",
    "server": "certs command conversation failures home log services settings talk telemetry sophia nova aurora",
    "simulation": "conversation embedded home records scenarios settings sophia nova aurora",
    "replay": "command conversation failures home log machine page records scenarios services settings simulation "
    "takes talk telemetry terminal virtual_time sophia nova",
    "insights": "command home page replay scenarios settings takes telemetry terminal sophia",
    "doctor": "command embedded failures home insights log records replay scenarios services settings talk tools "
    "versions sophia",
    "evals": "command conversation embedded failures home log services settings simulation telemetry terminal tools "
    "virtual_time sophia nova",
    "load": "command failures log machine page records replay scenarios services settings simulation talk telemetry "
    "sophia nova",
    "tune": "command home log machine page records replay scenarios settings simulation",
    "models": "command services settings nova",
    "nova_benchmark": "command embedded failures home log machine services settings nova",
    "scale": "command home log server settings",
    "improve": "command home insights log machine records replay scenarios settings simulation tune versions",
    "voice_loop": "command log server settings takes talk terminal",
}
"""What each room imports, and nothing else; a new arrow is a decision, and is written down here."""

PUBLIC = {"conversation", "failures", "settings", "sophia", "talk", "telemetry"}
"""What ``pipelines/__init__.py`` passes on to those who embed it."""


def modules() -> dict[str, Path]:
    """Every module of the four packages by its dotted name. A model repository is data for Triton, not a package."""
    found = {}
    for package in ("sophia", "nova", "aurora", "pipelines"):
        for path in (ROOT / package).rglob("*.py"):
            relative = path.relative_to(ROOT)
            if relative.parts[:2] != ("nova", "models") and relative.parts[:2] != ("aurora", "wire"):
                parts = relative.with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room(module: str) -> str:
    """The room of a module: its package, or what lies directly under ``pipelines``; empty for ``pipelines`` itself."""
    package, *rest = module.split(".")
    return package if package != "pipelines" else rest[0] if rest else ""


def imports(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports anywhere in it, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in MODULES:
                    yield inner
                elif node.module in MODULES:
                    yield node.module


ARROWS = [(module, to) for module, path in MODULES.items() for to in imports(path) if to != module]


def test_the_table_holds_every_room_and_no_other() -> None:
    rooms = {room(module) for module in MODULES} - {""}
    assert set(MAY) == rooms
    assert {name for floor in FLOORS for name in floor} == rooms


def test_no_arrow_of_the_table_points_up_or_sideways() -> None:
    height = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    for name, allowed in MAY.items():
        for to in allowed.split():
            assert height[to] < height[name], f"{name} -> {to}"


@pytest.mark.parametrize("name", sorted(MAY))
def test_a_room_imports_what_it_may(name: str) -> None:
    found: dict[str, set[str]] = {}
    for module, to in ARROWS:
        if room(module) == name and room(to) != name:
            found.setdefault(room(to) or "pipelines", set()).add(f"{module} -> {to}")
    unexpected = {to: lines for to, lines in found.items() if to not in MAY[name].split()}
    assert not unexpected
    unused = set(MAY[name].split()) - set(found)
    assert not unused, "the table allows what nobody needs"


def test_the_package_itself_passes_on_the_public_face_alone() -> None:
    assert {room(to) for module, to in ARROWS if module == "pipelines"} <= PUBLIC | {"command"}  # before any program


def test_no_module_reaches_itself() -> None:
    ways: dict[str, set[str]] = {}
    for module, to in ARROWS:
        ways.setdefault(module, set()).add(to)

    def reached(module: str) -> set[str]:
        found, waiting = set(), [module]
        while waiting:
            for to in ways.get(waiting.pop(), ()):
                if to not in found:
                    found.add(to)
                    waiting.append(to)
        return found

    # A package's own __init__ passes on what its modules hold; nothing inside of it asks the __init__ for it.
    assert [module for module in sorted(ways) if module in reached(module)] == []


def test_the_root_of_pipelines_is_small() -> None:
    assert len(list((ROOT / "pipelines").glob("*.py"))) <= 10
