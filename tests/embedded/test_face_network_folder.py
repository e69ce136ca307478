"""What is wrong with a model folder, an onnxruntime or a machine, in words that say what to do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import face_model
import numpy as np
import onnx
import pytest

from pipelines.embedded.face.network import folder as folders
from pipelines.embedded.face.network.engine import NetworkEngine, chosen
from pipelines.embedded.face.network.folder import Folder, ModelUnusable
from pipelines.embedded.face.network.session import Session
from pipelines.settings.network import NetworkSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return face_model.write(tmp_path / "model")


def why(folder: Path, **options: Any) -> str:
    """What is said of a folder that cannot be used, without the path of the test's own folder."""
    with pytest.raises(ModelUnusable) as caught:
        NetworkEngine(folder, NetworkSettings(**{"provider": "cpu", "fps": "30", **options}))
    return str(caught.value).replace(f"{folder.parent}/", "")


def without(*keys: str) -> Callable[[Any], None]:
    def alter(told: Any) -> None:
        for key in keys[:-1]:
            told = told[key]
        del told[keys[-1]]

    return alter


def setting(value: Any, *keys: str) -> Callable[[Any], None]:
    def alter(told: Any) -> None:
        for key in keys[:-1]:
            told = told[key]
        told[keys[-1]] = value

    return alter


def test_a_folder_that_is_none_and_files_that_are_missing(folder: Path) -> None:
    said = why(folder.parent / "nowhere")
    assert said.startswith(
        "face.network.folder: nowhere is no folder. A model folder of Audio2Face-3D has network.onnx"
    )
    assert said.endswith("; see docs/aurora.md")
    for name in ("network.onnx", "bs_tongue_config.json", "implicit_emo_db.npz"):
        (folder / name).rename(folder / "away")
        assert why(folder).startswith(f"face.network.folder: model has no {name}. A model folder of Audio2Face-3D has")
        (folder / "away").rename(folder / name)


def test_files_are_where_model_json_says_and_else_where_they_usually_are(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "bs_skin.npz").rename(folder / "sub/bs_skin_Claire.npz")
    face_model.change(folder / "model.json", setting("sub/bs_skin_Claire.npz", "blendshapePaths", "skin", "data"))
    assert Folder.find(folder).skin == folder / "sub/bs_skin_Claire.npz"
    assert Folder.find(folder).network == folder / "network.onnx"
    NetworkEngine(folder, NetworkSettings(provider="cpu", fps="30"))
    (folder / "sub/bs_skin_Claire.npz").rename(folder / "bs_skin.npz")
    (folder / "model.json").unlink()
    NetworkEngine(folder, NetworkSettings(provider="cpu", fps="30"))


