"""The checker finds what USD's validators overlook, and what they find; each fault is planted here in a good scene."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_heads import bony, written

pytest.importorskip("pxr", reason="needs the extra usd")
pytest.importorskip("PIL", reason="needs the extra usd")

from pxr import Gf, Sdf, Usd, UsdGeom, UsdMedia, UsdSkel, Vt

from aurora.face import ARKIT
from aurora.usd.check import MOST, problems
from aurora.usd.head import read_head
from aurora.usd.performance import Performed, write_performance
from sophia.wav import wav_bytes

ANIM, GEOM = "/World/Sophia/Skel/Anim", "/World/Sophia/Geom"


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    sound = wav_bytes(np.zeros(800, np.int16), 8000)
    show = Performed(30, np.zeros((5, 52), np.float32), np.zeros((5, 3)), np.zeros((5, 2, 2)), sound, 0.1)
    write_performance(read_head(written(bony(), folder)), show, folder / "take.usda", lambda *_: None)
    return folder


Change = Callable[[Usd.Stage], object]


def skin(stage: Usd.Stage) -> UsdSkel.BindingAPI:
    return UsdSkel.BindingAPI(stage.GetPrimAtPath(f"{GEOM}/Face"))


def animation(stage: Usd.Stage) -> UsdSkel.Animation:
    return UsdSkel.Animation(stage.GetPrimAtPath(ANIM))


def jaw(stage: Usd.Stage) -> UsdSkel.BlendShape:
    return UsdSkel.BlendShape(stage.GetPrimAtPath(f"{GEOM}/Face/jawOpen"))


def face(stage: Usd.Stage) -> UsdGeom.Mesh:
    return UsdGeom.Mesh(stage.GetPrimAtPath(f"{GEOM}/Face"))


def voice(stage: Usd.Stage) -> UsdMedia.SpatialAudio:
    return UsdMedia.SpatialAudio(stage.GetPrimAtPath("/World/Voice"))


def reversed_names(stage: Usd.Stage) -> None:
    binding = skin(stage)
    binding.GetBlendShapesAttr().Set(list(reversed(ARKIT)))
    binding.GetBlendShapeTargetsRel().SetTargets([f"{GEOM}/Face/{name}" for name in reversed(ARKIT)])


FAULTS: list[tuple[str, Change]] = [
    ("52 names of shapes, and 51 shapes", lambda s: skin(s).GetBlendShapeTargetsRel().SetTargets(
        [f"{GEOM}/Face/{name}" for name in ARKIT[1:]])),
    ("1 names of shapes, and 52 shapes", lambda s: skin(s).GetBlendShapesAttr().Set(["jawOpen"])),
    ("its shape /World/Nope is not there", lambda s: skin(s).GetBlendShapeTargetsRel().SetTargets(
        ["/World/Nope", *(f"{GEOM}/Face/{name}" for name in ARKIT[1:])])),
    ("its shapes do not stand in the order", reversed_names),
    ("does not move its shape smirk", lambda s: skin(s).GetBlendShapesAttr().Set(["smirk", *ARKIT[1:]])),
    ("a shape is named twice", lambda s: animation(s).GetBlendShapesAttr().Set([*ARKIT[:51], ARKIT[0]])),
    ("at 2: 51 values for 52", lambda s: animation(s).GetBlendShapeWeightsAttr().Set([0.0] * 51, 2)),
    ("at 2: 3 values for 4", lambda s: animation(s).GetRotationsAttr().Set([Gf.Quatf(1)] * 3, 2)),
    ("5 values for 4", lambda s: animation(s).GetTranslationsAttr().Set([Gf.Vec3f(0)] * 5)),
    ("at 3: a value is no number", lambda s: animation(s).GetBlendShapeWeightsAttr().Set([float("nan")] * 52, 3)),
    ("at 3: a value is no number", lambda s: animation(s).GetRotationsAttr().Set([Gf.Quatf(float("inf"))] * 4, 3)),
    ("outside of 0 to 4", lambda s: animation(s).GetBlendShapeWeightsAttr().Set([0.0] * 52, 9)),
    ("the stage ends before it starts", lambda s: s.SetEndTimeCode(-1)),
    ("how many time codes make a second", lambda s: s.GetRootLayer().ClearTimeCodesPerSecond()),
    ("offsets for", lambda s: jaw(s).GetOffsetsAttr().Set([Gf.Vec3f(1)])),
    ("offsets of normals for", lambda s: jaw(s).GetNormalOffsetsAttr().Set([Gf.Vec3f(1)])),
    ("moves a point that is not among the 169", lambda s: jaw(s).GetPointIndicesAttr().Set(
        Vt.IntArray([169, *jaw(s).GetPointIndicesAttr().Get()[1:]]))),
    ("moves a point twice", lambda s: jaw(s).GetPointIndicesAttr().Set(
        Vt.IntArray([*jaw(s).GetPointIndicesAttr().Get()[:-1], jaw(s).GetPointIndicesAttr().Get()[0]]))),
    ("an offset is no number", lambda s: jaw(s).GetOffsetsAttr().Set(
        Vt.Vec3fArray(len(jaw(s).GetOffsetsAttr().Get()), Gf.Vec3f(float("nan"))))),
    ("a face has a corner that is not among", lambda s: face(s).GetFaceVertexIndicesAttr().Set(
        Vt.IntArray([999, *face(s).GetFaceVertexIndicesAttr().Get()[1:]]))),
    ("should have as many as they say", lambda s: face(s).GetFaceVertexCountsAttr().Set([3])),
    ("hold its points; 338 should", lambda s: skin(s).GetJointWeightsAttr().Set([1.0])),
    ("hangs on a joint that is not among the 4", lambda s: skin(s).GetJointIndicesAttr().Set([7] * 338)),
    ("do not hold its points wholly", lambda s: skin(s).GetJointWeightsAttr().Set([0.1] * 338)),
    ("no animation moves its shapes", lambda s: UsdSkel.BindingAPI(
        s.GetPrimAtPath("/World/Sophia/Skel")).GetAnimationSourceRel().SetTargets([])),
    ("its sound ./gone.wav is not there", lambda s: voice(s).GetFilePathAttr().Set(Sdf.AssetPath("./gone.wav"))),
    ("its sound is no WAV file", lambda s: voice(s).GetFilePathAttr().Set(Sdf.AssetPath("./take.usda"))),
    ("it ends before it starts", lambda s: voice(s).GetEndTimeAttr().Set(Sdf.TimeCode(-3))),
    # what USD's own validators find
    ("upAxis", lambda s: s.GetRootLayer().pseudoRoot.ClearInfo("upAxis")),
    ("metersPerUnit", lambda s: s.GetRootLayer().pseudoRoot.ClearInfo("metersPerUnit")),
    ("defaultPrim", lambda s: s.ClearDefaultPrim()),
    ("UnresolvableDependency", lambda s: s.GetPrimAtPath("/World").GetReferences().AddReference("./gone.usda")),
    ("SkelBindingAPI", lambda s: s.GetPrimAtPath(f"{GEOM}/Face").RemoveAPI(UsdSkel.BindingAPI)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "change"), FAULTS, ids=[words for words, _ in FAULTS])
def test_a_planted_fault_is_found(good, tmp_path, words, change) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(good, folder)
    assert problems(folder / "take.usda") == []
    stage = Usd.Stage.Open(str(folder / "take.usda"))
    change(stage)
    stage.GetRootLayer().Save()
    del stage
    found = problems(folder / "take.usda")
    assert any(words in problem for problem in found), found
    assert all("\n" not in problem for problem in found)


def test_a_head_alone_is_whole(good) -> None:
    assert problems(good / "take_files" / "head.usdc") == []


@pytest.mark.parametrize("content", [b"", b"#usda 1.0\n(", b"PXR-USDC" + bytes(100), b"PK\x03\x04", b"\xff" * 50])
@pytest.mark.parametrize("ending", ["usda", "usdc", "usdz"])
def test_what_cannot_be_opened_is_one_line(tmp_path, content, ending) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(content)
    (found,) = problems(path)
    assert "cannot" in found or "no USD file" in found
    assert "\n" not in found


def test_a_file_that_is_cut_off_is_found(good, tmp_path) -> None:
    shutil.copytree(good, tmp_path / "cut")
    head = tmp_path / "cut" / "take_files" / "head.usdc"
    head.write_bytes(head.read_bytes()[:-200])
    assert problems(tmp_path / "cut" / "take.usda")


def test_no_file_and_many_problems(good, tmp_path) -> None:
    assert problems(tmp_path / "nowhere.usda") == [f"{tmp_path / 'nowhere.usda'} is no file"]
    assert len(problems(tmp_path)) == 1
    shutil.copytree(good, tmp_path / "many")
    stage = Usd.Stage.Open(str(tmp_path / "many" / "take.usda"))
    for place in range(3 * MOST):
        UsdMedia.SpatialAudio.Define(stage, f"/World/Sound{place}")
    stage.GetRootLayer().Save()
    del stage
    assert len(problems(tmp_path / "many" / "take.usda")) == MOST
