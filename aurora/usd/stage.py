"""Writes a head as a USD layer: a UsdSkel character with blend shapes by their ARKit names, at rest.

    /Sophia             SkelRoot, the layer's default prim
    /Sophia/Skel        Skeleton with four joints; /Sophia/Skel/Anim, what moves them and the shapes
    /Sophia/Geom/…      a mesh for each part; beneath each, its shapes
    /Sophia/Looks/…     materials

Centimetres, +y up, and she looks along +z.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pxr import Gf, Kind, Sdf, Usd, UsdGeom, UsdShade, UsdSkel, Vt

from aurora.face import ARKIT
from aurora.usd.head import Head, Part, Shape
from aurora.usd.looks import Look
from aurora.usd.materials import PICTURES, Material
from aurora.usd.nodes import JOINTS

NAME: Final = "Sophia"
ROOT: Final = Sdf.Path(f"/{NAME}")
ANIMATION: Final = "Skel/Anim"
"""Below the character's prim."""

PARENTS: Final = (-1, 0, 1, 1)


def write_head(head: Head, folder: Path, name: str) -> Path:
    """Writes ``name`` and the pictures beside it into ``folder``, and returns the layer's path. Raises ``OSError``."""
    stage = Usd.Stage.CreateInMemory()
    measure(stage)
    root = UsdSkel.Root.Define(stage, ROOT)
    stage.SetDefaultPrim(root.GetPrim())
    Usd.ModelAPI(root).SetKind(Kind.Tokens.component)
    skeleton = _skeleton(stage, head)
    UsdGeom.Scope.Define(stage, ROOT.AppendChild("Geom"))
    UsdGeom.Scope.Define(stage, ROOT.AppendChild("Looks"))
    materials: dict[tuple[Look, bool, bool], UsdShade.Material] = {}
    for part in head.parts:
        mesh = _mesh(stage, part, skeleton)
        _bind(stage, mesh, part, materials)
    _pictures(head, folder / PICTURES)
    path = folder / name
    if not stage.GetRootLayer().Export(str(path)):
        raise OSError(f"{path} could not be written")
    return path


def measure(stage: Usd.Stage) -> None:
    """Says how long a unit is and which way is up."""
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, UsdGeom.LinearUnits.centimeters)


def local_places(head: Head) -> NDArray[np.float64]:
    """Each joint's place as its parent sees it, in cm, shape ``(4, 3)``."""
    above = np.array([np.zeros(3) if parent < 0 else head.joints[parent] for parent in PARENTS])
    places: NDArray[np.float64] = head.joints - above
    return places


def _skeleton(stage: Usd.Stage, head: Head) -> UsdSkel.Skeleton:
    skeleton = UsdSkel.Skeleton.Define(stage, ROOT.AppendChild("Skel"))
    skeleton.CreateJointsAttr(JOINTS)
    skeleton.CreateBindTransformsAttr([_moved(place) for place in head.joints])
    skeleton.CreateRestTransformsAttr([_moved(place) for place in local_places(head)])
    animation = UsdSkel.Animation.Define(stage, ROOT.AppendPath(ANIMATION))
    animation.CreateJointsAttr(JOINTS)
    animation.CreateTranslationsAttr([Gf.Vec3f(*place.tolist()) for place in local_places(head)])
    animation.CreateRotationsAttr([Gf.Quatf(1)] * len(JOINTS))
    animation.CreateScalesAttr([Gf.Vec3h(1)] * len(JOINTS))
    animation.CreateBlendShapesAttr(ARKIT)
    animation.CreateBlendShapeWeightsAttr([0.0] * len(ARKIT))
    binding = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    binding.CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    return skeleton


def _moved(place: NDArray[np.float64]) -> Gf.Matrix4d:
    return Gf.Matrix4d(1).SetTranslate(Gf.Vec3d(*place.tolist()))


