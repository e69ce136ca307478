"""The committed files as files: structure, names, sizes, skeleton, moods."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from glb_file import Glb, Malformed

from aurora.face import ARKIT
from aurora.head import MOODS, SOPHIA, SOPHIA_LIGHT

MESHES = {
    "Face", "EyeLeftBall", "EyeLeftCornea", "EyeLeftShade", "EyeRightBall", "EyeRightCornea", "EyeRightShade",
    "Lashes", "UpperTeeth", "LowerTeeth", "Tongue", "Hair", "Blouse", "Jacket",
}  # fmt: skip
MATERIALS = {"Skin", "Eye", "Cornea", "EyeShade", "Lash", "Teeth", "Tongue", "Hair", "Blouse", "Jacket"}


def test_the_units_are_the_52_of_arkit(head: Glb) -> None:
    names = {name for shape in head.shapes.values() for name in shape.units}
    assert names == set(ARKIT)
    assert len(names) == 52


def test_whoever_shows_the_head_finds_the_names_it_needs(head: Glb) -> None:
    assert set(head.shapes) >= MESHES
    assert {shape.material for shape in head.shapes.values()} >= MATERIALS
    assert {"Body", "Head", "EyeLeft", "EyeRight"} <= set(head.nodes)
    parent = {name: head.parents.get(number) for name, number in head.nodes.items()}
    assert parent["Head"] == head.nodes["Body"]
    assert parent["EyeLeft"] == parent["EyeRight"] == parent["Hair"] == parent["LowerTeeth"] == head.nodes["Head"]


@pytest.mark.parametrize(("path", "most"), [(SOPHIA, 6.0), (SOPHIA_LIGHT, 2.0)], ids=["full", "light"])
def test_the_files_are_small(path: Path, most: float) -> None:
    assert path.stat().st_size <= most * 1e6


def test_the_units_move_and_bend_the_light() -> None:
    full = Glb(SOPHIA.read_bytes())
    face = full.shapes["Face"]
    assert set(face.turns) == set(face.units)
    for name, moves in face.units.items():
        assert np.abs(moves).max() > 0.01, f"{name} moves nothing by more than a millimetre"
    assert np.abs(face.turns["mouthSmileLeft"]).max() > 0.1


def test_the_neck_bends_and_the_chest_stays(head: Glb) -> None:
    face = head.shapes["Face"]
    joints, weights = face.attributes["JOINTS_0"], face.attributes["WEIGHTS_0"]
    assert np.allclose(weights.sum(1), 1.0, atol=1e-6)
    assert joints.max() < len(head.json["skins"][0]["joints"])
    share = (weights * (joints == head.json["skins"][0]["joints"].index(head.nodes["Head"]))).sum(1)
    height = face.points[:, 1]
    assert (share[height > 6.5] == 1.0).all()
    assert (share[height < 5.6] == 0.0).all()
    assert 0.0 < share[(height > 5.9) & (height < 6.2)].mean() < 1.0


def test_pictures_are_what_they_say(head: Glb) -> None:
    assert head.json["images"]
    for image in head.json["images"]:
        view = head.json["bufferViews"][image["bufferView"]]
        begin = head.blob[view["byteOffset"] :][:12]
        assert begin[:3] == b"\xff\xd8\xff" if image["mimeType"] == "image/jpeg" else begin[8:] == b"WEBP"


def test_moods_are_mixes_of_units_and_a_turn_of_the_head() -> None:
    moods = json.loads(MOODS.read_text("utf-8"))
    assert {"joy", "sadness", "surprise", "anger", "disgust", "fear", "attentive", "thinking"} <= set(moods)
    for name, mood in moods.items():
        assert set(mood) == {"weights", "head"}, name
        assert set(mood["weights"]) <= set(ARKIT)
        assert all(0.0 < weight <= 1.0 for weight in mood["weights"].values())
        assert len(mood["head"]) == 3
        assert all(abs(angle) < 0.5 for angle in mood["head"])


def test_each_mood_can_be_told_from_the_others() -> None:
    moods = json.loads(MOODS.read_text("utf-8"))
    vectors = {name: np.array([mood["weights"].get(unit, 0.0) for unit in ARKIT]) for name, mood in moods.items()}
    for name, vector in vectors.items():
        others = [np.linalg.norm(vector - other) for key, other in vectors.items() if key != name]
        assert np.linalg.norm(vector) > 0.3
        assert min(others) > 0.3, name


def _broken(raw: bytes, change: str) -> bytes:
    """The file with one fault in its JSON."""
    size = struct.unpack_from("<I", raw, 12)[0]
    told = json.loads(raw[20 : 20 + size])
    if change == "view":
        told["bufferViews"][3]["byteLength"] += len(raw)
    elif change == "bounds":
        next(entry for entry in told["accessors"] if "max" in entry)["max"][0] += 1.0
    elif change == "names":
        told["meshes"][0]["extras"]["targetNames"].pop()
    elif change == "parent":
        told["nodes"][0]["children"].append(told["nodes"][1]["children"][0])
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + raw[20 + size :]
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks


@pytest.mark.parametrize("change", ["view", "bounds", "names", "parent"])
def test_the_reader_refuses_what_is_broken(change: str) -> None:
    with pytest.raises(Malformed):
        Glb(_broken(SOPHIA_LIGHT.read_bytes(), change))
