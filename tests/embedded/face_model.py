"""A model folder with the names, keys and shapes of NVIDIA's files, whose answers are known. No file of NVIDIA's.

Its network answers, for each of the first 52 coefficients, the mean of |sound| in one slice of the window, plus the
emotions times a table. Its principal components are the blendshapes' own deltas. So sound whose slice ``k`` has the
level .3 has to come out as the weight .3 of pose ``k``, after a fold and a solve that know nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aurora.face import ARKIT

EMOTIONS = ("amazement", "anger", "cheekiness", "disgust", "fear", "grief", "joy", "outofbreath", "pain", "sadness")
TONGUE = (
    "tongueTipUp", "tongueTipDown", "tongueTipLeft", "tongueTipRight", "tongueRollUp", "tongueRollDown",
    "tongueRollLeft", "tongueRollRight", "tongueUp", "tongueDown", "tongueLeft", "tongueRight", "tongueIn",
    "tongueStretch", "tongueWide", "tongueNarrow",
)  # fmt: skip
OFF = [k for k, name in enumerate(ARKIT) if name.startswith("eyeLook") or name == "tongueOut"]
SLICES, SLICE, BUFFER = 52, 160, 8320
VERTICES, TONGUE_VERTICES = 400, 80
SMILES = (ARKIT.index("mouthSmileLeft"), ARKIT.index("mouthSmileRight"))

PLAIN = {
    "input_strength": 1.0, "lower_face_strength": 1.0, "upper_face_strength": 1.0, "lower_face_smoothing": 0.0,
    "upper_face_smoothing": 0.0, "face_mask_level": 0.6, "face_mask_softness": 0.0085, "skin_strength": 1.0,
    "eyelid_open_offset": 0.0, "lip_open_offset": 0.0, "tongue_strength": 1.0, "tongue_height_offset": 0.0,
    "tongue_depth_offset": 0.0, "source_shot": "g2a_neutral", "source_frame": 33,
}  # fmt: skip
"""A configuration that changes nothing."""


def write(folder: Path, *, regular: bool = False, delay: int = 0, **config: Any) -> Path:
    """Writes the folder and returns it.

    ``regular`` switches the solve's regularisers on, with NVIDIA's strengths. ``delay`` adds so many multiplications of
    large matrices to the network, to make it slow. ``config`` goes into ``model_config.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)

    def save(name: str, value: Any) -> None:
        (folder / name).write_text(json.dumps(value))

    def points(n: int) -> np.ndarray:
        p = rng.uniform(-1, 1, (n, 3)) * [9.0, 12.0, 10.0]
        p[0], p[1] = [-9, -12, -10], [9, 12, 10]
        return p.astype(np.float32)

    def deltas(n: int, count: int) -> np.ndarray:
        return rng.standard_normal((count, n, 3)).astype(np.float32)

    face, faces = points(VERTICES), deltas(VERTICES, 52)
    lick, licks = points(TONGUE_VERTICES), deltas(TONGUE_VERTICES, 16)
    mask = np.sort(rng.choice(VERTICES, VERTICES // 2, replace=False)).astype(np.int32)
    save("bs_skin_config.json", _solver(face, 52, OFF, (0.5, 0.5, 0.3) if regular else None, pairs=[(0, 7)]))
    save("bs_tongue_config.json", _solver(lick, 16, [], (1.0, 3.5, 5.0) if regular else None, pairs=[]))
    _shapes(folder / "bs_skin.npz", ARKIT, face, faces, frontalMask=mask)
    _shapes(folder / "bs_tongue.npz", TONGUE, lick, licks)
    arrays = {
        "shapes_matrix_skin": faces, "shapes_mean_skin": face, "shapes_matrix_tongue": licks[:10],
        "shapes_mean_tongue": lick, "lip_open_pose_delta": 0.01 * deltas(VERTICES, 1)[0],
        "eye_close_pose_delta": 0.01 * deltas(VERTICES, 1)[0], "neutral_jaw": points(5),
        "saccade_rot_matrix": np.zeros((5000, 2), np.float32),
    }  # fmt: skip
    np.savez(folder / "model_data.npz", **arrays)
    database = np.zeros((40, 16), np.float32)
    database[33, 0] = 1.0
    np.savez(
        folder / "implicit_emo_db.npz", emo_db=database, emo_spec_names=np.array(["g2a_neutral"], "S"),
        emo_spec_start=np.array([0], np.int32), emo_spec_size=np.array([40], np.int32),
    )  # fmt: skip
    save("network_info.json", INFO)
    save("model_config.json", {"config": {**PLAIN, **config}})
    save("model.json", {"networkInfoPath": "network_info.json", "networkPath": "network.trt",
                        "modelConfigPath": "model_config.json", "modelDataPath": "model_data.npz",
                        "emotionDatabasePath": "implicit_emo_db.npz",
                        "blendshapePaths": {part: {"config": f"bs_{part}_config.json", "data": f"bs_{part}.npz"}
                                            for part in ("skin", "tongue")}})  # fmt: skip
    onnx.save(network(delay=delay), folder / "network.onnx")
    return folder


INFO: dict[str, Any] = {
    "id": {"type": "regression", "actor": "synthetic", "version": "0", "output": "geometry"},
    "params": {"implicit_emotion_len": 16, "explicit_emotions": list(EMOTIONS), "default_emotion": [0.0] * 10,
               "num_shapes_skin": 52, "num_shapes_tongue": 10, "num_verts_skin": VERTICES,
               "num_verts_tongue": TONGUE_VERTICES, "result_jaw_size": 15, "result_eyes_size": 4},
    "audio_params": {"buffer_len": BUFFER, "buffer_ofs": BUFFER // 2, "samplerate": 16_000},
}  # fmt: skip


def network(total: int = 81, delay: int = 0) -> onnx.ModelProto:
    """Slices of |sound| to the first coefficients; joy to the smiles, the implicit first to the tongue."""
    constants = {
        "shape": np.array([0, 1, SLICES, SLICE], np.int64),
        "axes": np.array([3], np.int64),
        "spread": np.eye(SLICES, total, dtype=np.float32),
        "table": np.zeros((26, total), np.float32),
    }
    constants["table"][16 + EMOTIONS.index("joy"), SMILES] = 0.5
    constants["table"][0, 52 + TONGUE.index("tongueUp")] = 0.25
    node = helper.make_node
    nodes = [
        node("Abs", ["input"], ["loud"]),
        node("Reshape", ["loud", "shape"], ["slices"]),
        node("ReduceMean", ["slices", "axes"], ["levels"], keepdims=0),
        node("MatMul", ["levels", "spread"], ["heard"]),
        node("MatMul", ["emotion", "table"], ["felt"]),
        node("Add", ["heard", "felt"], ["result" if not delay else "quick"]),
    ]
    if delay:  # zeros times a large matrix, again and again: nothing changes but the time it takes
        constants |= {"large": np.zeros((2000, 2000), np.float32), "widen": np.zeros((26, 2000), np.float32)}
        constants["narrow"] = np.zeros((2000, total), np.float32)
        nodes.append(node("MatMul", ["emotion", "widen"], ["w0"]))
        nodes += [node("MatMul", [f"w{k}", "large"], [f"w{k + 1}"]) for k in range(delay)]
        nodes += [node("MatMul", [f"w{delay}", "narrow"], ["none"]), node("Add", ["quick", "none"], ["result"])]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(
        nodes, "synthetic", [_tensor("input", BUFFER), _tensor("emotion", 26)], [_tensor("result", total)], tensors
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def change(path: Path, alter: Callable[[Any], Any]) -> None:
    """Rewrites a JSON file of the folder."""
    told = json.loads(path.read_text())
    path.write_text(json.dumps(alter(told) or told))


def window(**levels: float) -> np.ndarray:
    """A window of sound in which the slice of each named pose has a level."""
    sound = np.zeros((SLICES, SLICE), np.float32)
    for name, level in levels.items():
        sound[ARKIT.index(name)] = level
    return sound.reshape(BUFFER)


def _tensor(name: str, size: int) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, size])


def _shapes(path: Path, names: Any, neutral: np.ndarray, moved: np.ndarray, **more: Any) -> None:
    poses = dict(zip(names, moved, strict=True))
    named = np.array(["neutral", *names], "S")
    np.savez(path, poseNames=named, neutral=neutral, rig_version=np.array("synthetic"), **poses, **more)


def _solver(neutral: np.ndarray, count: int, off: list[int], strengths: Any, pairs: list[tuple[int, int]]) -> Any:
    l1, l2, temporal = strengths or (0.0, 0.0, 0.0)
    symmetry = [-1] * count
    for group, pair in enumerate(pairs):
        for k in pair:
            symmetry[k] = group
    return {
        "blendshape_params": {
            "strengthL1regularization": l1, "strengthL2regularization": l2, "strengthTemporalSmoothing": temporal,
            "strengthSymmetry": 100.0 if strengths else 0.0, "numPoses": count,
            "bsSolveActivePoses": [int(k not in off) for k in range(count)], "bsSolveCancelPoses": [-1] * count,
            "bsSolveSymmetryPoses": symmetry, "bsWeightMultipliers": [1.0] * count, "bsWeightOffsets": [0.0] * count,
            "templateBBSize": float(np.linalg.norm(np.ptp(neutral, axis=0))),
        }
    }  # fmt: skip