def test_a_pointer_of_git_lfs_is_no_model(folder: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 75700000\n"
    (folder / "network.onnx").write_bytes(pointer)
    assert why(folder) == (
        f"model/network.onnx is {len(pointer)} bytes: a Git LFS pointer, not the file. Fetch it with git lfs pull, or "
        "the hub's program"
    )


@pytest.mark.parametrize(
    ("name", "alter", "said"),
    [
        ("network_info.json", setting("diffusion", "id", "type"),
         "model/network_info.json: a diffusion model (v3.0); only regression models (v2.3, v2.3.1) run here"),
        ("network_info.json", without("params"), "model/network_info.json: it has no params"),
        ("network_info.json", setting("many", "params", "num_shapes_skin"), "num_shapes_skin is 'many'"),
        ("network_info.json", setting(48_000, "audio_params", "samplerate"), "sound of 48000 Hz"),
        ("network_info.json", setting([0.0], "params", "default_emotion"), "no number for each of 10 emotions"),
        ("network_info.json", setting(9000, "audio_params", "buffer_ofs"), "cannot have its frame at 9000"),
        ("network_info.json", setting(60, "params", "num_shapes_skin"),
         "model_data.npz: shapes_matrix_skin has 52 x 400 x 3 numbers, not 60 x 400 x 3"),
        ("model_config.json", without("config", "skin_strength"), "skin_strength is None, or missing"),
        ("model_config.json", setting(True, "config", "source_frame"), "source_frame is True"),
        ("model_config.json", setting("joyful", "config", "source_shot"),
         "implicit_emo_db.npz has no shot joyful, which model_config.json names"),
        ("model_config.json", setting(40, "config", "source_frame"), "has 40 frames, and none with number 40"),
        ("bs_skin_config.json", setting(51, "blendshape_params", "numPoses"), "no number for each of 51 poses"),
        ("bs_skin_config.json", setting(0.0, "blendshape_params", "templateBBSize"), "templateBBSize is 0"),
        ("bs_skin_config.json", without("blendshape_params", "strengthSymmetry"), "strengthSymmetry is None"),
        ("bs_skin_config.json", setting([0] * 52, "blendshape_params", "bsSolveActivePoses"), "no pose is active"),
        ("model.json", setting("../elsewhere.npz", "modelDataPath"),
         "model.json: modelDataPath is '../elsewhere.npz', and should be a file of this folder"),
        ("model.json", setting("/etc/passwd", "networkInfoPath"), "should be a file of this folder"),
        ("model.json", setting("a\0b", "networkInfoPath"), "should be a file of this folder"),
        ("model.json", setting(".", "networkPath"), "should be a file of this folder"),
        ("network_info.json", setting([10**400] + 9 * [0], "params", "default_emotion"), "no number for each of 10"),
        ("model_config.json", setting(10**400, "config", "skin_strength"), "skin_strength is 1000"),
        ("bs_skin_config.json", setting(5000, "blendshape_params", "numPoses"), "numPoses is 5000; 1 to 1024"),
        ("bs_skin_config.json", setting([10**400] * 52, "blendshape_params", "bsWeightOffsets"), "no number for each"),
    ],
)  # fmt: skip
def test_what_the_small_files_get_wrong(folder: Path, name: str, alter: Callable[[Any], None], said: str) -> None:
    face_model.change(folder / name, alter)
    assert said in why(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"config": NaN}', "[" * 100_000])
def test_what_is_no_json(folder: Path, text: str) -> None:
    (folder / "model_config.json").write_text(text)
    assert re.match(r"model/model_config\.json (is not JSON: .+|holds no mapping)$", why(folder))


def test_arrays_that_are_damaged_or_of_another_face(folder: Path) -> None:
    good = (folder / "bs_skin.npz").read_bytes()
    (folder / "bs_skin.npz").write_bytes(b"hello")
    assert why(folder).startswith("model/bs_skin.npz is no npz file: ")
    (folder / "bs_skin.npz").write_bytes(good[: len(good) // 2])
    assert why(folder).startswith("model/bs_skin.npz is no npz file: ")
    spoilt = bytearray(good)
    spoilt[5000:5400] = bytes(400)
    (folder / "bs_skin.npz").write_bytes(bytes(spoilt))
    assert "model/bs_skin.npz is damaged in " in why(folder)
    with np.load(folder / "bs_tongue.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    (folder / "bs_skin.npz").write_bytes(good)
    np.savez(folder / "bs_tongue.npz", **{name: a[:70] if a.shape == (80, 3) else a for name, a in kept.items()})
    assert why(folder) == ("model/bs_tongue.npz has 70 vertices, model_data.npz 80: files of two characters are mixed")
    del kept["tongueIn"]
    np.savez(folder / "bs_tongue.npz", **kept)
    assert why(folder) == "model/bs_tongue.npz has no array tongueIn"
    np.savez(folder / "bs_tongue.npz", **{**kept, "poseNames": np.array(["neutral", "tongueUp"], "S")})
    assert "poseNames must be neutral and the 16 poses of bs_tongue_config.json" in why(folder)


def altered(path: Path, **arrays: Any) -> None:
    """The file with other arrays in the place of some of its own; a function is given the one that was there."""
    with np.load(path) as old:
        kept = {name: old[name] for name in old.files}
    np.savez(path, **kept | {name: new(kept[name]) if callable(new) else new for name, new in arrays.items()})


def nowhere(array: Any) -> Any:
    array[0, 0] = np.nan
    return array


def test_arrays_that_lie(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, arrays, said in (
        ("model_data.npz", {"shapes_mean_skin": nowhere}, "is damaged in shapes_mean_skin: it holds what is no number"),
        ("model_data.npz", {"shapes_mean_skin": np.zeros((0, 3))}, "shapes_mean_skin has 0 x 3 numbers, not any x 3"),
        ("model_data.npz", {"shapes_mean_skin": np.ones((400, 3))}, "its mean face is flat"),
        ("bs_skin.npz", {"jawOpen": lambda a: 0.0 * a}, "bs_skin.npz: its poses are mixes of each other"),
        ("bs_skin.npz", {"frontalMask": np.array([0, 400])}, "frontalMask names vertices beyond its 400"),
    ):
        good = (folder / name).read_bytes()
        altered(folder / name, **arrays)
        assert said in why(folder)
        (folder / name).write_bytes(good)
    np.savez_compressed(folder / "bs_skin.npz", poseNames=np.zeros(3_000_000, np.int8))  # 3 kB
    monkeypatch.setattr(folders, "LARGEST_ARRAYS", 2_000_000)
    assert "model/bs_skin.npz unpacks to 0.0 GB" in why(folder)
    for junk in (b"", b"PK\x05\x06" + bytes(18), b"\x93NUMPY\x01\x00\xff\xff"):
        (folder / "bs_skin.npz").write_bytes(junk)
        assert re.match(r"model/bs_skin\.npz (is no npz file: |has no array )", why(folder))


def test_an_array_that_claims_more_than_memory_holds(folder: Path) -> None:
    """The header of an array says what is made room for, before a number is read."""
    with zipfile.ZipFile(folder / "bs_skin.npz", "w") as packed:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }"
        header += b" " * (117 - len(header)) + b"\n"
        packed.writestr("poseNames.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    assert why(folder).startswith("model/bs_skin.npz is damaged in poseNames: ")


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    (folder / "bs_skin_config.json").unlink()
    os.mkfifo(folder / "bs_skin_config.json")
    assert why(folder) == "model/bs_skin_config.json is no file"


def test_a_network_that_takes_one_frame_at_a_time(folder: Path) -> None:
    network = onnx.load(folder / "network.onnx")
    for tensor in network.graph.input:
        tensor.type.tensor_type.shape.dim[0].ClearField("dim_param")
        tensor.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(network, folder / "network.onnx")
    assert why(folder).startswith("model/network.onnx does not run on what network_info.json says: ")


def test_objects_in_an_array_are_not_unpickled(folder: Path) -> None:
    np.savez(folder / "bs_skin.npz", poseNames=np.array([print], object))
    assert why(folder).startswith("model/bs_skin.npz is damaged in poseNames: Object arrays cannot be loaded")


def test_a_network_of_another_character_or_of_another_kind(folder: Path) -> None:
    onnx.save(face_model.network(total=69), folder / "network.onnx")
    assert why(folder) == (
        "model/network.onnx answers 69 numbers, network_info.json says 81: files of two characters are mixed"
    )
    model = face_model.network()
    model.graph.output[0].name = model.graph.node[-1].output[0] = "prediction"
    onnx.save(model, folder / "network.onnx")
    assert "gives prediction; a regression model of Audio2Face-3D takes input and emotion" in why(folder)
    (folder / "network.onnx").write_bytes(b"no network at all")
    assert why(folder).startswith("model/network.onnx cannot be loaded: ")


def test_nvidias_own_files_are_compared_with_their_checksums(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face_model.change(folder / "network_info.json", setting("Mark", "id", "actor"))
    face_model.change(folder / "network_info.json", setting("v2.3", "id", "version"))
    assert why(folder) == (
        "model/network.onnx is damaged (its checksum is not NVIDIA's). Download it again, or set face.network.verify "
        "to false for a model of your own"
    )
    assert NetworkEngine(folder, NetworkSettings(provider="cpu", fps="30", verify=False)).names
    known = {
        key: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for key, name in (("network", "network.onnx"), ("data", "model_data.npz"), ("skin", "bs_skin.npz"))
    }
    monkeypatch.setattr(folders, "CHECKSUMS", {("mark", "2.3"): known})
    assert NetworkEngine(folder, NetworkSettings(provider="cpu", fps="30")).names


def runtime(monkeypatch: pytest.MonkeyPatch, there: list[str], used: list[str]) -> list[Any]:
    """An onnxruntime that has the providers ``there``, and whose sessions use ``used``; what it was asked for."""
    import onnxruntime as ort

    asked: list[Any] = []

    def session(path: str, options: Any, providers: list[Any]) -> Any:
        asked.append(providers)
        real = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return SimpleNamespace(
            get_providers=lambda: used, get_inputs=real.get_inputs, get_outputs=real.get_outputs, run=real.run
        )

    stub = SimpleNamespace(
        get_available_providers=lambda: there, SessionOptions=ort.SessionOptions, InferenceSession=session
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", stub)
    return asked


CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def test_cuda_that_is_not_in_onnxruntime(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime(monkeypatch, [CPU], [CPU])
    assert why(folder, provider="cuda") == (
        "CUDA was asked for, but this onnxruntime has only CPUExecutionProvider: pip uninstall onnxruntime, then pip "
        "install onnxruntime-gpu"
    )


def test_cuda_that_falls_back_without_a_word(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime(monkeypatch, [CUDA, CPU], [CPU])
    assert "could not use it and fell back to CPUExecutionProvider" in why(folder, provider="cuda")
    notice = str(NetworkEngine(folder, NetworkSettings(fps="30", threads=2)).about()["notice"])
    assert notice.startswith("Synthetic v0 on CPU, 2 threads, since CUDA could not be used: ")


def test_a_gpu_runs_larger_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = runtime(monkeypatch, [CUDA, CPU], [CUDA, CPU])
    engine = NetworkEngine(folder)
    assert (engine.session.batch, engine.session.place) == (30, "CUDA")
    assert asked[0][0][0] == CUDA
    assert asked[0][-1] == CPU
    NetworkEngine(folder, NetworkSettings(provider="cpu"))
    assert asked[1] == [CPU]


def test_onnxruntime_that_is_not_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "onnxruntime is not installed" in why(folder)
    assert "-m pip install onnxruntime" in why(folder)


def test_how_many_frames_a_second_this_machine_keeps_up_with() -> None:
    assert [chosen(ms, "auto", "x") for ms in (2.0, 26.0, 27.0, 53.0)] == [30, 30, 15, 15]
    assert [chosen(90.0, "30", "x"), chosen(90.0, "15", "x")] == [30, 15]
    with pytest.raises(ModelUnusable) as caught:
        chosen(54.0, "auto", "Mark v2.3 on CPU, 2 threads")
    assert str(caught.value) == (
        "Mark v2.3 on CPU, 2 threads: 54 ms a frame, too slow even for 15 a second; use a GPU (face.network.provider: "
        "cuda) or the small lips (leave face.network.folder empty)"
    )


@pytest.mark.parametrize(
    ("milliseconds", "fps", "ends"),
    [
        (3.1, "auto", "CPU, 2 threads: 3 ms a frame, 30 frames a second"),
        (
            41.0,
            "auto",
            "too slow for 30 a second; network at 15 a second, the frames between interpolated",
        ),
        (41.0, "30", "41 ms a frame, 30 frames a second, and too slow for that"),
        (90.0, "15", "network at 15 a second, the frames between interpolated, and too slow for that"),
    ],
)
def test_what_is_said_at_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, milliseconds: float, fps: Any, ends: str
) -> None:
    monkeypatch.setattr(Session, "measure", lambda self: milliseconds)
    told = NetworkEngine(folder, NetworkSettings(provider="cpu", threads=2, fps=fps)).about()
    assert str(told["notice"]).endswith(ends)


def test_the_settings_are_told_to_the_process(folder: Path) -> None:
    assert NetworkSettings().arguments() == []
    full = NetworkSettings(folder=folder, provider="cuda", threads=3, fps="15", tongue=True, verify=False)
    assert full.arguments() == [
        "--network", str(folder), "--provider", "cuda", "--threads", "3", "--fps", "15", "--tongue", "--unverified"
    ]  # fmt: skip
    assert json.loads(full.model_dump_json())["folder"] == str(folder)
