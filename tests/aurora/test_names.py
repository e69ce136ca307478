"""A service's blendshape names become our order, whatever their spelling, order or number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.face import ARKIT
from aurora.names import MOST_NAMES, PASCAL_CASE, NameMap

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
    weights = NameMap(["MouthClose", "JawOpen"])([0.3])
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
    for name, value in zip(names, values, strict=False):
        if 0 <= value <= 1:
            assert weights[PASCAL_CASE.index(name)] == np.float32(value)
