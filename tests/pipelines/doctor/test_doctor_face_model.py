"""What the doctor says of the folder of Audio2Face-3D's network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import face_model
import pytest
from fake_machines import FakeHost

from pipelines.doctor.checklist import Context
from pipelines.doctor.face_model import FACE_MODEL
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.manifest import find_manifest, read_manifest
from pipelines.settings.model import FaceSection, Settings
from pipelines.settings.network import NetworkSettings


async def looked_at(folder: Path | None, embedded: Any = ("face",), **network: Any) -> Result:
    face = FaceSection(network=NetworkSettings(folder=folder, **network))
    settings = Settings(embedded=embedded, face=face)
    return await FACE_MODEL.probe(Context(FakeHost(), read_manifest(find_manifest("dgx-spark")), settings))


async def test_no_folder_is_nothing_to_look_at() -> None:
    assert await looked_at(None) == Result(
        Mark.SKIP, "not named: face.network.folder; the embedded face has its own small lips"
    )


async def test_a_folder_that_will_do(tmp_path: Path) -> None:
    result = await looked_at(face_model.write(tmp_path / "m"), provider="cpu")
    assert result == Result(Mark.OK, "synthetic 0, 1 MB, no checksums to compare with; onnxruntime has CPU")


async def test_a_folder_that_nobody_uses(tmp_path: Path) -> None:
    result = await looked_at(face_model.write(tmp_path / "m"), embedded=("asr",), provider="cpu")
    assert result.mark is Mark.WARN
    assert result.found.endswith("it is not used: the face is not embedded")
    assert result.fix == "embedded: [face]"


async def test_a_folder_or_a_runtime_that_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = await looked_at(tmp_path / "nowhere")
    assert result.mark is Mark.FAIL
    assert "nowhere is no folder" in result.found
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = await looked_at(face_model.write(tmp_path / "m"))
    assert (result.mark, "onnxruntime is not installed" in result.found) == (Mark.FAIL, True)
