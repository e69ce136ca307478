"""A service's blendshape names become our order, whatever their spelling, order or number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.face import ARKIT
from aurora.names import MOST_NAMES, PASCAL_CASE, MouthClose, NameMap

WILD = st.floats(width=32, allow_nan=True, allow_infinity=True)


def test_pascal_case_is_what_audio2face_speaks() -> None:
    assert PASCAL_CASE[0] == "EyeBlinkLeft"
    assert PASCAL_CASE[ARKIT.index("jawOpen")] == "JawOpen"
    assert len(set(PASCAL_CASE)) == 52


def test_maps_by_name_and_ignores_what_arkit_lacks() -> None:
    weights = NameMap(["TongueTipUp", "JAWOPEN", "eyeBlinkLeft"])([0.9, 0.5, 0.25])
    assert weights[ARKIT.index("jawOpen")] == 0.5
    assert weights[0] == 0.25
    assert weights.sum() == 0.75


def test_clamps_and_replaces_what_is_no_number() -> None:
    weights = NameMap(["JawOpen", "MouthClose", "MouthFunnel", "CheekPuff"])([1.7, -0.4, float("nan"), float("inf")])
    assert weights[ARKIT.index("jawOpen")] == 1.0
    assert weights[ARKIT.index("mouthClose")] == 0.0
    assert weights[ARKIT.index("mouthFunnel")] == 0.0
    assert weights[ARKIT.index("cheekPuff")] == 1.0


def test_a_short_frame_leaves_the_rest_at_zero() -> None:
    weights = NameMap(["MouthClose", "JawOpen"], "arkit")([0.3])
    assert weights[ARKIT.index("mouthClose")] == np.float32(0.3)
    assert weights[ARKIT.index("jawOpen")] == 0.0


def test_refuses_what_is_no_face() -> None:
    with pytest.raises(ValueError, match="none of the face service's 2"):
        NameMap(["Left Arm", "Right Arm"])
    with pytest.raises(ValueError, match="1025 blendshapes"):
        NameMap(["JawOpen"] * (MOST_NAMES + 1))


@given(st.permutations(PASCAL_CASE), st.lists(WILD, max_size=60))
def test_any_order_and_any_values_give_a_pose(names: list[str], values: list[float]) -> None:
    weights = NameMap(names)(values)
    assert weights.shape == (52,)
    assert weights.dtype == np.float32
    assert ((weights >= 0) & (weights <= 1)).all()
    told = {name: np.float32(value) for name, value in zip(names, values, strict=False) if 0 <= value <= 1}
    for name, value in told.items():
        if name != "JawOpen":
            assert weights[PASCAL_CASE.index(name)] == value
    jaw, close = told.get("JawOpen", np.float32(0)), weights[ARKIT.index("mouthClose")]
    if set(names[: len(values)]) & {"JawOpen"} == set(told) & {"JawOpen"}:
        assert weights[ARKIT.index("jawOpen")] == min(np.float32(1), jaw + close)


@pytest.mark.parametrize(
    ("sense", "jaw", "close", "expected"),
    [
        ("a2f", 0.5, 0.0, (0.5, 0.0)),  # an open mouth is the same in both
        ("a2f", 0.0, 0.5, (0.5, 0.5)),  # lips that meet, half a jaw down
        ("a2f", 0.25, 0.25, (0.5, 0.25)),
        ("a2f", 0.75, 0.5, (1.0, 0.5)),  # no further than the jaw goes
        ("a2f", -1.0, 0.5, (0.5, 0.5)),
        ("a2f", 0.5, float("nan"), (0.5, 0.0)),
        ("arkit", 0.5, 0.5, (0.5, 0.5)),
        ("arkit", 0.0, 0.5, (0.0, 0.5)),
    ],
)
def test_mouth_close_comes_out_in_arkits_sense(
    sense: MouthClose, jaw: float, close: float, expected: tuple[float, float]
) -> None:
    weights = NameMap(["mouthClose", "JawOpen", "mouthPucker"], sense)([close, jaw, 0.125])
    assert (weights[ARKIT.index("jawOpen")], weights[ARKIT.index("mouthClose")]) == expected
    assert weights.sum() == sum(expected) + 0.125


def test_a_service_without_one_of_the_two_is_understood() -> None:
    assert NameMap(["jawOpen"])([0.5]).sum() == 0.5
    weights = NameMap(["mouthClose"])([0.5])
    assert (weights[ARKIT.index("jawOpen")], weights[ARKIT.index("mouthClose")]) == (0.5, 0.5)
