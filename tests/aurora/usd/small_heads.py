"""Small heads for USD, with what real files have: bones, quantised and sparse numbers, pictures, colours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from glbs import Glb, moved, plate, same
from PIL import Image

from aurora.face import ARKIT


def picture(kind: str, size: int = 4, *, alpha: bool = False) -> bytes:
    """A small picture file of noise."""
    pixels = np.random.default_rng(size).integers(0, 255, (size, size, 4 if alpha else 3), np.uint8)
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, kind)
    return made.getvalue()


def add_view(glb: Glb, data: bytes) -> int:
    """Adds bytes to the file; returns their buffer view."""
    glb.blob += b"\0" * (-len(glb.blob) % 4)
    glb.gltf["bufferViews"].append({"buffer": 0, "byteOffset": len(glb.blob), "byteLength": len(data)})
    glb.blob += data
    return len(glb.gltf["bufferViews"]) - 1


def add_numbers(glb: Glb, values: np.ndarray, **more: Any) -> int:
    """An accessor of any numpy type, with glTF's name for its width."""
    kinds = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
    width = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[values.shape[1] if values.ndim > 1 else 1]
    glb.gltf["accessors"].append(
        {
            "bufferView": add_view(glb, np.ascontiguousarray(values).tobytes()),
            "componentType": kinds[values.dtype.str[1:]],
            "count": len(values),
            "type": width,
            **more,
        }
    )
    return len(glb.gltf["accessors"]) - 1


def add_sparse(glb: Glb, offsets: np.ndarray) -> int:
    """Offsets as quantised sparse numbers, of the points that move alone; the largest must be below 1."""
    where = np.flatnonzero(offsets.any(axis=1)).astype(np.uint16)
    values = np.round(offsets[where] * 32767).astype(np.int16)
    padded = np.zeros((len(values), 4), np.int16)  # no stride in sparse values: packed by threes
    padded[:, :3] = values
    entry: dict[str, Any] = {"componentType": 5122, "count": len(offsets), "type": "VEC3", "normalized": True}
    if len(where):
        entry["sparse"] = {
            "count": len(where),
            "indices": {"bufferView": add_view(glb, where.tobytes()), "componentType": 5123},
            "values": {"bufferView": add_view(glb, values.tobytes())},
        }
    glb.gltf["accessors"].append(entry)
    return len(glb.gltf["accessors"]) - 1


def bony(scale: float = 1.0) -> Glb:
    """A skinned face on body and head, eyeballs below eye nodes, a lash with a WebP; sparse and quantised shapes.

    ``scale`` is how many units of the file a metre has.
    """
    glb = Glb()
    gltf = glb.gltf
    gltf["images"] = [
        {"bufferView": add_view(glb, picture("PNG")), "mimeType": "image/png"},
        {"bufferView": add_view(glb, picture("WEBP", 8, alpha=True)), "mimeType": "image/webp"},
    ]
    gltf["textures"] = [{"source": 0}, {"extensions": {"EXT_texture_webp": {"source": 1}}}]
    gltf["materials"] = [
        {
            "name": "Skin",
            "pbrMetallicRoughness": {
                "baseColorTexture": {"index": 0},
                "metallicRoughnessTexture": {"index": 0},
                "metallicFactor": 0,
            },
            "normalTexture": {"index": 0},
        },
        {"name": "Lash", "alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorTexture": {"index": 1}}},
        {"name": "Ball", "pbrMetallicRoughness": {"baseColorFactor": [0.2, 0.3, 0.4, 1], "roughnessFactor": 0.1}},
        {"name": "Veil", "alphaMode": "MASK", "alphaCutoff": 0.25, "doubleSided": True},
    ]
    body = glb.node("Body", translation=[0, 1.0 * scale, 0])
    head = glb.node("Head", parent=body, translation=[0, 0.35 * scale, 0.0], rotation=[0, 0, 0, 1])
    points, triangles = plate()
    points = (points * scale).astype(np.float32)
    uv = ((points[:, :2] / scale - [-0.1, 1.4]) / 0.2).astype(np.float32)
    colours = np.linspace(0, 255, 4 * len(points)).astype(np.uint8).reshape(-1, 4)
    height = ((points[:, 1] / scale - 1.4) / 0.2).clip(0, 1)
    weights = np.zeros((len(points), 4), np.float32)
    weights[:, 0], weights[:, 1] = 1 - height, height
    targets = [{"POSITION": add_sparse(glb, moved(points / scale, name) * min(scale, 10))} for name in ARKIT]
    primitive = {
        "attributes": {
            "POSITION": add_numbers(glb, points),
            "TEXCOORD_0": add_numbers(glb, uv),
            "COLOR_0": add_numbers(glb, colours, normalized=True),
            "JOINTS_0": add_numbers(glb, np.tile(np.uint8([0, 1, 0, 0]), (len(points), 1))),
            "WEIGHTS_0": add_numbers(glb, weights),
        },
        "indices": add_numbers(glb, triangles.ravel()),
        "material": 0,
        "targets": targets,
    }
    gltf["meshes"].append({"name": "Face", "primitives": [primitive], "extras": {"targetNames": list(ARKIT)}})
    inverse = np.stack([np.eye(4), np.eye(4)]).astype(np.float32)
    inverse[0, 3, :3], inverse[1, 3, :3] = [0, -1.0 * scale, 0], [0, -1.35 * scale, 0]
    gltf["skins"] = [{"joints": [body, head], "inverseBindMatrices": add_numbers(glb, inverse.reshape(2, 16))}]
    glb.node("Face", mesh=0, skin=0)
    ball = np.float32([[-1, -1, 0], [1, -1, 0], [0, 1, 0]])
    tints = np.float32([[1, 0.5, 0.25, 0.5]] * 3)
    half = np.uint16([[0, 0], [65535, 0], [32768, 65535]])
    balls = [
        {
            "attributes": {"POSITION": add_numbers(glb, ball), "TEXCOORD_0": add_numbers(glb, half, normalized=True)},
            "indices": add_numbers(glb, np.uint16([0, 1, 2])),
            "material": 2,
        },
        {
            "attributes": {"POSITION": add_numbers(glb, ball), "COLOR_0": add_numbers(glb, tints)},
            "material": 3,
        },
    ]
    gltf["meshes"].append({"primitives": balls})
    for name, x in (("EyeLeft", 0.03), ("EyeRight", -0.03)):
        eye = glb.node(name, parent=head, translation=[x * scale, 0.17 * scale, 0.1 * scale])
        glb.node(f"{name}Ball", parent=eye, mesh=1, scale=[0.012 * scale] * 3)
    lash = glb.face(same(["eyeBlinkLeft", "eyeBlinkRight"]), parent=head, name="Lash", depth=0.11)
    gltf["nodes"][lash] |= {"scale": [scale] * 3, "translation": [0, -1.35 * scale, 0]}
    gltf["meshes"][-1]["primitives"][0] |= {"material": 1}
    gltf["meshes"][-1]["primitives"][0]["attributes"]["TEXCOORD_0"] = add_numbers(glb, uv)
    return glb


def written(glb: Glb, folder: Path) -> Path:
    """The head's file."""
    return glb.write(folder / "head.glb")
