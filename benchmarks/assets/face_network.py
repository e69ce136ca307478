"""A network with the layers and tensors of Audio2Face-3D's regression models, and a folder around it: random weights.

For timing only: what it says about a face is noise. The layers are those of NVIDIA's training framework (Apache-2.0):
a wav2vec 2.0 that is cut short, autocorrelation beside it, four convolutions over both, linear layers to the face.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from aurora.face import ARKIT
from pipelines.embedded.face.moods import MOODS

BUFFER, WINDOWS, FEELING = 8320, 25, 26
TONGUE, JAW, EYES = 10, 15, 4
VERTICES, MASKED, TONGUE_VERTICES = 61_520, 12_000, 5602
"""Of Mark's skin, of it in the solve (a guess: nobody has said), of the tongue."""


@dataclass(frozen=True)
class Kind:
    """What differs between the published models."""

    transformers: int
    skin: int


KINDS = {"mark": Kind(1, 272), "claire": Kind(4, 140)}
"""James has Claire's layers."""


@dataclass
class Graph:
    """Collects nodes; a call adds one and returns the name of what it gives."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    parameters: int = 0

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def constant(self, array: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(array, f"c{len(self.constants)}"))
        return str(self.constants[-1].name)

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def learned(self, array: NDArray[Any]) -> str:
        self.parameters += array.size
        return self.constant(array.astype(np.float32))

    def weight(self, *shape: int) -> str:
        fan_in = int(np.prod(shape[1:])) if len(shape) > 2 else shape[0]
        return self.learned(self.rng.standard_normal(shape) / np.sqrt(fan_in))

    def linear(self, x: str, a: int, b: int) -> str:
        return self("Add", self("MatMul", x, self.weight(a, b)), self.learned(np.zeros(b)))

    def norm(self, x: str, size: int) -> str:
        return self("LayerNormalization", x, self.learned(np.ones(size)), self.learned(np.zeros(size)), axis=-1)

    def gelu(self, x: str) -> str:
        one, half, root = (self.constant(np.array(v, np.float32)) for v in (1.0, 0.5, np.sqrt(2.0)))
        return self("Mul", self("Mul", x, self("Add", self("Erf", self("Div", x, root)), one)), half)


def speech(g: Graph, transformers: int) -> str:
    """8320 samples to 25 rows of 256: what is said."""
    x = g("Conv", "input", g.weight(512, 1, 10), strides=[5])
    scale, shift = g.learned(np.ones(512)), g.learned(np.zeros(512))
    x = g.gelu(g("InstanceNormalization", x, scale, shift, epsilon=1e-5))
    for width in (3, 3, 3, 3, 2, 2):
        x = g.gelu(g("Conv", x, g.weight(512, 512, width), strides=[2]))
    x = g.linear(g.norm(g("Transpose", x, perm=[0, 2, 1]), 512), 512, 768)
    turned = g("Transpose", x, perm=[0, 2, 1])
    place = g("Conv", turned, g.weight(768, 48, 128), g.learned(np.zeros(768)), pads=[64, 64], group=16)
    place = g("Slice", place, g.ints(0), g.ints(WINDOWS), g.ints(2))
    x = g.norm(g("Add", x, g("Transpose", g.gelu(place), perm=[0, 2, 1])), 768)
    rows = []
    for _ in range(transformers):
        q, k, v = (g("Reshape", g.linear(x, 768, 768), g.ints(0, WINDOWS, 12, 64)) for _ in range(3))
        q, v = (g("Transpose", one, perm=[0, 2, 1, 3]) for one in (q, v))
        scores = g("MatMul", g("Mul", q, g.constant(np.array(0.125, np.float32))), g("Transpose", k, perm=[0, 2, 3, 1]))
        seen = g("Transpose", g("MatMul", g("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        x = g.norm(g("Add", x, g.linear(g("Reshape", seen, g.ints(0, WINDOWS, 768)), 768, 768)), 768)
        x = g.norm(g("Add", x, g.linear(g.gelu(g.linear(x, 768, 3072)), 3072, 768)), 768)
        rows.append(x)
    blended = g("Mul", g("Sum", *rows), g.constant(np.array(1 / len(rows), np.float32)))
    return g("Transpose", g("Relu", g.linear(blended, 768, 256)), perm=[0, 2, 1])


def pitch(g: Graph) -> str:
    """The same 25 rows from 32 lags of the autocorrelation: how it is said."""
    index = (np.arange(WINDOWS)[:, None] * 320 + np.arange(640)[None, :]).reshape(-1).astype(np.int64)
    frames = g("Reshape", g("Gather", "input", g.constant(index), axis=2), g.ints(0, WINDOWS, 640))
    frames = g("Sub", frames, g("ReduceMean", frames, g.ints(2), keepdims=1))
    frames = g("Mul", frames, g.constant(np.hanning(641)[:640].astype(np.float32)))
    lags = []
    for lag in range(32):
        a = g("Slice", frames, g.ints(0), g.ints(640 - lag), g.ints(2))
        b = g("Slice", frames, g.ints(lag), g.ints(640), g.ints(2))
        lags.append(g("ReduceSum", g("Mul", a, b), g.ints(2), keepdims=1))
    y = g("Unsqueeze", g("Concat", *lags, axis=2), g.ints(1))
    for wide, wider in zip((1, 72, 108, 162), (72, 108, 162, 243), strict=True):
        kernel, bias = g.weight(wider, wide, 1, 3), g.learned(np.zeros(wider))
        y = g("Relu", g("Conv", y, kernel, bias, strides=[1, 2], pads=[0, 1, 0, 1]))
    return g("Relu", g("Conv", y, g.weight(256, 243, 1, 2), g.learned(np.zeros(256))))


def build(kind: Kind) -> tuple[onnx.ModelProto, int]:
    """The network and how many parameters it has."""
    g = Graph()
    implicit = g("Slice", "emotion", g.ints(0), g.ints(16), g.ints(2))
    explicit = g("Slice", "emotion", g.ints(16), g.ints(FEELING), g.ints(2))
    mood = g("Concat", implicit, g.linear(explicit, 10, 8), axis=2)
    x = g("Concat", g("Unsqueeze", speech(g, kind.transformers), g.ints(3)), pitch(g), axis=1)
    height, wide = WINDOWS, 512
    for _ in range(4):
        x = g("Conv", x, g.weight(256, wide, 3, 1), g.learned(np.zeros(256)), strides=[2, 1], pads=[1, 0, 1, 0])
        height, wide = (height + 1) // 2, 280
        tall = g("Expand", g("Reshape", mood, g.ints(-1, 24, 1, 1)), g.ints(1, 1, height, 1))
        x = g("Concat", g("Relu", x), tall, axis=1)
    x = g("Concat", g("Relu", g.linear(g("Reshape", x, g.ints(0, 1, -1)), 2 * 280, 256)), mood, axis=2)
    wide = kind.skin + JAW + EYES
    face, tongue = g.linear(g.linear(x, 280, wide), wide, wide), g.linear(g.linear(x, 280, TONGUE), TONGUE, TONGUE)
    skin = g("Slice", face, g.ints(0), g.ints(kind.skin), g.ints(2))
    rest = g("Slice", face, g.ints(kind.skin), g.ints(wide), g.ints(2))
    g.nodes.append(helper.make_node("Concat", [skin, tongue, rest], ["result"], axis=2))

    def tensor(name: str, size: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, size])

    given, made = [tensor("input", BUFFER), tensor("emotion", FEELING)], [tensor("result", wide + TONGUE)]
    graph = helper.make_graph(g.nodes, "random", given, made, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model, g.parameters


def write(folder: Path, name: str) -> int:
    """A whole model folder of the real size, about 300 MB; returns the network's parameters."""
    kind, rng = KINDS[name], np.random.default_rng(1)
    network, parameters = build(kind)
    onnx.save(network, folder / "network.onnx")

    def random(*shape: int) -> NDArray[np.float32]:
        return rng.standard_normal(shape, np.float32)

    def save(file: str, value: Any) -> None:
        (folder / file).write_text(json.dumps(value))

    tongue = [f"tongue{k}" for k in range(16)]
    skin, lick = 10 * random(VERTICES, 3), 2 * random(TONGUE_VERTICES, 3)
    shapes: dict[str, Any] = {pose: random(VERTICES, 3) for pose in ARKIT}
    mask = np.sort(rng.choice(VERTICES, MASKED, replace=False)).astype(np.int32)
    np.savez(
        folder / "bs_skin.npz", poseNames=np.array(["neutral", *ARKIT], "S"), neutral=skin, frontalMask=mask, **shapes
    )
    shapes = {pose: random(TONGUE_VERTICES, 3) for pose in tongue}
    np.savez(folder / "bs_tongue.npz", poseNames=np.array(["neutral", *tongue], "S"), neutral=lick, **shapes)
    save("bs_skin_config.json", _solve(52, (0.5, 0.5, 0.3), 53.45))
    save("bs_tongue_config.json", _solve(16, (1.0, 3.5, 5.0), 7.94))
    np.savez(
        folder / "model_data.npz",
        shapes_matrix_skin=random(kind.skin, VERTICES, 3), shapes_mean_skin=skin,
        lip_open_pose_delta=random(VERTICES, 3), eye_close_pose_delta=random(VERTICES, 3),
        shapes_matrix_tongue=random(TONGUE, TONGUE_VERTICES, 3), shapes_mean_tongue=lick,
    )  # fmt: skip
    np.savez(
        folder / "implicit_emo_db.npz", emo_db=random(50_000, 16), emo_spec_names=np.array(["neutral"], "S"),
        emo_spec_start=np.array([0], np.int32), emo_spec_size=np.array([50_000], np.int32),
    )  # fmt: skip
    sizes = {"num_shapes_skin": kind.skin, "num_shapes_tongue": TONGUE}
    sizes |= {"result_jaw_size": JAW, "result_eyes_size": EYES, "implicit_emotion_len": 16}
    save("network_info.json", {
        "id": {"type": "regression", "actor": f"random weights, {name}'s layers,", "version": "0"},
        "params": {**sizes, "explicit_emotions": list(MOODS), "default_emotion": [0.0] * 10},
        "audio_params": {"buffer_len": BUFFER, "buffer_ofs": BUFFER // 2, "samplerate": 16_000},
    })  # fmt: skip
    save("model_config.json", {"config": {
        "input_strength": 1.3, "lower_face_strength": 1.4, "upper_face_strength": 1.0, "lower_face_smoothing": 0.0023,
        "upper_face_smoothing": 0.001, "face_mask_level": 0.6, "face_mask_softness": 0.0085, "skin_strength": 1.1,
        "eyelid_open_offset": 0.06, "lip_open_offset": -0.03, "tongue_strength": 1.3, "tongue_height_offset": 0.0,
        "tongue_depth_offset": 0.0, "source_shot": "neutral", "source_frame": 33,
    }})  # fmt: skip
    return parameters


def _solve(poses: int, strengths: tuple[float, float, float], size: float) -> dict[str, Any]:
    l1, l2, temporal = strengths
    off = [poses == 52 and (pose.startswith("eyeLook") or pose == "tongueOut") for pose in ARKIT[:poses]]
    return {
        "blendshape_params": {
            "strengthL1regularization": l1, "strengthL2regularization": l2, "strengthTemporalSmoothing": temporal,
            "strengthSymmetry": 100.0, "numPoses": poses, "bsSolveActivePoses": [int(not one) for one in off],
            "bsSolveCancelPoses": [-1] * poses, "bsSolveSymmetryPoses": [-1] * poses,
            "bsWeightMultipliers": [1.0] * poses, "bsWeightOffsets": [0.0] * poses, "templateBBSize": size,
        }
    }  # fmt: skip
