"""A scene on real USD: whole by USD's own validators and by ours, and its points are where numpy says."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small_heads import bony, written

pytest.importorskip("pxr", reason="needs the extra usd")
pytest.importorskip("PIL", reason="needs the extra usd")

from pxr import Gf, Usd, UsdGeom, UsdMedia, UsdShade, UsdSkel, Vt

from aurora.face import ARKIT
from aurora.turning import eye_turn, head_turn
from aurora.usd.check import problems
from aurora.usd.head import Head, read_head
from aurora.usd.nodes import JOINTS, rotation
from aurora.usd.performance import CAPTION, Performed, UsdError, joint_turns, unusable, write_performance
from aurora.usd.stage import PARENTS
from sophia.wav import wav_bytes

ROOT = Path(__file__).parents[3]
OURS = ROOT / "aurora" / "head" / "sophia.glb"
FPS, FRAMES = 30, 40
CAPTIONS = [(0.2, 0.5, "Hello."), (0.5, 0.9, 'It\'s "5" & <€>.')]


def performed(**changes) -> Performed:
    random = np.random.default_rng(3)
    weights = random.random((FRAMES, len(ARKIT))).astype(np.float32)
    return Performed(
        fps=FPS,
        weights=weights,
        head=10 * head_turn(np.arange(FRAMES) / FPS),
        eyes=eye_turn(weights),
        voice=wav_bytes(np.zeros(22_050, np.int16), 22_050),
        voice_seconds=1.0,
        captions=CAPTIONS,
        about={"turns": {"turn_1": {"user": "Hi\0\n", "turn": 10**30, "nothing": None, "marks": {"a:b": 1.5, "": 2}}}},
        **changes,
    )


def silent(what: str, share: float) -> None:
    assert 0 <= share <= 1


def deformed(head: Head, part, frame: int, show: Performed) -> np.ndarray:
    """The points as the definitions have them: shapes first, then joints; no USD."""
    points = part.points.astype(np.float64)
    for name, shape in part.shapes.items():
        points[shape.where] += float(show.weights[frame, ARKIT.index(name)]) * shape.offsets
    turns = joint_turns(show.head, show.eyes)[frame]
    world: list[tuple[np.ndarray, np.ndarray]] = []
    for joint, parent in enumerate(PARENTS):
        turn, place = rotation(turns[joint]), head.joints[joint]
        if parent >= 0:
            above, at = world[parent]
            place = at + above @ (head.joints[joint] - head.joints[parent])
            turn = above @ turn
        world.append((turn, place))
    moved = np.zeros_like(points)
    for joint, (turn, place) in enumerate(world):
        moved += part.hold[:, joint, None] * (place + (points - head.joints[joint]) @ turn.T)
    return moved


def by_usd(stage: Usd.Stage, name: str, frame: int) -> np.ndarray:
    """The points as USD deforms them."""
    cache = UsdSkel.Cache()
    root = UsdSkel.Root(stage.GetPrimAtPath("/World/Sophia"))
    cache.Populate(root, Usd.PrimDefaultPredicate)
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath("/World/Sophia/Skel"))
    query = cache.GetSkelQuery(skeleton)
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath(f"/World/Sophia/Geom/{name}"))
    skin = cache.GetSkinningQuery(mesh.GetPrim())
    points = Vt.Vec3fArray(mesh.GetPointsAttr().Get())
    weights = query.GetAnimQuery().ComputeBlendShapeWeights(frame)
    if skin.HasBlendShapes():
        shapes = UsdSkel.BlendShapeQuery(UsdSkel.BindingAPI(mesh.GetPrim()))
        own = skin.GetBlendShapeMapper().Remap(weights) if skin.GetBlendShapeMapper() else weights
        parts = shapes.ComputeSubShapeWeights(own)
        where, offsets = shapes.ComputeBlendShapePointIndices(), shapes.ComputeSubShapePointOffsets()
        assert shapes.ComputeDeformedPoints(*parts, where, offsets, points)
    assert skin.ComputeSkinnedPoints(query.ComputeSkinningTransforms(frame), points, frame)
    return np.array(points, np.float64)


@pytest.fixture(scope="module")
def head(tmp_path_factory) -> Head:
    return read_head(written(bony(), tmp_path_factory.mktemp("heads")))


@pytest.fixture(scope="module")
def scene(head, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "her take.usda"
    write_performance(head, performed(), path, silent)
    return path


@pytest.mark.parametrize("ending", ["usda", "usdc", "usdz"])
def test_every_kind_is_whole(head, tmp_path, ending) -> None:
    path = tmp_path / f"take.{ending}"
    write_performance(head, performed(), path, silent)
    assert problems(path) == []
    beside = sorted(file.name for file in tmp_path.iterdir())
    assert beside == (["take.usdz"] if ending == "usdz" else [path.name, "take_files"])


@pytest.mark.parametrize("name", ["Face", "Lash", "EyeLeftBall", "EyeRightBall_2"])
@pytest.mark.parametrize("frame", [0, 7, FRAMES - 1])
def test_points_are_where_numpy_says(head, scene, name, frame) -> None:
    part = next(part for part in head.parts if part.name == name)
    expected = deformed(head, part, frame, performed())
    assert np.abs(by_usd(Usd.Stage.Open(str(scene)), name, frame) - expected).max() < 1e-4
    assert np.abs(expected - part.points).max() > 0.01, "it moves"


def test_the_projects_own_head_is_deformed_the_same(tmp_path) -> None:
    if not OURS.is_file():
        pytest.skip("aurora/head/sophia.glb has not been built")
    head, show = read_head(OURS), performed()
    assert head.names == ARKIT
    assert head.notes == []
    assert 20 < np.ptp(next(part for part in head.parts if part.name == "Face").points[:, 1]) < 50  # centimetres
    path = tmp_path / "own.usdz"
    write_performance(head, show, path, silent)
    assert problems(path) == []
    stage = Usd.Stage.Open(str(path))
    for part in head.parts:
        if part.name in ("Face", "LowerTeeth", "EyeLeftBall"):
            assert np.abs(by_usd(stage, part.name, 9) - deformed(head, part, 9, show)).max() < 1e-4


def test_the_stage_says_how_long_and_how_large_it_is(scene) -> None:
    stage = Usd.Stage.Open(str(scene))
    assert stage.GetDefaultPrim().GetPath() == "/World"
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 0.01
    assert stage.GetTimeCodesPerSecond() == stage.GetFramesPerSecond() == FPS
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, FRAMES - 1)


def test_weights_and_turns_are_sampled_in_each_frame(scene) -> None:
    stage, show = Usd.Stage.Open(str(scene)), performed()
    animation = UsdSkel.Animation(stage.GetPrimAtPath("/World/Sophia/Skel/Anim"))
    assert tuple(animation.GetBlendShapesAttr().Get()) == ARKIT
    assert tuple(animation.GetJointsAttr().Get()) == JOINTS
    assert animation.GetBlendShapeWeightsAttr().GetTimeSamples() == list(range(FRAMES))
    assert np.array_equal(animation.GetBlendShapeWeightsAttr().Get(7), show.weights[7])
    head_turned = animation.GetRotationsAttr().Get(7)[1]
    pitch, yaw, roll = show.head[7]
    axes = [Gf.Vec3d(0, 1, 0), Gf.Vec3d(1, 0, 0), Gf.Vec3d(0, 0, 1)]
    by_hand = [Gf.Rotation(axis, np.degrees(angle)) for axis, angle in zip(axes, (yaw, pitch, roll), strict=True)]
    turned = (by_hand[2] * by_hand[1] * by_hand[0]).GetQuat()  # rows: the first is applied first
    assert np.allclose([head_turned.real, *head_turned.imaginary], [turned.real, *turned.imaginary], atol=1e-6)


def test_a_positive_pitch_nods_and_a_positive_yaw_looks_to_her_left() -> None:
    nod = rotation(joint_turns(np.array([[0.1, 0, 0]]), np.zeros((1, 2, 2)))[0, 1]) @ [0, 0, 1]
    left = rotation(joint_turns(np.array([[0, 0.1, 0]]), np.zeros((1, 2, 2)))[0, 1]) @ [0, 0, 1]
    tilt = rotation(joint_turns(np.array([[0, 0, 0.1]]), np.zeros((1, 2, 2)))[0, 1]) @ [0, 1, 0]
    assert (nod[1] < 0, left[0] > 0, tilt[0] < 0) == (True, True, True)


def test_sound_and_captions_are_on_the_same_clock(scene) -> None:
    stage = Usd.Stage.Open(str(scene))
    voice = UsdMedia.SpatialAudio(stage.GetPrimAtPath("/World/Voice"))
    assert Path(voice.GetFilePathAttr().Get().resolvedPath).read_bytes()[:4] == b"RIFF"
    assert (voice.GetStartTimeAttr().Get().GetValue(), voice.GetEndTimeAttr().Get().GetValue()) == (0, FPS)
    assert voice.GetAuralModeAttr().Get() == "nonSpatial"
    caption = stage.GetPrimAtPath("/World/Sophia").GetAttribute(CAPTION)
    shown = [caption.Get(second * FPS) for second in (0.0, 0.19, 0.21, 0.49, 0.51, 0.89, 0.91)]
    assert shown == ["", "", "Hello.", "Hello.", CAPTIONS[1][2], CAPTIONS[1][2], ""]


def test_what_happened_is_custom_data_whatever_it_holds(scene) -> None:
    stage = Usd.Stage.Open(str(scene))
    turn = stage.GetPrimAtPath("/World").GetCustomDataByKey("sophia")["turns"]["turn_1"]
    assert turn["turn"] == 1e30
    assert turn["marks"] == {"a_b": 1.5}
    assert turn["user"].startswith("Hi")


def test_materials_show_pictures_colours_and_holes(scene) -> None:
    stage = Usd.Stage.Open(str(scene))

    def surface(mesh: str) -> UsdShade.Shader:
        prim = stage.GetPrimAtPath(f"/World/Sophia/Geom/{mesh}")
        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
        return UsdShade.Shader(stage.GetPrimAtPath(material.GetPath().AppendChild("Surface")))

    def behind(shader: UsdShade.Shader, name: str) -> UsdShade.Shader:
        (source, *_), _ = shader.GetInput(name).GetConnectedSources()
        return UsdShade.Shader(source.source.GetPrim())

    face = surface("Face")
    picture = behind(face, "diffuseColor").GetInput("file").Get()
    assert Path(picture.resolvedPath).read_bytes()[:4] == b"\x89PNG"
    assert behind(face, "occlusion").GetInput("varname").Get() == "occlusion"
    assert behind(face, "normal").GetInput("bias").Get() == (-1, -1, -1, 0)
    assert behind(face, "roughness").GetInput("sourceColorSpace").Get() == "raw"
    assert behind(surface("Lash"), "opacity").GetInput("sourceColorSpace").Get() == "sRGB"
    assert tuple(surface("EyeLeftBall").GetInput("diffuseColor").Get()) == pytest.approx((0.2, 0.3, 0.4))
    veil = surface("EyeLeftBall_2")
    assert veil.GetInput("opacityThreshold").Get() == 0.25
    assert behind(veil, "opacity").GetInput("varname").Get() == "displayOpacity"
    assert UsdGeom.Mesh(stage.GetPrimAtPath("/World/Sophia/Geom/EyeLeftBall_2")).GetDoubleSidedAttr().Get()


def test_a_package_holds_everything_and_nothing_of_where_it_was_made(head, tmp_path) -> None:
    path = tmp_path / "take.usdz"
    write_performance(head, performed(), path, silent)
    with zipfile.ZipFile(path) as package:
        names = [entry.filename for entry in package.infolist()]
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in package.infolist())
    assert names[0] == "take.usdc"
    assert set(names[1:]) == {"head.usdc", "voice.wav", "pictures/picture0.png", "pictures/picture1.png"}
    assert path.read_bytes().count(str(tmp_path).encode()) == 0


def test_a_scene_can_be_carried_elsewhere(head, tmp_path) -> None:
    (tmp_path / "here").mkdir()
    write_performance(head, performed(), tmp_path / "here" / "take.usdc", silent)
    moved = (tmp_path / "here").rename(tmp_path / "there")
    assert problems(moved / "take.usdc") == []


def test_what_is_written_anew_leaves_strangers_files_alone(head, tmp_path) -> None:
    path, mine = tmp_path / "take.usdc", tmp_path / "take_files" / "mine.txt"
    write_performance(head, performed(), path, silent)
    mine.write_text("mine")
    path.chmod(0o644)
    write_performance(head, performed(), path, silent)
    assert mine.read_text() == "mine"
    assert path.stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "take_files" / "voice.wav").stat().st_mode & 0o777 == 0o600
    assert problems(path) == []


def test_without_sound_there_is_no_voice(head, tmp_path) -> None:
    path = tmp_path / "mute.usda"
    show = performed()
    mute = Performed(FPS, show.weights, show.head, show.eyes)
    write_performance(head, mute, path, silent)
    assert not Usd.Stage.Open(str(path)).GetPrimAtPath("/World/Voice")
    assert problems(path) == []


def test_a_scene_that_would_be_broken_takes_no_place(head, tmp_path) -> None:
    path = tmp_path / "take.usda"
    show = performed()
    with pytest.raises(UsdError, match="would be broken") as refused:
        write_performance(head, Performed(FPS, show.weights[:, :7], show.head, show.eyes), path, silent)
    assert "7 values for 52" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a [1].usdc", "ü é.usda", "it's #1%20.usdz", "a@b.usdc"])
def test_odd_names_work(head, tmp_path, name) -> None:
    assert unusable(tmp_path / name) is None
    write_performance(head, performed(), tmp_path / name, silent)
    assert problems(tmp_path / name) == []


def test_names_that_usd_cannot_take_are_said_beforehand(tmp_path) -> None:
    (tmp_path / "link.usda").symlink_to(tmp_path / "elsewhere.usda")
    for name in ("a.glb", "a", "a\n.usda", "a\udcff.usda", "link.usda"):
        assert unusable(tmp_path / name), name


def test_usd_writes_no_banner(tmp_path) -> None:
    code = "import aurora.usd.performance as p; from pxr import Usd; Usd.Stage.CreateNew('x.usdc').Save()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    assert done.stderr == b""