def _mesh(stage: Usd.Stage, part: Part, skeleton: UsdSkel.Skeleton) -> UsdGeom.Mesh:
    mesh = UsdGeom.Mesh.Define(stage, ROOT.AppendPath(f"Geom/{part.name}"))
    points = Vt.Vec3fArray.FromNumpy(part.points)
    mesh.CreatePointsAttr(points)
    mesh.CreateExtentAttr(UsdGeom.PointBased.ComputeExtent(points))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray(len(part.faces), 3))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(part.faces).ravel()))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(part.normals))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(part.look.both_sides)
    variables = UsdGeom.PrimvarsAPI(mesh)

    def each_point(name: str, kind: Sdf.ValueTypeName, values: Any) -> None:
        variables.CreatePrimvar(name, kind, UsdGeom.Tokens.vertex).Set(values)

    kinds = Sdf.ValueTypeNames
    if part.uv is not None:
        each_point("st", kinds.TexCoord2fArray, Vt.Vec2fArray.FromNumpy(part.uv))
    if part.colours is not None:
        tint = np.array(part.look.colour, np.float32)
        shown = part.colours[:, :3] if _textured(part) else part.colours[:, :3] * tint[:3]
        each_point("displayColor", kinds.Color3fArray, Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(shown)))
        if _textured(part):
            each_point("occlusion", kinds.FloatArray, Vt.FloatArray.FromNumpy(part.colours[:, :3].mean(axis=1)))
        elif part.look.alpha != "OPAQUE":
            each_point("displayOpacity", kinds.FloatArray, Vt.FloatArray.FromNumpy(part.colours[:, 3] * tint[3]))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
    _hold(binding, part)
    _shapes(stage, mesh, binding, part.shapes)
    return mesh


def _textured(part: Part) -> bool:
    return part.uv is not None and part.look.picture is not None


def _hold(binding: UsdSkel.BindingAPI, part: Part) -> None:
    """Which joints hold the points: one for all where it can be, else as many as any point needs."""
    used = np.flatnonzero(part.hold.any(axis=0))
    if len(used) == 1:
        binding.SetRigidJointInfluence(int(used[0]), 1.0)
        return
    order = np.argsort(-part.hold, axis=1, kind="stable")[:, : len(used)]
    weights = np.take_along_axis(part.hold, order, axis=1)
    binding.CreateJointIndicesPrimvar(False, len(used)).Set(Vt.IntArray.FromNumpy(order.astype(np.int32).ravel()))
    binding.CreateJointWeightsPrimvar(False, len(used)).Set(Vt.FloatArray.FromNumpy(weights.ravel()))


def _shapes(stage: Usd.Stage, mesh: UsdGeom.Mesh, binding: UsdSkel.BindingAPI, shapes: dict[str, Shape]) -> None:
    names = [name for name in ARKIT if name in shapes]  # in the animation's order
    if not names:
        return
    targets = []
    for name in names:
        shape, target = shapes[name], UsdSkel.BlendShape.Define(stage, mesh.GetPath().AppendChild(name))
        target.CreateOffsetsAttr(Vt.Vec3fArray.FromNumpy(shape.offsets))
        target.CreateNormalOffsetsAttr(Vt.Vec3fArray.FromNumpy(shape.tilts))
        target.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(shape.where))
        targets.append(target.GetPath())
    binding.CreateBlendShapesAttr(names)
    binding.CreateBlendShapeTargetsRel().SetTargets(targets)


def _bind(
    stage: Usd.Stage, mesh: UsdGeom.Mesh, part: Part, materials: dict[tuple[Look, bool, bool], UsdShade.Material]
) -> None:
    key = (part.look, part.uv is not None, part.colours is not None)
    if key not in materials:
        base = "".join(c if c.isascii() and c.isalnum() else "_" for c in part.look.name)[:40] or "Look"
        name = f"{base}_{len(materials) + 1}"
        path = ROOT.AppendPath(f"Looks/{name if name[0].isalpha() else f'Look_{name}'}")
        made = Material(stage, str(path), part.look, textured=key[1], coloured=key[2])
        materials[key] = made.prim
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(materials[key])


def _pictures(head: Head, folder: Path) -> None:
    used = {
        picture.name: picture.content
        for part in head.parts
        if part.uv is not None
        for picture in (part.look.picture, part.look.relief, part.look.finish)
        if picture
    }
    if used:
        folder.mkdir(exist_ok=True)
    for name, content in used.items():
        (folder / name).write_bytes(content)
