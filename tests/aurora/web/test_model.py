"""A head of somebody's own is looked at before a page loads it: what will move, what is missing, why it is refused."""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from glbs import HEADS, Glb, few, full, packed, perfect_sync, presets, split, vrm0
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora import glb as reader
from aurora.face import ARKIT
from aurora.model import LOOKS, ModelRefused, check_model


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ModelRefused) as refused:
        check_model(path)
    told = str(refused.value)
    assert told.startswith(f"{path}: ")
    assert "\n" not in told
    return told.removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", HEADS)
def test_names_and_missing_are_all_of_arkit(name: str, tmp_path: Path) -> None:
    path = HEADS[name]().write(tmp_path / "head.glb")
    model = check_model(path)
    assert sorted([*model.names, *model.missing]) == sorted(ARKIT)
    assert [n for n in ARKIT if n in model.names] == list(model.names)
    assert model.size == path.stat().st_size


@pytest.mark.parametrize("name", ["full", "prefixed"])
def test_every_spelling_is_found(name: str, tmp_path: Path) -> None:
    model = check_model(HEADS[name]().write(tmp_path / "head.glb"))
    assert (model.kind, model.missing) == ("glb", ())


def test_shapes_are_gathered_from_all_meshes_and_eye_bones_look_about(tmp_path: Path) -> None:
    model = check_model(split().write(tmp_path / "head.glb"))
    assert {"tongueOut", "eyeBlinkLeft", "mouthClose", *LOOKS} <= set(model.names)
    assert "cheekPuff" in model.missing
    assert "browDownLeft" in model.missing


def test_one_eye_alone_does_not_look_about(tmp_path: Path) -> None:
    glb = split()
    next(node for node in glb.gltf["nodes"] if node["name"] == "RightEye")["name"] = "Monocle"
    assert set(LOOKS) <= set(check_model(glb.write(tmp_path / "head.glb")).missing)


def test_a_mesh_that_is_not_shown_does_not_count(tmp_path: Path) -> None:
    glb = full()
    glb.gltf["scenes"][0]["nodes"] = []
    assert "no shape jawOpen" in refusal(tmp_path / "head.glb", glb.bytes())


def test_names_that_do_not_fit_their_targets_are_none(tmp_path: Path) -> None:
    glb = full()
    glb.gltf["meshes"][0]["extras"]["targetNames"].pop()
    assert "no shape jawOpen" in refusal(tmp_path / "head.glb", glb.bytes())


def test_perfect_sync_has_all(tmp_path: Path) -> None:
    model = check_model(perfect_sync().write(tmp_path / "head.vrm"))
    assert (model.kind, model.missing) == ("vrm", ())


def test_presets_stand_in_for_shapes(tmp_path: Path) -> None:
    model = check_model(presets().write(tmp_path / "head.vrm"))
    expected = {"jawOpen", "mouthStretchLeft", "mouthStretchRight", "mouthPucker", "mouthSmileLeft", "mouthSmileRight"}
    assert set(model.names) == expected | {"mouthFunnel", "eyeBlinkLeft", "eyeBlinkRight", *LOOKS}


def test_an_old_vrm_is_understood_and_an_expression_that_moves_nothing_is_missing(tmp_path: Path) -> None:
    model = check_model(vrm0().write(tmp_path / "head.vrm"))
    assert model.kind == "vrm"
    assert {"jawOpen", "eyeBlinkRight", "cheekPuff"} <= set(model.names)
    assert "tongueOut" in model.missing


def test_a_vrm_without_vowels_is_refused(tmp_path: Path) -> None:
    glb = presets()
    del glb.gltf["extensions"]["VRMC_vrm"]["expressions"]["preset"]["oh"]
    assert refusal(tmp_path / "head.vrm", glb.bytes()).startswith("only 8 ARKit shapes")


@pytest.mark.parametrize(("count", "shown"), [(10, False), (11, True)])
def test_jaw_and_ten_more_are_the_least(count: int, shown: bool, tmp_path: Path) -> None:
    if shown:
        assert len(check_model(few(count).write(tmp_path / "head.glb")).names) == count
    else:
        told = refusal(tmp_path / "head.glb", few(count).bytes())
        assert told == "only 10 ARKit shapes; jawOpen and 10 more are needed"


def changed(change: Callable[[dict[str, Any]], object], make: Callable[[], Glb] = full) -> bytes:
    glb = make()
    glb.bytes()  # sizes are set before something is broken
    change(glb.gltf)
    return glb.bytes()


