"""The tree of a GLB's nodes: where each one is at rest, and which of four joints it hangs on.

A head needs four: what does not move (the root), the head, and two eyes. However many bones somebody's model has, each
of its nodes follows one of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.glb import Json, objects
from aurora.model import EYES, bare_name
from aurora.usd.accessors import Glb
from aurora.usd.expressions import bones_of, looks_away

Matrix = NDArray[np.float64]

MOST_NODES = 100_000

JOINTS = ("Root", "Root/Head", "Root/Head/EyeLeft", "Root/Head/EyeRight")
ROOT, HEAD, EYE_LEFT, EYE_RIGHT = range(4)
_OF_A_VRM = {"Head": HEAD, "EyeLeft": EYE_LEFT, "EyeRight": EYE_RIGHT}

_HEADS = ("head", "jbipchead", "bip01head", "cchead", "bonehead", "headjoint")
"""What the head's node is called, letters alone; the first that is there counts."""


@dataclass(slots=True)
class Nodes:
    """``world`` is each node's matrix (column vectors) and ``joint`` its joint; both cover the nodes that are shown.

    ``places`` are where the four joints are, shape ``(4, 3)``, and ``shown`` are the nodes in order of their tree.
    """

    world: dict[int, Matrix]
    joint: dict[int, int]
    places: NDArray[np.float64]
    shown: list[int]


def read_nodes(glb: Glb) -> Nodes:
    """The nodes of the scene that is shown. Raises :class:`~aurora.glb.ModelRefused`."""
    nodes = glb.nodes
    if len(nodes) > MOST_NODES:
        raise glb.refused(f"it has {len(nodes)} nodes; at most {MOST_NODES} are read")
    world: dict[int, Matrix] = {}
    above: dict[int, int | None] = {}
    order: list[int] = []
    start = np.diag([-1.0, 1.0, -1.0, 1.0]) if looks_away(glb.json) else np.eye(4)
    waiting: list[tuple[int, int | None]] = [(index, None) for index in _roots(glb.json, len(nodes))]
    while waiting:
        index, parent = waiting.pop()
        if index in world or index >= len(nodes):
            continue  # a tree that bites its own tail
        local = _local(nodes[index])
        if local is None:
            raise glb.refused("a node stands nowhere: its place is no set of numbers")
        world[index] = (start if parent is None else world[parent]) @ local
        above[index] = parent
        order.append(index)
        waiting += [(child, index) for child in _children(nodes[index])]
    names = {index: bare_name(nodes[index].get("name")) for index in order}
    told = {index: _OF_A_VRM[bone] for index, bone in bones_of(glb.json).items() if index in world}
    special = told or _special(names)
    joint: dict[int, int] = {}
    for index in order:  # parents first
        parent = above[index]
        joint[index] = special.get(index, ROOT if parent is None else joint[parent])
    places = np.zeros((4, 3))
    for index, which in special.items():
        places[which] = world[index][:3, 3]
    for which in {EYE_LEFT, EYE_RIGHT} - set(special.values()):
        places[which] = places[HEAD]
    return Nodes(world, joint, places, order)


def _special(names: dict[int, str]) -> dict[int, int]:
    """The nodes that are the head and the eyes."""
    found: dict[int, int] = {}
    for wanted in _HEADS:
        if match := [index for index, name in names.items() if name == wanted]:
            found[match[0]] = HEAD
            break
    for side, joint in (("Left", EYE_LEFT), ("Right", EYE_RIGHT)):
        if match := [index for index, name in names.items() if EYES.get(name) == side]:
            found[match[0]] = joint
    return found


def _roots(gltf: Json, count: int) -> list[int]:
    scenes, shown = objects(gltf, "scenes"), gltf.get("scene", 0)
    if type(shown) is int and 0 <= shown < len(scenes):
        return list(_indices(scenes[shown].get("nodes")))
    nodes = objects(gltf, "nodes")
    children = {child for node in nodes for child in _children(node)}
    return [index for index in range(count) if index not in children]


def _children(node: Json) -> Iterator[int]:
    return _indices(node.get("children"))


def _indices(found: Any) -> Iterator[int]:
    if isinstance(found, list):
        yield from (index for index in found if type(index) is int and index >= 0)


def _local(node: Json) -> Matrix | None:
    """The node's own matrix; ``None`` if it is none."""
    if "matrix" in node:
        values = _floats(node["matrix"], 16)
        return None if values is None else values.reshape(4, 4).T
    move = _floats(node.get("translation", [0, 0, 0]), 3)
    turn = _floats(node.get("rotation", [0, 0, 0, 1]), 4)
    size = _floats(node.get("scale", [1, 1, 1]), 3)
    if move is None or turn is None or size is None or not turn.any():
        return None
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(turn / np.linalg.norm(turn)) * size
    matrix[:3, 3] = move
    return matrix


def rotation(quaternion: NDArray[np.float64]) -> Matrix:
    """The 3 × 3 matrix of a unit quaternion ``x, y, z, w``."""
    x, y, z, w = quaternion.tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _floats(values: object, count: int) -> NDArray[np.float64] | None:
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(type(v) in (int, float) and abs(v) < 1e9 for v in values):  # before numpy: an int may have any size
        return None
    return np.array(values, np.float64)
