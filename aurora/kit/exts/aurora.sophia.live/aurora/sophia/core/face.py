"""Weights and turns on a UsdSkel animation of the open stage, without changing what is saved.

Everything is written at the default time into an anonymous layer, the strongest of the session's. There it beats the
recorded take at any time code. Taking the layer away gives the take back, and the root layer is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pxr import Gf, Sdf, Usd, UsdGeom, UsdSkel, Vt

LEAST_SHAPES = 10
"""An animation with fewer blend shapes beside jawOpen is not taken for a face."""


class NoFace(Exception):
    """There is nothing on the stage that could be animated; the message says what was looked for."""


def folded(name: str) -> str:
    """A blend shape's name without prefix, case, or separators, so that JawOpen, jaw_open and head.jawOpen agree."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit(".", 1)[-1].lower())


def find_animation(stage: Usd.Stage, path: str = "") -> UsdSkel.Animation:
    """The animation at ``path``, or the first on the stage that moves a face. Raises :class:`NoFace`."""
    if path:
        animation = UsdSkel.Animation(stage.GetPrimAtPath(path)) if Sdf.Path.IsValidPathString(path) else None
        if not animation:
            raise NoFace(f"there is no SkelAnimation at {path}; leave the path empty to have one found")
        return animation
    for prim in stage.Traverse():
        if prim.IsA(UsdSkel.Animation):
            names = {folded(str(name)) for name in UsdSkel.Animation(prim).GetBlendShapesAttr().Get() or ()}
            if "jawopen" in names and len(names) > LEAST_SHAPES:
                return UsdSkel.Animation(prim)
    raise NoFace("the stage has no SkelAnimation with jawOpen and ten more blend shapes; export a take and open that")


@dataclass(frozen=True)
class _Joint:
    index: int
    parent: Gf.Quatd
    skeleton: Gf.Quatd
    """Its rest in the skeleton's space, and its parent's."""
    place: Gf.Vec3d