WHOLE = full().bytes()
BROKEN = {
    "not a GLB file": b"PNG\r\n" + bytes(40),
    "GLB version 1; version 2 is needed": packed(b"{}", version=1),
    "the file is cut off": WHOLE[:18],
    f"the file is cut off: {len(WHOLE) // 2} of {len(WHOLE)} bytes": WHOLE[: len(WHOLE) // 2],
    "its first chunk is not JSON": WHOLE[:16] + b"BIN\0" + WHOLE[20:],
    "its JSON is longer than the file": WHOLE[:12] + struct.pack("<I", 7_000_000) + WHOLE[16:],
    "its JSON has 4294967295 bytes; at most 8000000 are read": WHOLE[:12] + b"\xff\xff\xff\xff" + WHOLE[16:],
    "its JSON is broken": packed(b'{"asset": '),
    "its JSON is no object": packed(b"[]"),
    "not glTF 2": packed(b'{"asset": {"version": "1.0"}}'),
    "no morph targets: nothing of this face can move": packed(b'{"asset": {"version": "2.0"}}'),
    "it keeps its vertices in another file; export it as one GLB": changed(
        lambda gltf: gltf["buffers"][0].update(uri="https://example.com/head.bin")
    ),
    "it keeps its textures outside; export it as one GLB": changed(
        lambda gltf: gltf.update(images=[{"uri": "skin.png"}])
    ),
    "it is compressed (KHR_draco_mesh_compression); export it without compression": changed(
        lambda gltf: gltf.update(extensionsRequired=["KHR_draco_mesh_compression"])
    ),
    "it is compressed (KHR_draco_mesh_compression); export it without compression ": changed(
        lambda gltf: gltf.update(extensionsUsed=["KHR_draco_mesh_compression"])  # three.js stops there, needed or not
    ),
    "it is compressed (EXT_meshopt_compression); export it without compression": changed(
        lambda gltf: gltf.update(extensionsRequired=["EXT_meshopt_compression"])
    ),
    "it keeps its vertices in another file; export it as one GLB ": changed(
        lambda gltf: gltf["buffers"].append({"byteLength": 10})  # where meshopt's unpacked numbers would go
    ),
    "its vertices lie beyond the end of the file": changed(lambda gltf: gltf["buffers"][0].update(byteLength=1 << 31)),
    "a part of it lies beyond the end of the file": changed(
        lambda gltf: gltf["bufferViews"][1].update(byteOffset=1 << 31)
    ),
    "its numbers lie beyond the end of what holds them": changed(
        lambda gltf: gltf["accessors"][0].update(count=1 << 31)
    ),
    "its numbers lie beyond the end of what holds them ": changed(
        lambda gltf: gltf["accessors"][1].update(
            sparse={
                "count": 9,
                "indices": {"bufferView": 0, "byteOffset": 1 << 20, "componentType": 5123},
                "values": {"bufferView": 0},
            }
        )
    ),
    "its numbers are of a kind that glTF does not know": changed(
        lambda gltf: gltf["accessors"][0].update(componentType=[])
    ),
    "it claims more than 250 million numbers": changed(
        lambda gltf: gltf["accessors"].append({"componentType": 5126, "count": 1 << 31, "type": "VEC3"})
    ),
    "it names 50001 shapes; at most 50000 are looked at": changed(
        lambda gltf: gltf["meshes"][0]["extras"].update(targetNames=["a"] * 50_001)
    ),
    "it needs the glTF extension 'ACME\\n_heads', which the page does not know": changed(
        lambda gltf: gltf.update(extensionsRequired=["ACME\n_heads"])
    ),
    "no shape jawOpen among its 51 ARKit shapes; without it she cannot speak": changed(
        lambda gltf: gltf["meshes"][0]["extras"]["targetNames"].__setitem__(ARKIT.index("jawOpen"), "mund")
    ),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_file_that_cannot_be_shown_is_refused_with_a_reason(reason: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / "head.glb", BROKEN[reason]) == reason.strip()


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 200_000, b'{"a": NaN}', b'{"a": "\xff"}', b"1" * 9_000])
def test_json_made_to_hurt_is_broken(text: bytes, tmp_path: Path) -> None:
    assert refusal(tmp_path / "head.glb", packed(text)) == "its JSON is broken"


