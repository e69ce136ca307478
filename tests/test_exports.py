"""What is public: each name can be imported, is told about, and stands in one list; and a program that uses it runs."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from lab import ANSWER, HEARD, Lab, config, serving

import aurora
import nova
import pipelines
import sophia

ROOT = Path(__file__).parents[1]
PACKAGES = (pipelines, sophia, nova, aurora)
PAGE = ROOT / "docs" / "embedding.md"

NAMES = [(package, name) for package in PACKAGES for name in package.__all__]


@pytest.mark.parametrize(("package", "name"), NAMES, ids=lambda value: getattr(value, "__name__", value))
def test_a_public_name_is_there_and_says_what_it_is(package: ModuleType, name: str) -> None:
    thing = getattr(package, name)
    if inspect.isclass(thing) or inspect.isfunction(thing) or inspect.ismodule(thing):
        assert (inspect.getdoc(thing) or "").strip()
        assert not name.startswith("_")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_type_checkers_see_the_same_names(package: ModuleType) -> None:
    assert package.__file__
    tree = ast.parse(Path(package.__file__).read_text("utf-8"))
    (typing,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname: node.module for node in typing.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert set(seen) == set(package.__all__)
    for name, module in seen.items():
        public = getattr(package, name)  # a submodule is an attribute of its package once it was asked for
        assert getattr(importlib.import_module(module or ""), name, None) is public, name


def test_what_the_house_promises_is_public() -> None:
    assert {"Runtime", "Session", "Settings", "load_settings", "Observer", "events"} <= set(pipelines.__all__)
    assert {"AudioSource", "Recognizer", "Synthesizer", "Sink", "TurnTaking"} <= set(sophia.__all__)
    assert {"Mind", "Message", "History"} <= set(nova.__all__)
    assert {"Face", "FaceFrame", "ARKIT"} <= set(aurora.__all__)
    for name in pipelines.events.__all__:
        assert inspect.getdoc(getattr(pipelines.events, name)) or name in ("Happening", "TurnEvent", "Phase")


def test_a_name_that_is_not_there_is_said_so() -> None:
    with pytest.raises(AttributeError, match="module 'pipelines' has no attribute 'Sessions'"):
        pipelines.Sessions  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_importing_a_package_imports_nothing_that_was_not_asked_for(package: ModuleType) -> None:
    code = f"import sys, {package.__name__}; print([m for m in ('numpy', 'grpc', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.services
async def test_the_program_of_the_page_runs(tmp_path: Path, pki: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
    assert len(code.splitlines()) <= 40
    (tmp_path / "talk.py").write_text(code)
    async with serving(Lab(), pki) as port:
        lab = config(tmp_path, pki, dict.fromkeys(("asr", "llm", "tts", "face"), port))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "talk.py", str(lab), str(ROOT / "pipelines/soundbites/02_what_time.wav")),
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}, stdout=subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(40):
            out, _ = await process.communicate()
    assert out.decode().splitlines() == [f"replied | {HEARD} | {ANSWER}"]
    assert (tmp_path / "reply.pcm").stat().st_size > 22_050
    assert process.returncode == 0
