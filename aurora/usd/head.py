"""A head as USD needs it, read from a GLB: parts in centimetres at rest, their ARKit shapes, and four joints.

Everything is taken to one space first. So a part is what is seen at rest, whatever nodes, scales and bones its file
puts it together from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aurora.face import ARKIT
from aurora.glb import Json, inner, objects
from aurora.usd.accessors import Glb, Numbers
from aurora.usd.expressions import Move, moves_of
from aurora.usd.looks import Look, read_looks
from aurora.usd.nodes import HEAD, ROOT, Matrix, Nodes, read_nodes

FACE_METRES: Final = 0.2
"""How much of a face its shapes move, from brow to throat; tells the unit of a file."""

MOST_PARTS: Final = 1000

FARTHEST: Final = 1e6
"""In the file's unit; what lies farther away is no part of a head."""

UNITS: Final = (1.0, 0.1, 0.01, 0.001)
"""Metres. glTF prescribes the first, and files come in all of them."""

LEAST: Final = 1e-5
"""Centimetres; a shape leaves a point that it moves by less where it is."""
LEAST_TILT: Final = 1e-4

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a weight of 1 adds to the points ``where``, shape ``(n,)``: ``offsets`` in cm, ``tilts`` of normals."""

    where: NDArray[np.int32]
    offsets: Points
    tilts: Points


@dataclass(slots=True)
class Part:
    """One mesh with one look.

    ``points`` are in cm and ``normals`` of unit length, shape ``(n, 3)``; ``faces`` are triangles, shape ``(m, 3)``;
    ``uv`` has its origin at the lower left, as USD has it; ``colours`` are linear red, green, blue and alpha. ``hold``
    is how much each of the four joints holds each point, shape ``(n, 4)``, rows adding up to 1.
    """

    name: str
    points: Points
    normals: Points
    faces: NDArray[np.int32]
    hold: Points
    look: Look
    uv: Points | None = None
    colours: Points | None = None
    shapes: dict[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """``joints`` are where the four joints are, in cm, shape ``(4, 3)``; ``names`` the ARKit shapes that some part has.

    ``notes`` say what of the file was left out.
    """

    parts: list[Part]
    joints: NDArray[np.float64]
    names: tuple[str, ...]
    notes: list[str]


def read_head(path: Path) -> Head:
    """Reads a head. Raises :class:`~aurora.glb.ModelRefused` where the file is broken or nothing of it can move."""
    glb = Glb(path)
    notes: list[str] = []
    looks = read_looks(glb, notes)
    nodes = read_nodes(glb)
    moves = moves_of(glb.json)
    if _how_many(glb, nodes) > MOST_PARTS:
        raise glb.refused(f"it has more than {MOST_PARTS} parts")
    parts: list[Part] = []
    for index in nodes.shown:
        parts += _parts(glb, nodes, index, looks, moves)
    names = tuple(name for name in ARKIT if any(name in part.shapes for part in parts))
    if "jawOpen" not in names:
        raise glb.refused("no shape jawOpen: nothing of this face can speak")
    joints = _to_centimetres(glb, parts, nodes)
    _name_apart(parts)
    return Head(parts, joints, names, notes)


def _how_many(glb: Glb, nodes: Nodes) -> int:
    """Parts that are shown; a mesh may be shown by many nodes."""
    counts = [len(objects(mesh, "primitives")) for mesh in glb.meshes]
    meshes = (glb.nodes[index].get("mesh") for index in nodes.shown)
    return sum(counts[mesh] for mesh in meshes if type(mesh) is int and 0 <= mesh < len(counts))


def _parts(glb: Glb, nodes: Nodes, index: int, looks: list[Look], moves: dict[int, list[Move]]) -> list[Part]:
    """What a node shows, one part for each of its primitives."""
    node = glb.nodes[index]
    if "mesh" not in node:
        return []
    if type(node["mesh"]) is not int or not 0 <= node["mesh"] < len(glb.meshes):
        raise glb.refused("a node names a mesh that is not there")
    mesh = glb.meshes[node["mesh"]]
    found = []
    for primitive in objects(mesh, "primitives"):
        if primitive.get("mode", 4) != 4 or "POSITION" not in inner(primitive, "attributes"):
            continue  # lines and points are no part of a face
        place = primitive.get("material")
        look = looks[place] if type(place) is int and 0 <= place < len(looks) else Look("Plain")
        name = str(node.get("name") or mesh.get("name") or "Part")
        part = _part(glb, primitive, name, look, moves.get(node["mesh"], []))
        if not len(part.faces):
            continue  # its triangles are lines
        matrices, part.hold = _held(glb, nodes, index, primitive, count=len(part.points))
        _place(part, matrices)
        if not np.abs(part.points).max() < FARTHEST:  # nor if it is not finite any more
            raise glb.refused("a vertex lies too far away")
        found.append(_needed(part))
    return found


def _needed(part: Part) -> Part:
    """The part without points that no triangle has."""
    used = np.unique(part.faces)
    if len(used) == len(part.points):
        return part
    place = np.full(len(part.points), -1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    shapes = {}
    for name, shape in part.shapes.items():
        kept = place[shape.where] >= 0
        shapes[name] = Shape(place[shape.where][kept], shape.offsets[kept], shape.tilts[kept])
    return Part(
        part.name,
        part.points[used],
        part.normals[used],
        place[part.faces],
        part.hold[used],
        part.look,
        None if part.uv is None else part.uv[used],
        None if part.colours is None else part.colours[used],
        shapes,
    )


def _part(glb: Glb, primitive: Json, called: str, look: Look, moves: list[Move]) -> Part:
    """A part as its file has it, in its own space."""
    attributes = inner(primitive, "attributes")
    points = _vectors(glb, attributes["POSITION"], 3)
    if "indices" in primitive:
        corners = glb.numbers(primitive["indices"])[:, 0].astype(np.int64)
    else:
        corners = np.arange(len(points))
    faces = corners[: len(corners) // 3 * 3].reshape(-1, 3)
    if not len(faces) or faces.min() < 0 or faces.max() >= len(points):
        raise glb.refused("a triangle has a corner that is not there")
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])]
    part = Part(
        called, points, np.zeros((0, 3), np.float32), faces.astype(np.int32), np.zeros((0, 4), np.float32), look
    )

    def attribute(key: str, width: int) -> Points | None:
        values = _vectors(glb, attributes[key], width) if key in attributes else None
        if values is not None and len(values) != len(points):
            raise glb.refused(f"it has {len(points)} points, and {len(values)} of {key}")
        return values

    normals = attribute("NORMAL", 3)
    part.normals = _smooth(points, part.faces) if normals is None else normals
    uv = attribute("TEXCOORD_0", 2)
    part.uv = None if uv is None else (np.array([0.0, 1.0]) + uv * np.array([1.0, -1.0])).astype(np.float32)
    if "COLOR_0" in attributes:
        colours = glb.numbers(attributes["COLOR_0"]).astype(np.float32)
        if len(colours) != len(points) or colours.shape[1] not in (3, 4):
            raise glb.refused("its colours do not fit its points")
        part.colours = np.ones((len(points), 4), np.float32)
        part.colours[:, : colours.shape[1]] = colours
    targets = objects(primitive, "targets")
    for name, target, share in moves:
        if target < len(targets):
            part.shapes[name] = _shape(glb, targets[target], share, len(points), part.shapes.get(name))
    return part


def _shape(glb: Glb, target: Json, share: float, count: int, other: Shape | None) -> Shape:
    """A ``share`` of a morph target, beside ``other``, which has the same meaning: half a brow, say."""
    moves = [np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)]
    for place, key in enumerate(("POSITION", "NORMAL")):
        if key in target:
            moves[place] = _vectors(glb, target[key], 3) * np.float32(share)
            if len(moves[place]) != count:
                raise glb.refused(f"a shape has {len(moves[place])} points, and its mesh {count}")
    if other is not None:
        moves[0][other.where] += other.offsets
        moves[1][other.where] += other.tilts
    return _sparse(np.arange(count, dtype=np.int32), *moves)


def _held(glb: Glb, nodes: Nodes, index: int, primitive: Json, *, count: int) -> tuple[NDArray[np.float64], Points]:
    """For each point: the matrix that takes it to where it is at rest, and how much each joint holds it."""
    hold = np.zeros((count, 4), np.float32)
    skin, attributes = glb.nodes[index].get("skin"), inner(primitive, "attributes")
    if type(skin) is not int or not 0 <= skin < len(glb.skins) or "JOINTS_0" not in attributes:
        hold[:, nodes.joint[index]] = 1.0
        return np.broadcast_to(nodes.world[index], (count, 4, 4)), hold
    bones = glb.skins[skin].get("joints")
    if not isinstance(bones, list) or not bones or not all(type(bone) is int and bone in nodes.world for bone in bones):
        raise glb.refused("its skin hangs on a bone that is not in the scene")
    inverse = _inverse(glb, glb.skins[skin], len(bones))
    reach = np.stack([nodes.world[bone] @ inverse[place] for place, bone in enumerate(bones)])
    on = glb.numbers(attributes["JOINTS_0"]).astype(np.int64)
    weights = _vectors(glb, attributes.get("WEIGHTS_0"), 4).astype(np.float64)
    if on.shape != (count, 4) or weights.shape != on.shape or not 0 <= on.min() <= on.max() < len(bones):
        raise glb.refused("its skin does not fit its points")
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights / np.where(total > 0, total, 1), [[1.0, 0.0, 0.0, 0.0]])
    joint_of = np.array([nodes.joint[bone] for bone in bones])
    for slot in range(4):
        np.add.at(hold, (np.arange(count), joint_of[on[:, slot]]), weights[:, slot].astype(np.float32))
    return np.einsum("ps,psij->pij", weights, reach[on]), hold


def _inverse(glb: Glb, skin: Json, bones: int) -> NDArray[np.float64]:
    if "inverseBindMatrices" not in skin:
        return np.broadcast_to(np.eye(4), (bones, 4, 4))
    found = glb.numbers(skin["inverseBindMatrices"]).astype(np.float64)
    if found.shape != (bones, 16):
        raise glb.refused("its skin has not one matrix for each bone")
    return found.reshape(-1, 4, 4).swapaxes(1, 2)


def _place(part: Part, matrices: NDArray[np.float64]) -> None:
    """Takes a part to where it is at rest."""
    linear = matrices[:, :3, :3]
    part.points = _times(linear, part.points) + matrices[:, :3, 3].astype(np.float32)
    inside_out = np.linalg.det(linear[:1])[0] < 0
    if inside_out:
        part.faces = part.faces[:, ::-1].copy()
    upright = _cofactors(linear) * (-1.0 if inside_out else 1.0)
    raw = _times(upright, part.normals)
    length = np.linalg.norm(raw, axis=1, keepdims=True)
    length[length == 0] = 1
    part.normals = raw / length
    for name, shape in part.shapes.items():
        where = shape.where
        tilts = _times(upright[where], shape.tilts) / length[where]
        part.shapes[name] = _sparse(where, _times(linear[where], shape.offsets), tilts)


def _sparse(where: NDArray[np.int32], offsets: Points, tilts: Points) -> Shape:
    """The points that move; how much is seen only once the unit is known, so the least is left to its end."""
    moved = offsets.any(axis=1) | (np.abs(tilts).max(axis=1, initial=0.0) > LEAST_TILT)
    return Shape(where[moved], offsets[moved], tilts[moved])


def _to_centimetres(glb: Glb, parts: list[Part], nodes: Nodes) -> NDArray[np.float64]:
    """Scales the parts and gives the joints' places. A joint of a head that has none lies under the face."""
    moved = np.concatenate([part.points[shape.where] for part in parts for shape in part.shapes.values()])
    if not len(moved):
        raise glb.refused("no morph target moves anything")
    low, high = moved.min(axis=0).astype(np.float64), moved.max(axis=0).astype(np.float64)
    height = float(high[1] - low[1])
    unit = min(UNITS, key=lambda metres: abs(np.log(max(height, 1e-9) * metres / FACE_METRES)))
    scale = 100.0 * unit
    joints = nodes.places.copy()
    if HEAD not in nodes.joint.values():
        for part in parts:
            part.hold[:, HEAD] += part.hold[:, ROOT]
            part.hold[:, ROOT] = 0.0
    if not low[1] - height < joints[HEAD, 1] < high[1]:
        eyes = joints[2:] != joints[HEAD]
        joints[HEAD] = ((low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2)
        joints[2:] = np.where(eyes, joints[2:], joints[HEAD])
    for part in parts:
        part.points = (part.points * scale).astype(np.float32)
        for name, shape in list(part.shapes.items()):
            offsets = (shape.offsets * scale).astype(np.float32)
            seen = (np.abs(offsets).max(axis=1) > LEAST) | (np.abs(shape.tilts).max(axis=1) > LEAST_TILT)
            if seen.any():
                part.shapes[name] = Shape(shape.where[seen], offsets[seen], shape.tilts[seen])
            else:
                del part.shapes[name]
    return joints * scale


def _name_apart(parts: list[Part]) -> None:
    """Gives every part a name of its own that USD takes."""
    taken: set[str] = set()
    for part in parts:
        base = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in part.name)[:60]
        base = base if base[:1].isalpha() else f"Part_{base}"
        number, name = 1, base
        while name.lower() in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name.lower())
        part.name = name


def _vectors(glb: Glb, index: Any, width: int) -> Points:
    values: Numbers = glb.numbers(index)
    if values.shape[1] != width:
        raise glb.refused(f"numbers that should come by {width} come by {values.shape[1]}")
    return values.astype(np.float32)


def _times(matrices: Matrix, vectors: Points) -> Points:
    product: Points = np.einsum("pij,pj->pi", matrices, vectors).astype(np.float32)
    return product


def _cofactors(linear: Matrix) -> Matrix:
    """What normals are turned by: the inverse transposed, times the determinant, also where there is no inverse."""
    a, b, c = linear[..., 0], linear[..., 1], linear[..., 2]
    return np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=-1)


def _smooth(points: Points, faces: NDArray[np.int32]) -> Points:
    """Normals of points that come without, from the triangles around them."""
    corners = points[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(points)
    for slot in range(3):
        np.add.at(normals, faces[:, slot], across)
    return normals
