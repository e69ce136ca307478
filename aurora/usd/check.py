"""Checks a USD file: USD's own validators, and what they overlook in a character that speaks.

USD's validators look at schemas one by one. None of them compares a shape with its mesh, or an animation with what it
moves. A file that is wrong there opens well, and shows a face that does not move or is torn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Ar, Tf, Usd, UsdGeom, UsdMedia, UsdSkel, UsdValidation

MOST = 50
"""Problems that are told of one file."""

CLOSE = 1e-3
"""How far the holds of a point may be from 1 altogether."""


def problems(path: Path) -> list[str]:
    """What is wrong with the file at ``path``, a line for each thing; nothing if it is well."""
    if not path.is_file():
        return [f"{path} is no file"]
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        return [f"{path} is no USD file that can be opened ({_first(error)})"]
    try:
        return list(itertools.islice(itertools.chain(_validated(stage), _looked_at(stage)), MOST))
    except Tf.ErrorException as error:
        return [f"{path} cannot be checked ({_first(error)})"]


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


def _validated(stage: Usd.Stage) -> Iterator[str]:
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    for error in UsdValidation.ValidationContext(validators).Validate(stage):
        yield f"{error.GetName()}: {' '.join(error.GetMessage().split())}"


def _looked_at(stage: Usd.Stage) -> Iterator[str]:
    yield from _timeline(stage)
    cache = UsdSkel.Cache()
    for prim in stage.Traverse():
        if prim.IsA(UsdSkel.Root):
            cache.Populate(UsdSkel.Root(prim), Usd.PrimDefaultPredicate)
    for prim in stage.Traverse():
        if prim.IsA(UsdSkel.Animation):
            yield from _animation(stage, UsdSkel.Animation(prim))
        elif prim.IsA(UsdGeom.Mesh):
            yield from _mesh(UsdGeom.Mesh(prim), cache)
        elif prim.IsA(UsdMedia.SpatialAudio):
            yield from _sound(UsdMedia.SpatialAudio(prim))


def _timeline(stage: Usd.Stage) -> Iterator[str]:
    if stage.HasAuthoredTimeCodeRange():
        if not stage.GetStartTimeCode() <= stage.GetEndTimeCode():
            yield "the stage ends before it starts"
        if not stage.GetRootLayer().HasTimeCodesPerSecond() or stage.GetTimeCodesPerSecond() <= 0:
            yield "the stage does not say how many time codes make a second"


def _animation(stage: Usd.Stage, animation: UsdSkel.Animation) -> Iterator[str]:
    path = animation.GetPath()
    names = list(animation.GetBlendShapesAttr().Get() or ())
    joints = list(animation.GetJointsAttr().Get() or ())
    for what, tokens in (("shape", names), ("joint", joints)):
        if len(set(tokens)) < len(tokens):
            yield f"{path}: a {what} is named twice"
    for attribute, count in (
        (animation.GetBlendShapeWeightsAttr(), len(names)),
        (animation.GetRotationsAttr(), len(joints)),
        (animation.GetTranslationsAttr(), len(joints)),
        (animation.GetScalesAttr(), len(joints)),
    ):
        yield from _samples(stage, attribute, count)


def _samples(stage: Usd.Stage, attribute: Usd.Attribute, count: int) -> Iterator[str]:
    """Every sample has a value for each thing, all of them are numbers, and none lies outside of the timeline."""
    times = attribute.GetTimeSamples()
    if times and stage.HasAuthoredTimeCodeRange():
        first, last = stage.GetStartTimeCode(), stage.GetEndTimeCode()
        if times[0] < first or times[-1] > last:
            yield f"{attribute.GetPath()}: samples from {times[0]:g} to {times[-1]:g}, outside of {first:g} to {last:g}"
    for time in times or [Usd.TimeCode.Default()]:
        values = attribute.Get(time)
        if values is None:
            continue
        when = "" if isinstance(time, Usd.TimeCode) else f" at {time:g}"
        if len(values) != count:
            yield f"{attribute.GetPath()}{when}: {len(values)} values for {count}"
        elif not np.isfinite(np.array(values, np.float64) if not _turns(values) else _flat(values)).all():
            yield f"{attribute.GetPath()}{when}: a value is no number"


def _turns(values: Any) -> bool:
    return len(values) > 0 and hasattr(values[0], "imaginary")


def _flat(values: Any) -> list[float]:
    return [number for turn in values for number in (turn.real, *turn.imaginary)]


def _mesh(mesh: UsdGeom.Mesh, cache: UsdSkel.Cache) -> Iterator[str]:
    path = mesh.GetPath()
    count = len(mesh.GetPointsAttr().Get() or ())
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get() or (), np.int64)
    if len(corners) != sum(mesh.GetFaceVertexCountsAttr().Get() or ()):
        yield f"{path}: its faces have {len(corners)} corners, and should have as many as they say"
    if _outside(corners, count):
        yield f"{path}: a face has a corner that is not among its {count} points"
    binding = UsdSkel.BindingAPI(mesh.GetPrim())
    names = list(binding.GetBlendShapesAttr().Get() or ())
    targets = binding.GetBlendShapeTargetsRel().GetTargets() if binding.GetBlendShapeTargetsRel() else []
    if len(names) != len(targets):
        yield f"{path}: {len(names)} names of shapes, and {len(targets)} shapes"
    for target in targets:
        shape = UsdSkel.BlendShape(mesh.GetPrim().GetStage().GetPrimAtPath(target))
        if shape:
            yield from _shape(shape, count)
        else:
            yield f"{path}: its shape {target} is not there"
    query = cache.GetSkinningQuery(mesh.GetPrim())
    if query:
        yield from _hold(mesh, query, count)
    yield from _moved(mesh, binding, names)


def _shape(shape: UsdSkel.BlendShape, points: int) -> Iterator[str]:
    path = shape.GetPath()
    offsets, tilts = shape.GetOffsetsAttr().Get() or (), shape.GetNormalOffsetsAttr().Get() or ()
    where = np.array(shape.GetPointIndicesAttr().Get() or (), np.int64)
    expected = len(where) if shape.GetPointIndicesAttr().HasAuthoredValue() else points
    if len(offsets) != expected:
        yield f"{path}: {len(offsets)} offsets for {expected} points"
    if len(tilts) not in (0, expected):
        yield f"{path}: {len(tilts)} offsets of normals for {expected} points"
    if _outside(where, points):
        yield f"{path}: it moves a point that is not among the {points} of its mesh"
    if len(np.unique(where)) < len(where):
        yield f"{path}: it moves a point twice"
    if len(offsets) and not np.isfinite(np.array(offsets)).all():
        yield f"{path}: an offset is no number"


def _hold(mesh: UsdGeom.Mesh, query: UsdSkel.SkinningQuery, points: int) -> Iterator[str]:
    path = mesh.GetPath()
    if not query.HasJointInfluences():
        return
    size = query.GetNumInfluencesPerComponent()
    where = np.array(query.GetJointIndicesPrimvar().Get() or (), np.int64)
    weights = np.array(query.GetJointWeightsPrimvar().Get() or (), np.float64)
    expected = size * (1 if query.IsRigidlyDeformed() else points)
    if len(where) != expected or len(weights) != expected:
        yield f"{path}: {len(where)} joints and {len(weights)} weights hold its points; {expected} should"
        return
    skeleton = UsdSkel.Skeleton(UsdSkel.BindingAPI(mesh.GetPrim()).GetInheritedSkeleton())
    joints = query.GetJointOrder() or (skeleton.GetJointsAttr().Get() if skeleton else None) or ()
    if _outside(where, len(joints)):
        yield f"{path}: it hangs on a joint that is not among the {len(joints)} of its skeleton"
    if np.abs(weights.reshape(-1, size).sum(axis=1) - 1.0).max() > CLOSE:
        yield f"{path}: its joints do not hold its points wholly"


def _moved(mesh: UsdGeom.Mesh, binding: UsdSkel.BindingAPI, names: list[str]) -> Iterator[str]:
    """The animation that moves a mesh knows its shapes, and they stand in its order."""
    if not names:
        return
    path = mesh.GetPath()
    skeleton = binding.GetInheritedSkeleton()
    prim = UsdSkel.BindingAPI(skeleton.GetPrim()).GetInheritedAnimationSource() if skeleton else None
    if not prim:
        yield f"{path}: no animation moves its shapes"
        return
    known = list(UsdSkel.Animation(prim).GetBlendShapesAttr().Get() or ())
    if lacking := [name for name in names if name not in known]:
        yield f"{path}: {prim.GetPath()} does not move its shape {lacking[0]}"
    elif [known.index(name) for name in names] != sorted(known.index(name) for name in names):
        yield f"{path}: its shapes do not stand in the order of {prim.GetPath()}"


def _sound(sound: UsdMedia.SpatialAudio) -> Iterator[str]:
    path, asset = sound.GetPath(), sound.GetFilePathAttr().Get()
    if not asset or not asset.resolvedPath:
        yield f"{path}: its sound {asset.path if asset else ''} is not there"
        return
    content = Ar.GetResolver().OpenAsset(Ar.ResolvedPath(asset.resolvedPath))
    if content is None or bytes(content.Read(4, 0)) != b"RIFF":  # not all of it: an hour has 160 MB
        yield f"{path}: its sound is no WAV file"
    start, end = sound.GetStartTimeAttr().Get(), sound.GetEndTimeAttr().Get()
    if start is not None and end is not None and not start.GetValue() <= end.GetValue():
        yield f"{path}: it ends before it starts"


def _outside(places: np.ndarray[Any, Any], count: int) -> bool:
    return bool(len(places)) and (int(places.min()) < 0 or int(places.max()) >= count)
