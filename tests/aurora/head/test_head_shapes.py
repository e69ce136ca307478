"""What the units do to the committed heads: lips, teeth, lids, eyes, both sides alike. Lengths are decimetres."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from glb_file import Glb, Shape
from numpy.typing import NDArray
from view import reach, turned

from aurora.face import ARKIT
from aurora.head.geometry import nearest

Array = NDArray[Any]

HALF_A_MILLIMETRE = 0.005
PAIRS = [name for name in ARKIT if name.endswith("Left") and name != "mouthLeft"]
"""``mouthLeft`` moves the whole mouth, and so does ``jawLeft``: each is the mirror of its namesake as well."""


def mirrored(shape: Shape) -> tuple[Array, Array]:
    """For each vertex, the one at the same place on the other side that faces the same way; and which have one."""
    flip = np.array([-1.0, 1.0, 1.0])
    facing = shape.attributes["NORMAL"]  # closed lips lie on each other, but face each other
    here = np.concatenate([shape.points, 0.1 * facing], 1)
    index = nearest(np.concatenate([shape.points * flip, 0.1 * facing * flip], 1), here)
    apart = np.linalg.norm(shape.points[index] - shape.points * flip, axis=1)
    return index, (apart < 0.02) & (index[index] == np.arange(len(index)))


@pytest.mark.parametrize("name", [*PAIRS, "mouthLeft", "jawLeft"])
def test_left_and_right_are_alike(head: Glb, name: str) -> None:
    face = head.shapes["Face"]
    index, found = mirrored(face)
    assert found.mean() > 0.98
    other = name[: -len("Left")] + "Right"
    if name not in face.units and other not in face.units:
        pytest.skip("a unit of the eyes alone")
    apart = face.units[name] - face.units[other][index] * [-1.0, 1.0, 1.0]
    distance = np.linalg.norm(apart[found], axis=1)
    assert np.quantile(distance, 0.998) < HALF_A_MILLIMETRE
    assert distance.max() < 3 * HALF_A_MILLIMETRE  # where shut lips lie on each other, a pair may be the wrong one


def lips(head: Glb) -> tuple[Array, Array]:
    """Vertices of the front of the upper and of the lower lip near the middle: only the lower one follows the jaw."""
    face = head.shapes["Face"]
    jaw = face.units["jawOpen"][:, 1]
    mouth = (np.abs(face.points[:, 0]) < 0.16) & (face.points[:, 2] > 1.51) & (np.abs(face.points[:, 1] - 6.595) < 0.09)
    return np.flatnonzero(mouth & (jaw > -0.06)), np.flatnonzero(mouth & (jaw < -0.12))


def gap(head: Glb, **weights: float) -> float:
    """The widest opening between the lips near the middle, seen from the front."""
    upper, lower = lips(head)
    points = head.shapes["Face"].posed(**weights)
    widest = 0.0
    for x in np.linspace(-0.12, 0.12, 13):
        above, below = (ids[np.abs(points[ids, 0] - x) < 0.03] for ids in (upper, lower))
        widest = max(widest, float(points[above, 1].min() - points[below, 1].max()))
    return widest


def test_lips_meet_at_rest_and_part_with_the_jaw(head: Glb) -> None:
    assert gap(head) < HALF_A_MILLIMETRE
    assert gap(head, jawOpen=0.5) > 0.05


def test_lips_stay_together_when_only_the_jaw_opens(head: Glb) -> None:
    assert gap(head, jawOpen=0.3, mouthClose=0.3) < 0.3 * gap(head, jawOpen=0.3)


def test_lower_teeth_follow_the_jaw_and_upper_ones_do_not(head: Glb) -> None:
    lower, upper = head.shapes["LowerTeeth"], head.shapes["UpperTeeth"]
    face = head.shapes["Face"]
    chin = np.argmin(np.linalg.norm(face.points - [0.0, 6.42, 1.45], axis=1))
    opened = face.units["jawOpen"][chin, 1]
    teeth = lower.units["jawOpen"][:, 1].mean()
    assert opened < -0.2
    assert 0.5 < teeth / opened < 1.1
    assert "jawOpen" not in upper.units
    assert np.abs(head.shapes["Tongue"].units["jawOpen"]).max() > 0.1


def test_teeth_stand_behind_the_lips(head: Glb) -> None:
    upper, lower = lips(head)
    front = head.shapes["Face"].points[np.concatenate([upper, lower]), 2].max()
    for name in ("UpperTeeth", "LowerTeeth"):
        assert head.shapes[name].points[:, 2].max() < front - 0.02


def bared(head: Glb, yaw: float, **weights: float) -> float:
    """How much of the teeth is seen from ``yaw``, in square millimetres."""
    half, cells = 0.35, 256
    middle = turned(np.array([[0.0, 6.6, 1.45]]), yaw)[0]

    def front(name: str) -> Array:
        shape = head.shapes[name]
        return reach(turned(shape.posed(**weights), yaw), shape.triangles, middle, half, cells)

    face = front("Face")
    shown = sum(int((front(name) > face).sum()) for name in ("UpperTeeth", "LowerTeeth"))
    return float(shown * (200.0 * half / cells) ** 2)


@pytest.mark.parametrize("yaw", [-0.8, -0.4, 0.0, 0.4, 0.8])
def test_no_tooth_shows_between_lips_that_are_shut(head: Glb, yaw: float) -> None:
    assert bared(head, yaw) == 0.0
    assert bared(head, yaw, mouthSmileLeft=0.4, mouthSmileRight=0.4) < 0.5
    assert bared(head, yaw, mouthPressLeft=0.5, mouthPressRight=0.5) < 5.0
    assert bared(head, yaw, jawOpen=0.3) > 20.0  # else it would show none in any case


def seen(head: Glb, side: str, weight: float) -> float:
    """Share of the eyeball that no lid covers."""
    ball, face, at = head.shapes[f"Eye{side}Ball"], head.shapes["Face"], head.at(f"Eye{side}")
    blink = {f"eyeBlink{side}": weight}
    eye = reach(ball.posed(**blink), ball.triangles, at, 0.22)
    lid = reach(face.posed(**blink), face.triangles, at, 0.22)
    free = np.isnan(lid) | (eye > lid)
    return float((free & np.isfinite(eye)).sum() / np.isfinite(eye).sum())


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_lids_shut_with_the_blink(head: Glb, side: str) -> None:
    shares = [seen(head, side, weight) for weight in (0.0, 0.5, 1.0)]
    assert shares[0] > 0.25
    assert 0.3 * shares[0] < shares[1] < 0.7 * shares[0]
    assert shares[2] < 0.01


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_lids_cut_no_eye_on_their_way(head: Glb, side: str) -> None:
    """The lashes' roots stand on the lid's edge: at no weight are they deeper in the eye than at rest."""
    lashes, at = head.shapes["Lashes"], head.at(f"Eye{side}")
    place = lashes.attributes["TEXCOORD_0"]
    ours = np.sign(lashes.points[:, 0]) == np.sign(at[0])
    edge = np.flatnonzero(ours & (place[:, 1] < 1e-3) & (place[:, 0] > 0.1) & (place[:, 0] < 0.9))  # upper lid
    assert len(edge) > 20
    for layer in ("Ball", "Cornea"):
        shape = head.shapes[f"Eye{side}{layer}"]

        def depth(weight: float, shape: Shape = shape) -> Array:
            blink = {f"eyeBlink{side}": weight}
            roots = lashes.posed(**blink)[edge]
            eye = reach(shape.posed(**blink), shape.triangles, at, 0.2, 96)
            cell = np.clip((roots[:, :2] - at[:2] + 0.2) / 0.4 * 96, 0, 95).astype(int)
            return eye[cell[:, 1], cell[:, 0]] - roots[:, 2]

        rest = depth(0.0)
        for weight in (0.15, 0.3, 0.5, 0.7, 0.85, 1.0):
            assert np.nanmax(depth(weight) - np.maximum(rest, 0.0)) < HALF_A_MILLIMETRE, (layer, weight)


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_eyes_turn_about_their_middle(head: Glb, side: str) -> None:
    """A positive turn about y looks to her left (+x), one about x looks down; the ball stays in its socket."""
    ball, at = head.shapes[f"Eye{side}Ball"], head.at(f"Eye{side}")
    arms = ball.points - at
    length = np.linalg.norm(arms, axis=1)
    assert np.ptp(length[arms[:, 2] < 0.1]) < 1e-3
    sight = arms[np.argmin(np.abs(ball.attributes["TEXCOORD_0"] - 0.5).sum(1))]
    assert sight[2] > 0.7 * length.max()  # the middle of the picture looks out of the face
    turn = 0.3
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    assert (about_y @ sight)[0] > 0.03
    assert (about_x @ sight)[1] < -0.03


def test_the_eyes_are_left_and_right(head: Glb) -> None:
    left, right = head.at("EyeLeft"), head.at("EyeRight")
    assert left[0] > 0.2
    assert np.allclose(left * [-1.0, 1.0, 1.0], right, atol=0.02)


def test_lids_follow_the_gaze(head: Glb) -> None:
    """Looking down lowers the upper lid, looking up raises it."""
    lashes = head.shapes["Lashes"]
    edge = lashes.attributes["TEXCOORD_0"][:, 1] < 1e-3
    left = edge & (lashes.points[:, 0] > 0.0)
    assert lashes.units["eyeLookDownLeft"][left, 1].mean() < -0.01
    assert lashes.units["eyeLookUpLeft"][left, 1].mean() > 0.005
