"""The whole extension in a Kit that is only pretended: a real stage, a scripted line, both kinds of events."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pretended_kit import EXTENSION, Kit, face_stage, weights
from pxr import Usd
from wire_events import floor, frames, heard, named

from aurora.sophia.core import connection as lines
from aurora.sophia.core.connection import MOST_COMMANDS, Connection
from aurora.sophia.core.director import Director
from aurora.sophia.core.websocket import ConnectionLost


class Script:
    """A line that gives what it is told to, and remembers what was sent. It ends when it has nothing left to give."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.left = deque(json.dumps(event) for event in events)
        self.sent: list[dict[str, Any]] = []
        self.closed = False

    def receive(self, seconds: float) -> str | None:
        if not self.left:
            raise ConnectionLost("the server is gone", 1006)
        return self.left.popleft()

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    def close(self) -> None:
        self.closed = True


def ready(*events: dict[str, Any]) -> Connection:
    """A connection of which ``events`` have arrived at 100 s; its thread is not started."""
    connection = Connection("ws://nowhere/", dial=lambda *_: Script(), clock=lambda: 100.0)
    for event in events:
        connection._take(json.dumps(event), 100.0)
    connection.state = "connected"
    connection.start = lambda: None  # type: ignore[method-assign]
    return connection


def director(stage: Usd.Stage | None, told: list[tuple[str, Any]]) -> Director:
    return Director(lambda: stage, lambda name, payload: told.append((name, payload)))


SPEAKING = (named(), frames("a", 0.0, [100] * 60), floor("speaking"), heard("a", 0.0, 5000.0))


def test_frames_are_shown_at_their_time(stage: Usd.Stage) -> None:
    told: list[tuple[str, Any]] = []
    show = director(stage, told)
    burst = frames("a", 0.0, [8 * n for n in range(30)])
    show.connect(ready(named(), burst, floor("speaking"), heard("a", 0.0, 5000.0)))
    jaws = []
    for n in range(60):
        show.update(100.0 + n / 60)
        jaws.append(255 * weights(stage)[0])
    skew = [jaw / 8 / 30 - n / 60 for n, jaw in enumerate(jaws[:56])]  # seconds of sound shown minus heard
    assert max(abs(late) for late in skew) < 0.02
    assert told == [("started", {})]


def test_leaving_gives_the_stage_back(stage: Usd.Stage) -> None:
    told: list[tuple[str, Any]] = []
    take = weights(stage)
    show = director(stage, told)
    show.connect(ready(*SPEAKING))
    show.update(100.1)
    assert weights(stage) != take
    show.disconnect()
    assert weights(stage) == take
    assert told == [("started", {}), ("stopped", {})]


def test_she_looks_at_a_prim_and_away_again(stage: Usd.Stage) -> None:
    show = director(stage, [])
    show.connect(ready())
    assert show.command("look_at", "/World/Cube")
    for n in range(120):
        show.update(100.0 + n / 60)
    assert show.face is not None
    turned = show.face.animation.GetRotationsAttr().Get()
    head, eye = (list(turned[joint].imaginary)[1] for joint in (1, 2))
    assert head > 0.1 < eye  # both to her left, where the cube is
    show.command("look_at", "")
    for n in range(120, 600):
        show.update(100.0 + n / 60)
    assert abs(list(show.face.animation.GetRotationsAttr().Get()[1].imaginary)[1]) < 0.01


def test_another_stage_is_taken_up() -> None:
    stages = [face_stage()]
    show = Director(lambda: stages[-1] if stages else None, lambda name, payload: None)
    show.connect(ready(*SPEAKING))
    show.update(100.0)
    first = stages[0]
    stages.append(face_stage())
    show.update(100.1)
    assert weights(stages[1])[0] == pytest.approx(100 / 255)
    assert not first.GetSessionLayer().subLayerPaths
    stages.clear()
    show.update(100.2)
    assert show.problem == "no stage is open"


def test_a_face_that_is_deleted_and_comes_back(stage: Usd.Stage) -> None:
    show = director(stage, [])
    show.connect(ready(*SPEAKING))
    show.update(100.0)
    stage.GetPrimAtPath("/World/Sophia").SetActive(False)
    show.update(100.1)
    assert "no SkelAnimation" in show.problem
    stage.GetPrimAtPath("/World/Sophia").SetActive(True)
    show.update(100.2)  # not looked for at each update
    assert show.face is None
    show.update(101.2)
    assert show.face is not None


# The line


def run(script: Callable[[], Script], clock: Callable[[], float] = lambda: 0.0) -> Connection:
    """Runs a connection's thread until its first line has ended."""
    connection = Connection("ws://nowhere/", dial=lambda *_: script(), clock=clock)
    connection._hold(script())
    return connection


def test_it_asks_for_what_it_shows_and_for_no_more() -> None:
    line = Script(named())
    connection = run(lambda: line)
    assert line.sent == [
        {"type": "session.update", "session": {"type": "realtime", "extensions": list(lines.EXTENSIONS)}}
    ]
    assert [arrived.event["type"] for arrived in connection.drain()] == ["sophia.face.names"]
    assert connection.why == "the server is gone"
    assert line.closed


def test_a_line_that_falls_silent_is_dead() -> None:
    now = iter(float(n) for n in range(100))

    class Silent(Script):
        def receive(self, seconds: float) -> str | None:
            return None

    connection = run(Silent, lambda: next(now))
    assert connection.why == "the server has fallen silent"


