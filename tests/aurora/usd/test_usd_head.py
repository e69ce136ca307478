"""A head is read from a GLB as it is seen at rest, in centimetres, whatever its file is made of, or refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from glbs import HEADS, Glb, full, moved, plate, same
from hypothesis import given, settings
from hypothesis import strategies as st
from small_heads import add_view, bony, picture, written

pytest.importorskip("PIL", reason="needs the extra usd")

from aurora.face import ARKIT
from aurora.glb import ModelRefused
from aurora.model import check_model
from aurora.turning import REACH
from aurora.usd.head import read_head
from aurora.usd.looks import Picture
from aurora.usd.nodes import EYE_LEFT, EYE_RIGHT, HEAD, rotation


@pytest.fixture(scope="module")
def bytes_of_bony():
    return bony().bytes()


def part(head, name):
    (found,) = [part for part in head.parts if part.name == name]
    return found


@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0, 1000.0])
def test_a_file_in_any_unit_comes_out_in_centimetres(tmp_path, scale) -> None:
    head = read_head(written(bony(scale), tmp_path))
    assert head.joints == pytest.approx(np.array([[0, 0, 0], [0, 135, 0], [3, 152, 10], [-3, 152, 10]]), abs=1e-3)
    points, _ = plate()
    assert part(head, "Face").points == pytest.approx(points * 100, abs=1e-3)
    assert part(head, "EyeLeftBall").points[2] == pytest.approx([3, 153.2, 10], abs=1e-3)


def test_shapes_move_what_the_file_says(tmp_path) -> None:
    head = read_head(written(bony(), tmp_path))
    assert head.names == ARKIT
    points, _ = plate()
    for name, shape in part(head, "Face").shapes.items():
        expected = moved(points, name) * 100
        assert np.array_equal(np.flatnonzero(expected.any(axis=1)), shape.where)
        assert shape.offsets == pytest.approx(expected[shape.where], abs=2e-3)  # they were quantised
    assert set(part(head, "Lash").shapes) == {"eyeBlinkLeft", "eyeBlinkRight"}


def test_every_point_is_held_by_the_four_joints(tmp_path) -> None:
    head = read_head(written(bony(), tmp_path))
    for one in head.parts:
        assert one.hold.sum(axis=1) == pytest.approx(1.0)
    face = part(head, "Face")
    assert face.hold[0].tolist() == [1, 0, 0, 0]
    assert face.hold[-1].tolist() == [0, 1, 0, 0]
    assert part(head, "EyeLeftBall").hold[:, EYE_LEFT].all()
    assert part(head, "EyeRightBall_2").hold[:, EYE_RIGHT].all()
    assert part(head, "Lash").hold[:, HEAD].all()


def test_a_posed_skin_is_where_gltf_says(tmp_path) -> None:
    """The rest pose of the nodes, not the bind pose, is what is seen: worked out here point by point."""
    glb = bony()
    turn = np.array([0.0, np.sin(0.2), 0.0, np.cos(0.2)])
    glb.gltf["nodes"][1]["rotation"] = turn.tolist()
    head = read_head(written(glb, tmp_path))
    points, _ = plate()
    height = ((points[:, 1] - 1.4) / 0.2).clip(0, 1)
    for place, point in enumerate(points.astype(np.float64)):
        by_head = np.array([0, 1.35, 0]) + rotation(turn) @ (point - [0, 1.35, 0])
        expected = (1 - height[place]) * point + height[place] * by_head
        assert part(head, "Face").points[place] == pytest.approx(expected * 100, abs=1e-3)


def test_points_that_no_triangle_has_are_left_out(tmp_path) -> None:
    glb = bony()
    corners = of_face(glb.gltf)["indices"]
    glb.gltf["accessors"][corners]["count"] = 3 * 100
    face = part(read_head(written(glb, tmp_path)), "Face")
    points, triangles = plate()
    used = np.unique(triangles[:100])
    assert np.array_equal(np.unique(face.faces), np.arange(len(used)))
    assert face.points[face.faces] == pytest.approx(points[triangles[:100]] * 100, abs=1e-3)
    assert len(face.points) == len(face.normals) == len(face.uv) == len(face.colours) == len(face.hold) == len(used)
    for name, shape in face.shapes.items():
        assert shape.offsets == pytest.approx((moved(points, name) * 100)[used[shape.where]], abs=2e-3)


def test_pictures_are_kept_or_become_png(tmp_path) -> None:
    head = read_head(written(bony(), tmp_path))
    skin, lash = part(head, "Face").look, part(head, "Lash").look
    assert skin.picture == Picture("picture0.png", picture("PNG"))
    assert lash.picture is not None
    assert lash.picture.name == "picture1.png"
    assert lash.picture.content[:4] == b"\x89PNG"
    assert (lash.alpha, part(head, "EyeLeftBall_2").look.cutoff) == ("BLEND", 0.25)
    assert head.notes == []


@pytest.mark.parametrize("broken", [b"", b"GIF89a", picture("PNG")[:40]])
def test_a_picture_that_cannot_be_read_is_left_out_and_told(tmp_path, broken) -> None:
    glb = bony()
    glb.gltf["images"][0]["bufferView"] = add_view(glb, broken)
    head = read_head(written(glb, tmp_path))
    assert part(head, "Face").look.picture is None
    assert any("picture 0" in note for note in head.notes)


@pytest.mark.parametrize("name", HEADS)
def test_what_the_page_shows_can_be_exported(tmp_path, name) -> None:
    path = written(HEADS[name](), tmp_path)
    shapes = set(check_model(path).names)
    if name in ("split", "presets", "vrm0"):
        shapes -= {shape for shape in ARKIT if shape.startswith("eyeLook")}  # their eyes turn, and need no shapes
    assert set(read_head(path).names) == shapes


def test_a_vrms_expressions_are_shapes_and_its_bones_are_joints(tmp_path) -> None:
    points, _ = plate()
    head = read_head(written(HEADS["perfect_sync"](), tmp_path))
    shape = head.parts[0].shapes["jawOpen"]
    assert shape.offsets == pytest.approx(moved(points, "jawOpen")[shape.where] * 100, abs=1e-3)
    assert head.joints[HEAD] == pytest.approx([0, 145, 0])
    assert head.joints[EYE_LEFT] == pytest.approx([3, 152, 10], abs=1e-3)


def test_a_preset_stands_in_for_what_it_resembles(tmp_path) -> None:
    points, _ = plate()
    shapes = read_head(written(HEADS["presets"](), tmp_path)).parts[0].shapes
    smile = moved(points, "mouthSmileLeft") * 100
    for name, share in (("mouthSmileLeft", 0.5), ("mouthSmileRight", 0.5)):
        assert shapes[name].offsets == pytest.approx(share * smile[shapes[name].where], abs=1e-3)
    assert shapes["jawOpen"].offsets.min() == pytest.approx(moved(points, "jawOpen").min() * 100, abs=1e-3)


def test_a_vrm_of_the_old_kind_is_turned_round(tmp_path) -> None:
    points, _ = plate()
    one = read_head(written(HEADS["vrm0"](), tmp_path)).parts[0]
    assert one.points == pytest.approx(points * [-100, 100, -100], abs=1e-3)
    assert (one.normals[:, 2] < -0.99).all()
    shape = one.shapes["cheekPuff"]
    assert shape.offsets == pytest.approx((moved(points, "cheekPuff") * [-100, 100, -100])[shape.where], abs=1e-3)


def test_the_page_turns_eyes_as_far() -> None:
    text = (Path(__file__).parents[3] / "aurora/web/src/life/gaze.js").read_text("utf-8")
    (sideways, up) = re.search(r"FULL_LOOK = .*\[([0-9.]+), ([0-9.]+)\]", text).groups()
    assert (float(up), float(sideways)) == REACH


def test_halves_of_a_brow_are_the_whole(tmp_path) -> None:
    glb = Glb()
    glb.face(same(["jawOpen"]) | {"browInnerUp_L": "browOuterUpLeft", "browInnerUp_R": "browOuterUpRight"})
    points, _ = plate()
    shape = read_head(written(glb, tmp_path)).parts[0].shapes["browInnerUp"]
    both = (moved(points, "browOuterUpLeft") + moved(points, "browOuterUpRight")) * 100
    assert shape.offsets == pytest.approx(both[shape.where], abs=1e-3)


def test_a_head_without_a_head_node_turns_about_its_throat(tmp_path) -> None:
    glb = Glb()
    glb.face(same(ARKIT))
    head = read_head(written(glb, tmp_path))
    assert head.parts[0].hold[:, HEAD].all()
    assert 139 < head.joints[HEAD, 1] < 145


def test_a_head_node_at_the_feet_is_not_what_the_head_turns_about(tmp_path) -> None:
    glb = Glb()
    glb.face(same(ARKIT), parent=glb.node("Head"))
    head = read_head(written(glb, tmp_path))
    assert 139 < head.joints[HEAD, 1] < 145
    assert (head.joints[EYE_LEFT] == head.joints[HEAD]).all()


def test_parts_have_names_of_their_own_that_usd_takes(tmp_path) -> None:
    glb = full()
    for name in ("Haar (vorn) ü", "haar_(vorn)_ü", "1", "", "a" * 300):
        glb.face({}, name=name)
        glb.gltf["nodes"][-1]["name"] = name
    names = [part.name for part in read_head(written(glb, tmp_path)).parts]
    assert len({name.lower() for name in names}) == len(names) == 6
    assert all(re.fullmatch(r"[A-Za-z]\w{0,70}", name, re.ASCII) for name in names)


def test_a_mirrored_part_keeps_its_outside(tmp_path) -> None:
    glb = full()
    glb.gltf["nodes"][0]["scale"] = [-1, 1, 1]
    one = read_head(written(glb, tmp_path)).parts[0]
    corners = one.points[one.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (across[:, 2] > 0).all()
    assert (one.normals[:, 2] > 0.99).all()


def test_normals_are_made_where_there_are_none(tmp_path) -> None:
    head = read_head(written(bony(), tmp_path))
    assert part(head, "Face").normals == pytest.approx(np.tile([0, 0, 1], (169, 1)), abs=1e-5)


def of_face(gltf) -> dict:
    return gltf["meshes"][0]["primitives"][0]


SPOILT = [
    ("beyond its buffer view", lambda g: g["accessors"][-1].update(count=10**6)),
    ("beyond the file", lambda g: g["bufferViews"][-1].update(byteLength=10**9)),
    ("a type that glTF does not know", lambda g: g["accessors"][-1].update(componentType=7)),
    ("-1 values", lambda g: g["accessors"][-1].update(count=-1)),
    ("names a mesh", lambda g: g["nodes"][2].update(mesh=99)),
    ("names an accessor", lambda g: of_face(g)["attributes"].update(POSITION="x")),
    ("names an accessor", lambda g: of_face(g)["attributes"].pop("WEIGHTS_0")),
    ("skin does not fit", lambda g: of_face(g)["attributes"].update(JOINTS_0=of_face(g)["attributes"]["TEXCOORD_0"])),
    ("points, and 3 of TEXCOORD_0", lambda g: of_face(g)["attributes"].update(TEXCOORD_0=half_of(g))),
    ("a node stands nowhere", lambda g: g["nodes"][0].update(translation=[0, "a", 0])),
    ("a node stands nowhere", lambda g: g["nodes"][0].update(rotation=[0, 0, 0, 0])),
    ("a node stands nowhere", lambda g: g["nodes"][0].update(scale=[1e300, 1, 1])),
    ("hangs on a bone", lambda g: g["skins"][0].update(joints=[0, 77])),
    ("one matrix for each bone", lambda g: g["skins"][0].update(joints=[0])),
    ("nothing of this face can speak", lambda g: g["meshes"][0].update(extras={})),
    ("a corner that is not there", lambda g: g["accessors"][of_face(g)["attributes"]["POSITION"]].update(count=9)),
]


def half_of(gltf) -> int:
    return gltf["meshes"][1]["primitives"][0]["attributes"]["TEXCOORD_0"]


@pytest.mark.parametrize(("words", "change"), SPOILT, ids=[words for words, _ in SPOILT])
def test_some_files_are_refused_in_one_line(tmp_path, words, change) -> None:
    glb = bony()
    change(glb.gltf)
    with pytest.raises(ModelRefused, match=words) as refused:
        read_head(written(glb, tmp_path))
    assert "\n" not in str(refused.value)


def zeros(gltf) -> None:
    """Shapes of 19 million points each, in a few bytes."""
    gltf["accessors"].append({"componentType": 5126, "count": 19_000_000, "type": "VEC3"})
    primitive = gltf["meshes"][0]["primitives"][0]
    primitive["attributes"] = {"POSITION": len(gltf["accessors"]) - 1}
    for target in primitive["targets"]:
        target["POSITION"] = len(gltf["accessors"]) - 1


def crowd(gltf) -> None:
    gltf["scenes"][0]["nodes"] += range(len(gltf["nodes"]), len(gltf["nodes"]) + 20_000)
    gltf["nodes"] += [{"name": "Face", "mesh": 0}] * 20_000


LIES = {
    "it has more than 100 million numbers": zeros,
    "it has more than 1000 parts": crowd,
    "no morph target moves anything": lambda gltf: [
        target.clear() for target in gltf["meshes"][0]["primitives"][0]["targets"]
    ],
    "a node stands nowhere": lambda gltf: gltf["nodes"][0].update(translation=[10**400, 0, 0]),
    "a vertex lies too far away": lambda gltf: gltf["nodes"][0].update(scale=[9e8, 9e8, 9e8]),
    "an accessor has a type that glTF does not know": lambda gltf: gltf["accessors"][0].update(componentType=[]),
    "its skin hangs on a bone": lambda gltf: (
        gltf["nodes"][1].update(skin=0)
        or gltf.update(skins=[{"joints": []}])
        or gltf["meshes"][0]["primitives"][0]["attributes"].update(JOINTS_0=0)
    ),
    "a triangle has a corner that is not there": lambda gltf: (
        gltf["accessors"][gltf["meshes"][0]["primitives"][0]["indices"]].update(componentType=5122, count=3)
        or gltf["bufferViews"][gltf["accessors"][gltf["meshes"][0]["primitives"][0]["indices"]]["bufferView"]].update(
            byteOffset=0, byteLength=6
        )
    ),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", LIES)
def test_lies_are_refused_soon_and_in_little_memory(tmp_path, words) -> None:
    glb = full()
    glb.bytes()
    LIES[words](glb.gltf)
    with pytest.raises(ModelRefused, match=words):
        read_head(written(glb, tmp_path))


def test_a_tree_that_bites_its_tail_ends(tmp_path) -> None:
    glb = full()
    glb.gltf["nodes"][1]["children"] = [0, 1]
    assert read_head(written(glb, tmp_path)).names == ARKIT


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_flipped_byte_is_read_or_refused(bytes_of_bony, tmp_path_factory, data) -> None:
    raw = bytearray(bytes_of_bony)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("flipped") / "head.glb"
    path.write_bytes(raw)
    try:
        head = read_head(path)
    except ModelRefused:
        pass
    else:
        assert all(np.isfinite(part.points).all() for part in head.parts)


@given(st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_a_file_that_is_cut_off_is_refused(bytes_of_bony, tmp_path_factory, keep) -> None:
    path = tmp_path_factory.mktemp("cut") / "head.glb"
    path.write_bytes(bytes_of_bony[:-1] if keep == 0 else bytes_of_bony[: keep * 17 % len(bytes_of_bony)])
    with pytest.raises(ModelRefused):
        read_head(path)
