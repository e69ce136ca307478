"""Which morph targets a weight of ARKit's moves: by their names, and in a VRM by its expressions.

The rules are the page's (``aurora/web/src/stage``). A weight moves targets in proportion, so a VRM's preset that stands
in for two shapes gives each of them a half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from aurora.glb import Json, inner, objects, texts
from aurora.model import PRESETS, vrm0_name
from aurora.names import arkit_name

BONES = {"head": "Head", "leftEye": "EyeLeft", "rightEye": "EyeRight"}
"""What a VRM calls the bones that we move."""


MOST_MOVES = 1024
"""Of one mesh; what comes after them is left out. A face has 52, or some more where a name has two halves."""


class Move(NamedTuple):
    """``name`` moves the ``target``-th morph target of a mesh by ``share`` of its weight."""

    name: str
    target: int
    share: float


class Bind(NamedTuple):
    """An expression moves the ``target``-th morph target of ``mesh`` by ``share``."""

    mesh: int
    target: int
    share: float


def moves_of(gltf: Json) -> dict[int, list[Move]]:
    """For each mesh, what moves it."""
    expressions = dict(_expressions(gltf))
    own = {known: binds for name, binds in expressions.items() if (known := arkit_name(name))}
    found: defaultdict[int, list[Move]] = defaultdict(list)
    named = set(own)
    for place, mesh in enumerate(objects(gltf, "meshes")):
        names = texts(inner(mesh, "extras"), "targetNames")
        counts = [len(objects(primitive, "targets")) for primitive in objects(mesh, "primitives")]
        if len(names) != max(counts, default=0):
            continue
        for target, name in enumerate(names):
            if (known := arkit_name(name)) and known not in own:
                found[place].append(Move(known, target, 1.0))
                named.add(known)
    for name, binds in own.items():
        for bind in binds:
            found[bind.mesh].append(Move(name, bind.target, bind.share))
    for preset, shapes in PRESETS.items():
        if preset == "blink" and "blinkLeft" in expressions:
            continue
        for name in shapes:
            if name not in named:
                for bind in expressions.get(preset, ()):
                    found[bind.mesh].append(Move(name, bind.target, bind.share / len(shapes)))
    return {mesh: moves[:MOST_MOVES] for mesh, moves in found.items()}


def bones_of(gltf: Json) -> dict[int, str]:
    """The nodes that a VRM says are head and eyes, by the names of :data:`BONES`."""
    new = inner(gltf, "extensions", "VRMC_vrm", "humanoid", "humanBones")
    old = objects(inner(gltf, "extensions", "VRM", "humanoid"), "humanBones")
    pairs = [
        *((name, inner(new, name).get("node")) for name in new),
        *((one.get("bone"), one.get("node")) for one in old),
    ]
    return {node: BONES[name] for name, node in pairs if type(node) is int and isinstance(name, str) and name in BONES}


def looks_away(gltf: Json) -> bool:
    """Whether the model looks along -z, as VRM 0 has it."""
    extensions = inner(gltf, "extensions")
    return "VRM" in extensions and "VRMC_vrm" not in extensions


def _expressions(gltf: Json) -> Iterator[tuple[str, list[Bind]]]:
    """A VRM's expressions that move something."""
    new, old = inner(gltf, "extensions", "VRMC_vrm", "expressions"), inner(gltf, "extensions", "VRM")
    nodes = objects(gltf, "nodes")
    for part in ("preset", "custom"):
        for name in inner(new, part):
            binds = [
                bind
                for one in objects(inner(new, part, name), "morphTargetBinds")
                if (bind := _bind(_at(nodes, one.get("node")).get("mesh"), one, 1.0))
            ]
            if binds:
                yield name, binds
    for group in objects(inner(old, "blendShapeMaster"), "blendShapeGroups"):
        binds = [bind for one in objects(group, "binds") if (bind := _bind(one.get("mesh"), one, 100.0))]
        if binds:
            yield vrm0_name(group), binds


def _bind(mesh: object, one: Json, whole: float) -> Bind | None:
    target, weight = one.get("index"), one.get("weight", whole)
    if type(mesh) is not int or type(target) is not int or type(weight) not in (int, float):
        return None
    return Bind(mesh, target, float(weight) / whole) if mesh >= 0 and target >= 0 and 0 < weight <= whole else None


def _at(entries: list[Json], index: Any) -> Json:
    return entries[index] if type(index) is int and 0 <= index < len(entries) else {}