def test_what_waits_is_bounded() -> None:
    connection = ready()
    assert sum(connection.send({"type": "response.cancel"}) for _ in range(100)) == MOST_COMMANDS
    for number in range(5000):
        connection._take(json.dumps({"n": number}), 0.0)
    assert [arrived.event["n"] for arrived in connection.drain()][-1] == 4999
    connection._take("[" * 100_000, 0.0)
    connection._take("[1]", 0.0)
    assert connection.drain() == []


def test_it_connects_again_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(lines, "LONGEST_WAIT_SECONDS", 0.002)
    dialled: list[tuple[str, str, str]] = []

    def dial(*to: str) -> Script:
        dialled.append((to[0], to[1], to[2]))
        if len(dialled) < 3:
            raise ConnectionLost("nothing answers")
        if len(dialled) == 6:
            connection._stopping.set()
        return Script(named())

    connection = Connection("ws://nowhere/", "key", "ca.crt", dial=dial)
    connection.start()
    connection._thread.join(20)
    connection.stop()
    assert dialled == [("ws://nowhere/", "key", "ca.crt")] * 6
    assert len(connection.drain()) == 3  # the last line was not listened to any more
    assert connection.state == "stopped"


# The shell


def start(kit: Kit, *events: dict[str, Any]) -> tuple[Any, Connection]:
    """The extension as Kit starts it, with a connection on which ``events`` have come."""
    kit.set(autoconnect=False)
    extension = kit.extension.SophiaLiveExtension()
    extension.on_startup("aurora.sophia.live-0.1.0")
    connection = ready(*events)
    extension._director.connect(connection)
    return extension, connection


def sent(connection: Connection) -> list[dict[str, Any]]:
    return [json.loads(text) for text in connection._commands]


def test_kit_drives_her(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["aurora.sophia.live.extension"].time, "monotonic", lambda: 100.2)
    extension, connection = start(kit, *SPEAKING)
    kit.bus.update()
    assert kit.stage is not None
    assert weights(kit.stage)[0] == pytest.approx(100 / 255)
    kit.bus.queue("aurora.sophia:command.say", {"text": "Welcome to the lab."})
    kit.bus.queue("aurora.sophia:command.ask", {"text": "What time is it?"})
    kit.bus.queue("aurora.sophia:command.tell", {"about": "Ada has come."})
    kit.bus.queue("aurora.sophia:command.stop", {})
    kit.bus.queue("aurora.sophia:command.look_at", {"path": "/World/Cube"})
    kit.bus.update()
    assert ("aurora.sophia:started", {}) in kit.bus.told
    assert [event["type"] for event in sent(connection)] == [
        "sophia.say", "conversation.item.create", "response.create", "sophia.ask", "response.cancel"
    ]  # fmt: skip
    assert sent(connection)[0]["text"] == "Welcome to the lab."
    assert kit.warnings == []
    extension.on_shutdown()
    assert not kit.stage.GetSessionLayer().subLayerPaths


def test_a_command_that_cannot_be_obeyed_is_logged(kit: Kit) -> None:
    kit.set(autoconnect=False)
    extension = kit.extension.SophiaLiveExtension()
    extension.on_startup("aurora.sophia.live-0.1.0")
    kit.bus.queue("aurora.sophia:command.say", {"text": "Anybody there?"})
    kit.bus.update()
    assert kit.warnings == ["[aurora.sophia.live] say: not now; Not connected."]
    extension.on_shutdown()


def test_a_stage_without_her_is_logged_once(kit: Kit) -> None:
    kit.stage = Usd.Stage.CreateInMemory()
    extension, _ = start(kit)
    for _ in range(3):
        extension._panel_due = 0.0
        kit.bus.update()
    assert len(kit.warnings) == 1
    assert "no SkelAnimation" in kit.warnings[0]
    extension.on_shutdown()


def test_the_key_comes_from_a_file_or_the_environment(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension, _ = start(kit)
    monkeypatch.setenv("SOPHIA_KEY", "from the environment")
    assert extension._token() == "from the environment"
    (tmp_path / "key").write_text("from a file\n", "utf-8")
    kit.set(key_file=str(tmp_path / "key"))
    assert extension._token() == "from a file"
    kit.set(key_file=str(tmp_path / "none"))
    assert extension._token() == ""
    assert "cannot be read" in kit.warnings[-1]
    extension.on_shutdown()


# What Kit will find


def test_the_manifest_names_what_is_there() -> None:
    manifest = tomllib.loads((EXTENSION / "config" / "extension.toml").read_text("utf-8"))
    package = manifest["package"]
    for key in ("readme", "changelog", "icon"):
        assert (EXTENSION / package[key]).is_file(), key
    (module,) = manifest["python"]["module"]
    assert (EXTENSION / Path(*module["name"].split(".")) / "__init__.py").is_file()
    assert f"## [{package['version']}]" in (EXTENSION / package["changelog"]).read_text("utf-8")
    assert not (EXTENSION / "aurora" / "__init__.py").exists(), "aurora is a namespace that others may share"


SOURCES = sorted((EXTENSION / "aurora").rglob("*.py"))
KITS_OWN = {"carb", "omni", "pxr", "aurora"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_only_kits_own_python_is_needed(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 10))
    named = {
        (name or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert named <= set(sys.stdlib_module_names) | KITS_OWN
    if "core" in path.parts:
        assert not named & {"carb", "omni"}, "the core runs without Kit"


def test_its_types_hold_for_python_310() -> None:
    root = EXTENSION.parents[3]
    command = [
        sys.executable, "-m", "mypy", "--strict", "--allow-subclassing-any", "--ignore-missing-imports",
        "--python-version", "3.10", "--config-file=", "--explicit-package-bases", "--namespace-packages",
        "--no-incremental", str(EXTENSION / "aurora"),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=50, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
