"""Her face on a real USD stage: live weights beat the take, and nothing of the stage is changed."""

from __future__ import annotations

import math

import pytest
from pretended_kit import ANIMATION, SHAPES, weights
from pxr import Gf, Usd, UsdSkel, Vt

from aurora.sophia.core.face import LiveFace, NoFace, folded
from aurora.sophia.core.life import direction


@pytest.mark.parametrize("name", ["jawOpen", "JawOpen", "jaw_open", "blendShape1.jawOpen", "jaw-open", "Jaw Open"])
def test_names_are_folded(name: str) -> None:
    assert folded(name) == "jawopen"


@pytest.mark.parametrize("path", ["", ANIMATION])
def test_live_weights_beat_the_take_and_give_it_back(stage: Usd.Stage, path: str) -> None:
    root = stage.GetRootLayer().ExportToString()
    take = weights(stage)
    assert take[0] > 0.3
    face = LiveFace(stage, path)
    face.apply(("MouthClose", "JawOpen", "unknown"), (0.25, 0.5, 1.0))
    assert weights(stage)[:3] == [0.5, 0.25, 0.0]
    face.apply((), (), lid=0.75)
    assert weights(stage)[:4] == [0.0, 0.0, 0.75, 0.75]
    face.detach()
    assert weights(stage) == take
    assert stage.GetRootLayer().ExportToString() == root
    assert not stage.GetSessionLayer().subLayerPaths


def eye_direction(stage: Usd.Stage, joint: str) -> tuple[float, float]:
    """Where an eye looks on the stage, by USD's own skeleton: yaw and pitch in degrees."""
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath("/World/Sophia/Skel"))
    query = UsdSkel.Cache().GetSkelQuery(skeleton)
    cache = UsdSkel.Cache()
    cache.Populate(UsdSkel.Root(stage.GetPrimAtPath("/World/Sophia")), Usd.PrimDefaultPredicate)
    query = cache.GetSkelQuery(skeleton)
    order = [str(name) for name in query.GetJointOrder()]
    matrix = query.ComputeJointSkelTransforms(Usd.TimeCode(15))[order.index(joint)]
    ahead = matrix.TransformDir(Gf.Vec3d(0, 0, 1))
    return math.degrees(math.atan2(ahead[0], ahead[2])), math.degrees(math.asin(ahead[1]))


def scales(stage: Usd.Stage) -> None:
    """What UsdSkel needs to compute joints: translations and scales beside the rotations."""
    animation = UsdSkel.Animation(stage.GetPrimAtPath(ANIMATION))
    animation.CreateTranslationsAttr(Vt.Vec3fArray([(0, 0, 0), (0, 5, 0), (3, 5, 8), (-3, 5, 8)]))
    animation.CreateScalesAttr(Vt.Vec3hArray([Gf.Vec3h(1)] * 4))


def test_turned_eyes_look_there(stage: Usd.Stage) -> None:
    scales(stage)
    face = LiveFace(stage)
    assert face.turns
    face.turn((20.0, 10.0), (0.0, 0.0))
    assert eye_direction(stage, "Body/Head/EyeLeft") == pytest.approx((20.0, 10.0), abs=0.2)
    face.turn((0.0, 0.0), (30.0, 0.0))
    assert eye_direction(stage, "Body/Head/EyeLeft") == pytest.approx((30.0, 0.0), abs=0.2)
    face.detach()
    assert eye_direction(stage, "Body/Head/EyeLeft") == pytest.approx((0.0, 0.0), abs=0.01)


def test_a_skeleton_whose_joints_rest_turned(stage: Usd.Stage) -> None:
    scales(stage)
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath("/World/Sophia/Skel"))
    animation = UsdSkel.Animation(stage.GetPrimAtPath(ANIMATION))
    tilt = Gf.Rotation(Gf.Vec3d.XAxis(), 90).GetQuat()  # as exporters leave bones: along themselves
    back = tilt.GetInverse()
    turns = [Gf.Quatd(1), tilt, back, back]
    rests = list(skeleton.GetRestTransformsAttr().Get())
    skeleton.CreateRestTransformsAttr(
        Vt.Matrix4dArray([Gf.Matrix4d().SetRotate(turn) * rest for turn, rest in zip(turns, rests, strict=True)])
    )
    animation.CreateRotationsAttr(Vt.QuatfArray([Gf.Quatf(turn) for turn in turns]))
    face = LiveFace(stage)
    face.turn((-15.0, 5.0), (0.0, 0.0))
    assert eye_direction(stage, "Body/Head/EyeRight") == pytest.approx((-15.0, 5.0), abs=0.2)


def test_where_a_prim_lies_from_her_eyes(stage: Usd.Stage) -> None:
    face = LiveFace(stage)
    found = face.target("/World/Cube")
    assert found is not None
    eyes, cube = found
    assert eyes == pytest.approx((0, 10, 8))  # between the eyes; the skeleton stands 10 to the side
    assert direction(eyes, cube) == pytest.approx((45.0, 0.0), abs=0.1)
    assert face.target("/World/Nothing") is None
    assert face.target("no path at all") is None


def test_a_stage_without_a_face_says_what_it_lacks() -> None:
    with pytest.raises(NoFace, match="no SkelAnimation with jawOpen"):
        LiveFace(Usd.Stage.CreateInMemory())
    with pytest.raises(NoFace, match="no SkelAnimation at /A"):
        LiveFace(Usd.Stage.CreateInMemory(), "/A")


def test_a_face_without_joints_only_moves_its_shapes() -> None:
    stage = Usd.Stage.CreateInMemory()
    animation = UsdSkel.Animation.Define(stage, "/Anim")
    animation.CreateBlendShapesAttr(list(SHAPES))
    face = LiveFace(stage)
    assert not face.turns
    face.turn((10.0, 0.0), (0.0, 0.0))
    face.apply(("jawOpen",), (1.0,))
    assert animation.GetBlendShapeWeightsAttr().Get()[0] == 1.0
    assert face.target("/Anim") is None
