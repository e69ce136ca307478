"""Each unit means what ARKit says: where it acts, which way, how far. Also, surfaces face outwards, moved ones as well.

The right side is the left one's mirror, which another test holds; so the left one is looked at here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from glb_file import Glb, Shape
from numpy.typing import NDArray

from aurora.face import ARKIT
from aurora.head import SOPHIA
from aurora.head.geometry import normals

Array = NDArray[Any]

ACTS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "eyeBlinkLeft": ((0.28, -0.93, 0.23), 7.29, 0.148), "eyeLookDownLeft": ((0.0, -0.96, -0.27), 7.31, 0.044),
    "eyeLookInLeft": ((-0.99, 0.0, 0.14), 7.26, 0.012), "eyeLookOutLeft": ((0.99, 0.01, -0.15), 7.26, 0.012),
    "eyeLookUpLeft": ((0.01, 0.99, 0.11), 7.25, 0.030), "eyeSquintLeft": ((-0.26, 0.88, 0.39), 7.17, 0.042),
    "eyeWideLeft": ((-0.08, 0.99, 0.06), 7.32, 0.043),
    "jawForward": ((0.0, -0.17, 0.98), 6.47, 0.102), "jawLeft": ((0.87, -0.06, 0.5), 6.48, 0.096),
    "jawRight": ((-0.87, -0.06, 0.5), 6.48, 0.096), "jawOpen": ((0.0, -0.71, -0.7), 6.49, 0.456),
    "mouthClose": ((0.0, 0.73, 0.68), 6.59, 0.410), "mouthFunnel": ((0.0, -0.47, 0.88), 6.65, 0.124),
    "mouthPucker": ((0.0, 0.02, 1.0), 6.63, 0.101), "mouthLeft": ((0.94, 0.26, -0.19), 6.63, 0.125),
    "mouthRight": ((-0.94, 0.26, -0.19), 6.63, 0.125), "mouthSmileLeft": ((0.47, 0.82, -0.31), 6.65, 0.215),
    "mouthFrownLeft": ((0.27, -0.96, 0.02), 6.64, 0.116), "mouthDimpleLeft": ((0.74, 0.42, -0.52), 6.61, 0.087),
    "mouthStretchLeft": ((0.79, -0.42, -0.45), 6.64, 0.101), "mouthRollLower": ((0.0, 0.92, 0.38), 6.46, 0.082),
    "mouthRollUpper": ((0.0, -0.56, -0.83), 6.69, 0.124), "mouthShrugLower": ((0.0, 0.84, 0.54), 6.51, 0.078),
    "mouthShrugUpper": ((0.0, 0.99, -0.15), 6.69, 0.062), "mouthPressLeft": ((0.81, 0.59, 0.06), 6.61, 0.124),
    "mouthLowerDownLeft": ((0.51, -0.84, 0.15), 6.49, 0.055), "mouthUpperUpLeft": ((0.29, 0.96, -0.03), 6.69, 0.069),
    "browDownLeft": ((-0.41, -0.9, 0.15), 7.48, 0.122), "browInnerUp": ((0.0, 0.99, 0.11), 7.43, 0.097),
    "browOuterUpLeft": ((0.03, 0.97, -0.24), 7.41, 0.106), "cheekPuff": ((0.0, -0.03, 1.0), 6.68, 0.159),
    "cheekSquintLeft": ((0.17, 0.98, -0.1), 6.97, 0.109), "noseSneerLeft": ((-0.07, 0.98, -0.21), 7.05, 0.100),
    "tongueOut": ((0.0, -0.1, 1.0), 6.56, 0.327),
}  # fmt: skip
"""Of her: which way its moves go on the whole, at which height they lie, and how far the farthest goes (decimetres)."""


def test_the_table_has_every_unit() -> None:
    mirrored = {name.removesuffix("Left") + "Right" for name in ACTS if name.endswith("Left")}
    assert set(ACTS) | mirrored == set(ARKIT)


@pytest.mark.parametrize("name", ACTS)
def test_a_unit_acts_where_and_as_its_name_says(head: Glb, name: str) -> None:
    way, height, far = ACTS[name]
    shape = head.shapes["Tongue" if name == "tongueOut" else "Face"]
    moves = shape.units[name]
    length = np.linalg.norm(moves, axis=1)
    x, y, _ = length @ shape.points / length.sum()
    mean = length @ moves
    assert mean @ way / np.linalg.norm(mean) / np.linalg.norm(way) > 0.93, mean
    assert y == pytest.approx(height, abs=0.04)
    assert length.max() == pytest.approx(far, rel=0.25)
    if name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
        assert x > 0.04, "it acts on the other side"


@pytest.mark.parametrize("name", ["jawOpen", "jawForward", "jawLeft", "jawRight"])
def test_lower_teeth_and_tongue_go_where_the_jaw_goes(head: Glb, name: str) -> None:
    face, way = head.shapes["Face"], np.array(ACTS[name][0])
    chin = np.linalg.norm(face.points - [0.0, 6.35, 1.42], axis=1) < 0.08
    wanted = face.units[name][chin].mean(0) @ way
    for part in ("LowerTeeth", "Tongue"):
        assert 0.4 * wanted < head.shapes[part].units[name].mean(0) @ way < 1.2 * wanted, part


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_lashes_ride_on_the_lid(head: Glb, side: str) -> None:
    """The roots of the upper lashes go down with the lid, nearly as far as its farthest point."""
    lashes, name = head.shapes["Lashes"], f"eyeBlink{side}"
    place = lashes.attributes["TEXCOORD_0"]
    roots = (place[:, 1] < 1e-3) & (np.sign(lashes.points[:, 0]) == (1.0 if side == "Left" else -1.0))
    assert lashes.units[name][roots, 1].min() < 0.7 * head.shapes["Face"].units[name][:, 1].min()


def faces_of(shape: Shape) -> Array:
    """Unit normals of the triangles, as they are wound."""
    a, b, c = (shape.points[shape.triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    return across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)


SOLID = ("Face", "EyeLeftBall", "EyeRightBall", "EyeLeftCornea", "EyeRightCornea", "UpperTeeth", "LowerTeeth", "Tongue")


@pytest.mark.parametrize("name", SOLID)
def test_surfaces_face_outwards(head: Glb, name: str) -> None:
    shape = head.shapes[name]
    facing = shape.attributes["NORMAL"]
    wound = faces_of(shape)
    solid = wound.any(1)  # those at a pole have no area
    agree = (wound * facing[shape.triangles].mean(1)).sum(1) > 0.0
    assert agree[solid].mean() > 0.99, "triangles are wound against their normals"
    front = shape.points[:, 2] > np.quantile(shape.points[:, 2], 0.85)
    assert facing[front, 2].mean() > 0.2, "what lies in front does not face the viewer"


def test_hair_faces_away_from_the_head(head: Glb) -> None:
    hair = head.shapes["Hair"]
    out = hair.points - [0.0, 7.1, 0.4]
    assert ((hair.attributes["NORMAL"] * out).sum(1) > 0.0).mean() > 0.9


def test_moved_skin_turns_its_normals_as_it_bends() -> None:
    """What a unit adds to the normals is what the moved surface says; seams, where vertices are doubled, left out."""
    face = Glb(SOPHIA.read_bytes()).shapes["Face"]
    rest = normals(face.points, face.triangles)
    whole = np.linalg.norm(rest - face.attributes["NORMAL"], axis=1) < 0.05
    for name, turns in face.turns.items():
        bent = normals(face.points + face.units[name], face.triangles) - rest
        much = whole & (np.linalg.norm(bent, axis=1) > 0.1)
        if much.sum() > 20:
            told = (turns[much] * bent[much]).sum() / (bent[much] ** 2).sum()
            assert 0.6 < told < 1.2, name  # small ones are rounded away
