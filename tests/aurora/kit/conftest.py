"""The stage and the application that the extension's tests share."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest
from pretended_kit import Kit, face_stage
from pxr import Usd


@pytest.fixture
def stage() -> Usd.Stage:
    return face_stage()


@pytest.fixture(params=["events 2.0", "events of Kit 106"])
def kit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    """Kit with the extension's module loaded, of both kinds of events."""
    legacy = "106" in request.param
    kit = Kit(legacy)
    for name in [name for name in sys.modules if name.split(".")[0] in ("carb", "omni")]:
        monkeypatch.delitem(sys.modules, name)
    for name, module in kit.modules(legacy).items():
        monkeypatch.setitem(sys.modules, name, module)
    before = {name: module for name, module in sys.modules.items() if name.startswith("aurora.sophia")}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    kit.extension = importlib.import_module("aurora.sophia.live")
    yield kit
    for name in [name for name in sys.modules if name.startswith("aurora.sophia")]:
        del sys.modules[name]