class LiveFace:
    """The face on ``stage``; :meth:`detach` gives the stage back as it was.

    It writes whole arrays: the animation's own rest, changed where something moves. Of joints, a head and two eyes are
    turned, if the skeleton has them by such names.
    """

    def __init__(self, stage: Usd.Stage, path: str = "") -> None:
        self.stage = stage
        self.animation = find_animation(stage, path)
        names = [folded(str(name)) for name in self.animation.GetBlendShapesAttr().Get() or ()]
        self._index = {name: at for at, name in enumerate(names)}
        self._size = len(names)
        self._weights = self.animation.GetBlendShapeWeightsAttr()
        self._rotations = self.animation.GetRotationsAttr()
        self._rest = [Gf.Quatf(turn) for turn in self._rotations.Get(Usd.TimeCode.EarliestTime()) or ()]
        self._skeleton = _skeleton_of(stage, self.animation)
        self._joints = self._find_joints()
        self._columns: dict[tuple[str, ...], list[int]] = {}
        self._layer = Sdf.Layer.CreateAnonymous("aurora_sophia_live.usda")
        stage.GetSessionLayer().subLayerPaths.insert(0, self._layer.identifier)

    @property
    def turns(self) -> bool:
        """Whether the skeleton has eyes or a head to turn."""
        return bool(self._joints)

    @property
    def there(self) -> bool:
        """Whether the animation is still on the stage."""
        return bool(self.animation.GetPrim().IsValid())

    def apply(
        self, names: Sequence[str], values: Sequence[float], lid: float = 0.0, brows: Mapping[str, float] | None = None
    ) -> None:
        """Shows ``values`` of the blend shapes ``names``; all others rest.

        ``lid`` closes the lids at least so far. ``brows`` are weights by folded name that are added.
        """
        weights = [0.0] * self._size
        for at, value in zip(self._map(tuple(names)), values, strict=False):
            if at >= 0:
                weights[at] = float(value)
        for name in ("eyeblinkleft", "eyeblinkright"):
            if (at := self._index.get(name, -1)) >= 0:
                weights[at] = max(weights[at], lid)
        for name, more in (brows or {}).items():
            if (at := self._index.get(name, -1)) >= 0:
                weights[at] = min(1.0, weights[at] + more)
        with Usd.EditContext(self.stage, self._layer):
            self._weights.Set(Vt.FloatArray(weights))

    def turn(self, eyes: tuple[float, float], head: tuple[float, float]) -> None:
        """Turns eyes and head: (yaw, pitch) in degrees, above zero to her left and upwards."""
        if not self._joints:
            return
        turns = list(self._rest)
        for name, joint in self._joints.items():
            yaw, pitch = head if name == "head" else eyes
            delta = _turn(yaw, pitch)
            turns[joint.index] = Gf.Quatf(joint.parent.GetInverse() * delta * joint.skeleton)
        with Usd.EditContext(self.stage, self._layer):
            self._rotations.Set(Vt.QuatfArray(turns))

    def target(self, path: str) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
        """Her eyes and the middle of the prim at ``path``, in the skeleton's space; ``None`` if there is no such."""
        prim = self.stage.GetPrimAtPath(path) if Sdf.Path.IsValidPathString(path) else None
        if not prim or not prim.IsA(UsdGeom.Imageable) or self._skeleton is None:
            return None
        purposes = [UsdGeom.Tokens.default_, UsdGeom.Tokens.render, UsdGeom.Tokens.proxy]
        box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), purposes).ComputeWorldBound(prim)
        world = UsdGeom.XformCache()
        place = world.GetLocalToWorldTransform(prim).ExtractTranslation()
        if not box.GetRange().IsEmpty():
            place = box.ComputeCentroid()
        here = world.GetLocalToWorldTransform(self._skeleton.GetPrim()).GetInverse()
        local = here.Transform(place)
        eyes = [joint.place for name, joint in self._joints.items() if name != "head"]
        eyes = eyes or [joint.place for joint in self._joints.values()]
        middle = sum(eyes, Gf.Vec3d(0)) / max(1, len(eyes))
        return (middle[0], middle[1], middle[2]), (local[0], local[1], local[2])

    def detach(self) -> None:
        """Takes the live layer away: the stage is what it was."""
        session = self.stage.GetSessionLayer()
        if session and self._layer.identifier in session.subLayerPaths:
            session.subLayerPaths.remove(self._layer.identifier)

    def _map(self, names: tuple[str, ...]) -> list[int]:
        if names not in self._columns:
            self._columns = {names: [self._index.get(folded(name), -1) for name in names]}
        return self._columns[names]

    def _find_joints(self) -> dict[str, _Joint]:
        known = {"head": "head", "eyel": "left", "eyeleft": "left", "lefteye": "left"}
        known.update({"eyer": "right", "eyeright": "right", "righteye": "right"})
        joints = [str(joint) for joint in self.animation.GetJointsAttr().Get() or ()]
        if len(joints) != len(self._rest):
            return {}
        rests = _rest_transforms(self._skeleton)
        found: dict[str, _Joint] = {}
        for index, joint in enumerate(joints):
            name = known.get(folded(joint.rsplit("/", 1)[-1]))
            if name and name not in found:
                rest = rests.get(joint, Gf.Matrix4d(1))
                parent = rests.get(joint.rsplit("/", 1)[0], Gf.Matrix4d(1)) if "/" in joint else Gf.Matrix4d(1)
                found[name] = _Joint(index, _rotation(parent), _rotation(rest), rest.ExtractTranslation())
        return found


def _skeleton_of(stage: Usd.Stage, animation: UsdSkel.Animation) -> UsdSkel.Skeleton | None:
    for prim in stage.Traverse():
        if prim.IsA(UsdSkel.Skeleton):
            source = UsdSkel.BindingAPI(prim).GetInheritedAnimationSource()
            if source and source.GetPath() == animation.GetPath():
                return UsdSkel.Skeleton(prim)
    return None


def _rest_transforms(skeleton: UsdSkel.Skeleton | None) -> dict[str, Gf.Matrix4d]:
    """Each joint's rest in the skeleton's space."""
    if skeleton is None:
        return {}
    joints = [str(joint) for joint in skeleton.GetJointsAttr().Get() or ()]
    local: Mapping[str, Gf.Matrix4d] = dict(zip(joints, skeleton.GetRestTransformsAttr().Get() or (), strict=False))
    rests: dict[str, Gf.Matrix4d] = {}
    for joint in joints:  # parents stand before their children
        above = rests.get(joint.rsplit("/", 1)[0], Gf.Matrix4d(1)) if "/" in joint else Gf.Matrix4d(1)
        rests[joint] = local.get(joint, Gf.Matrix4d(1)) * above
    return rests


def _rotation(matrix: Gf.Matrix4d) -> Gf.Quatd:
    return matrix.RemoveScaleShear().ExtractRotationQuat()


def _turn(yaw: float, pitch: float) -> Gf.Quatd:
    sideways = Gf.Rotation(Gf.Vec3d.YAxis(), yaw).GetQuat()
    upwards = Gf.Rotation(Gf.Vec3d.XAxis(), -pitch).GetQuat()
    return Gf.Quatd(sideways * upwards)