def test_a_text_file_is_told_which_format_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "head.gltf"
    assert refusal(path, b'{"asset": {"version": "2.0"}}') == "not a GLB file; export it as glTF binary (.glb)"


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelRefused, match="no such file or directory"):
        check_model(tmp_path / "none.glb")
    with pytest.raises(ModelRefused, match="is a directory"):
        check_model(tmp_path)
    monkeypatch.setattr(reader, "LARGEST_FILE", 1_000_000)
    assert refusal(tmp_path / "head.glb", bytes(2_500_000)) == "2 MB; at most 1 MB are sent to a page"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "head.glb")
    with pytest.raises(ModelRefused, match="no file, but a device or a pipe"):
        check_model(tmp_path / "head.glb")


@pytest.mark.timeout(60)
def test_a_mesh_that_many_nodes_show_is_looked_at_once(tmp_path: Path) -> None:
    """Nodes times shapes would be a thousand million looks."""

    def crowd(gltf: dict[str, Any]) -> None:
        mesh = gltf["meshes"][0]
        mesh["primitives"][0]["targets"] += [{}] * 40_000
        mesh["extras"]["targetNames"] += ["a"] * 40_000
        gltf["scenes"][0]["nodes"] += range(len(gltf["nodes"]), len(gltf["nodes"]) + 40_000)
        gltf["nodes"] += [{"mesh": 0}] * 40_000

    (tmp_path / "head.glb").write_bytes(changed(crowd))
    assert not check_model(tmp_path / "head.glb").missing


def test_names_in_other_languages_are_left_out(tmp_path: Path) -> None:
    def rename(gltf: dict[str, Any]) -> None:
        gltf["meshes"][0]["extras"]["targetNames"][:3] = ["まばたき左", "קריצה", "Ⅰeye\u0000Blink"]

    (tmp_path / "頭.glb").write_bytes(changed(rename))
    assert set(check_model(tmp_path / "頭.glb").missing) == set(ARKIT[:3])


def test_whole_numbers_may_be_written_as_fractions(tmp_path: Path) -> None:
    data = changed(lambda gltf: gltf["accessors"][0].update(count=float(gltf["accessors"][0]["count"])))
    (tmp_path / "head.glb").write_bytes(data)
    assert not check_model(tmp_path / "head.glb").missing


@pytest.mark.parametrize("children", [[0], [1], [-1, 7, "x", 0]])
def test_nodes_in_a_ring_are_refused_as_the_page_cannot_follow_them(children: list[Any], tmp_path: Path) -> None:
    data = changed(lambda gltf: gltf["nodes"][1].update(children=children))
    assert refusal(tmp_path / "head.glb", data) == "its nodes hang on each other in a ring"


def test_a_deep_tree_is_no_ring(tmp_path: Path) -> None:
    def deepen(gltf: dict[str, Any]) -> None:
        first = len(gltf["nodes"])
        gltf["nodes"] += [{"children": [first + n + 1]} for n in range(20_000)] + [{}]
        gltf["scenes"][0]["nodes"].append(first)

    (tmp_path / "head.glb").write_bytes(changed(deepen))
    assert not check_model(tmp_path / "head.glb").missing


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.text(max_size=3) | st.sampled_from(["jawOpen", "2.0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data(), make=st.sampled_from([full, perfect_sync, vrm0]))
def test_any_value_anywhere_is_shown_or_refused(data: st.DataObject, make: Callable[[], Glb], tmp_path: Path) -> None:
    glb = make()
    glb.bytes()
    gltf = json.loads(json.dumps(glb.gltf))
    for _ in range(data.draw(st.integers(1, 3))):
        holder: Any = gltf
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = data.draw(st.sampled_from(keys))
            if isinstance(holder[key], dict | list) and holder[key] and data.draw(st.integers(0, 3)):
                holder = holder[key]
            else:
                holder[key] = data.draw(json_values)
                break
        if not gltf:
            break
    path = tmp_path / "head.glb"
    path.write_bytes(packed(json.dumps(gltf).encode(), bytes(glb.blob)))
    with contextlib.suppress(ModelRefused):
        assert "jawOpen" in check_model(path).names


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_is_shown_or_refused(flips: list[tuple[int, int]], tmp_path: Path) -> None:
    data = bytearray(WHOLE)
    for place, value in flips:
        data[place] = value
    path = tmp_path / "head.glb"
    path.write_bytes(data)
    with contextlib.suppress(ModelRefused):
        assert "jawOpen" in check_model(path).names
