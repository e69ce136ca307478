"""Live Link Face: datagrams read back by a decoder of the published format, and the header of the app's own files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from livelink_packets import decode

from aurora.face import ARKIT
from aurora.livelink import COLUMNS, CURVES, HEADER, csv_lines, curves, datagram, timecode

OF_THE_APP = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,"
    "TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)
"""The first line of files that the app recorded."""


weight = st.floats(0, 1, width=32)


@given(
    st.lists(weight, min_size=52, max_size=52), st.floats(0, 200_000), st.sampled_from([30, 60]), st.text(max_size=300)
)
@example([0.0] * 52, 1.0 - 1e-12, 30, "just before a frame")
@settings(deadline=None)
def test_a_datagram_says_what_was_put_in(weights, seconds, rate, subject) -> None:
    values = curves(np.array(weights, np.float32), seconds)
    packet = decode(datagram("A" * 36, subject, seconds, rate, values))
    assert packet.version == 6
    assert packet.device == "A" * 36
    assert packet.subject == subject.encode("ascii", "replace").decode()[:255]
    assert packet.rate == (rate, 1)
    assert packet.frame + packet.part == pytest.approx(seconds % 86_400 * rate, abs=1e-2)
    assert 0 <= packet.part < 1
    assert packet.values == values.tolist()
    assert packet.values[:52] == weights


def test_the_bytes_of_a_small_one() -> None:
    raw = datagram("d", "ab", 1.25, 30, np.arange(61, dtype=np.float32))
    assert raw[:28] == bytes.fromhex(
        "06 00000001 64 00000002 6162 00000025 3f000000 0000001e 00000001".replace(" ", "")
    )
    assert raw[28:33] == bytes.fromhex("3d 00000000".replace(" ", ""))
    assert raw[33:37] == bytes.fromhex("3f800000")
    assert len(raw) == 29 + 61 * 4


def test_a_datagram_fits_into_one_frame_of_a_network() -> None:
    assert len(datagram("A" * 36, "x" * 255, 0.0, 60, np.zeros(61, np.float32))) < 1400 - 28


def test_the_order_of_a_datagram_is_unreals_and_that_of_a_file_the_apps() -> None:
    assert [CURVES.index(name) for name in ("JawLeft", "JawRight", "MouthLeft", "MouthRight")] == [15, 16, 21, 22]
    assert (CURVES[0], CURVES[51], CURVES[52], CURVES[60]) == ("EyeBlinkLeft", "TongueOut", "HeadYaw", "RightEyeRoll")
    assert HEADER == OF_THE_APP
    assert [COLUMNS.index(name) for name in ("JawRight", "JawLeft", "MouthRight", "MouthLeft")] == [15, 16, 21, 22]


def test_a_file_puts_each_weight_under_its_name() -> None:
    pose = np.arange(52, dtype=np.float32) / 100
    header, row = csv_lines(curves(pose[None], np.zeros(1)), [0.0])
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    for place, name in enumerate(ARKIT):
        assert float(cells[name[0].upper() + name[1:]]) == pytest.approx(place / 100)
    assert cells["BlendShapeCount"] == "61"


def test_angles_turn_as_the_apps_do() -> None:
    """In recordings a look to her left has a negative yaw, one up a negative pitch."""
    pose = np.zeros(52, np.float32)
    pose[[ARKIT.index("eyeLookOutLeft"), ARKIT.index("eyeLookInRight")]] = 0.5
    pose[[ARKIT.index("eyeLookUpLeft"), ARKIT.index("eyeLookUpRight")]] = 0.4
    turned = dict(zip(CURVES, curves(pose, 0.0).tolist(), strict=True))
    for eye in ("LeftEye", "RightEye"):
        assert turned[f"{eye}Yaw"] == pytest.approx(-0.30)
        assert turned[f"{eye}Pitch"] == pytest.approx(-0.22)
        assert turned[f"{eye}Roll"] == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "00:00:00:00.000"),
        (45_000 - 1e-9, "12:30:00:00.000"),  # no 59:60
        (86_400.0, "00:00:00:00.000"),
        (86_400 - 1e-9, "00:00:00:00.000"),
        (44_867 + 31.25 / 60, "12:27:47:31.250"),
    ],
)
def test_timecodes_count_sixtieths(seconds, text) -> None:
    assert timecode(seconds) == text


def test_a_turned_head_is_added_to_its_sway() -> None:
    pose = np.zeros(52, np.float32)
    still, turned = curves(pose, 7.0), curves(pose, 7.0, (0.06, 0.1))
    yaw, pitch, roll = (turned - still)[52:55]
    assert (float(yaw), float(pitch), float(roll)) == pytest.approx((-0.1, 0.06, 0.0), abs=1e-6)
