"""Small heads made here: a plate for a face whose shapes move patches of it, spelled as people's models spell them."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.face import ARKIT

SIDE = 12
"""Cells along a side of the face's plate."""

HUMAN_BONES = (
    "hips", "spine", "head", "leftUpperLeg", "leftLowerLeg", "leftFoot", "rightUpperLeg", "rightLowerLeg", "rightFoot",
    "leftUpperArm", "leftLowerArm", "leftHand", "rightUpperArm", "rightLowerArm", "rightHand", "leftEye", "rightEye",
)  # fmt: skip
"""What VRM asks for, and the eyes."""


def plate(depth: float = 0.1) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """A square of 0.2 m around (0, 1.5, depth), facing +z: points (n, 3) and triangles (m, 3)."""
    across, up = np.meshgrid(np.linspace(-0.1, 0.1, SIDE + 1), np.linspace(1.4, 1.6, SIDE + 1))
    points = np.stack([across.ravel(), up.ravel(), np.full(across.size, depth)], axis=1).astype(np.float32)
    corner = (np.arange(SIDE)[:, None] * (SIDE + 1) + np.arange(SIDE)).ravel()
    a, b, c, d = corner, corner + 1, corner + SIDE + 1, corner + SIDE + 2
    return points, np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)]).astype(np.uint16)


def moved(points: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Offsets of a shape: the mouth's patch goes back and down, that of an eye forwards, of a brow up."""
    side = -1.0 if name.endswith("Right") else 1.0 if name.endswith("Left") else 0.0
    at = {"e": (0.04 * side, 1.52), "b": (0.04 * side, 1.57), "c": (0.05 * side, 1.48), "n": (0.01 * side, 1.49)}
    x, y = at.get(name[0], (0.02 * side, 1.43))
    near = np.exp(-((points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2) / 0.0006).astype(np.float32)
    near[near < 0.02] = 0.0
    return near[:, None] * np.array([0.0, -0.02 if name == "jawOpen" else 0.005, -0.03], np.float32)


@dataclass
class Glb:
    """A GLB in the making; ``gltf`` is its JSON, free to be changed before :meth:`write`."""

    gltf: dict[str, Any] = field(default_factory=dict)
    blob: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.gltf |= {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "meshes": [],
            "accessors": [], "bufferViews": [], "buffers": [{}],
            "materials": [{"doubleSided": True, "pbrMetallicRoughness": {"baseColorFactor": [0.8, 0.6, 0.5, 1]}}],
        }  # fmt: skip

    def accessor(self, values: NDArray[Any], kind: str) -> int:
        """Adds numbers; returns their accessor."""
        data = np.ascontiguousarray(values).tobytes()
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.gltf["bufferViews"].append({"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)})
        self.blob += data
        entry: dict[str, Any] = {
            "bufferView": len(self.gltf["bufferViews"]) - 1,
            "componentType": {"f": 5126, "u": 5123}[values.dtype.kind],
            "count": values.size if kind == "SCALAR" else len(values),
            "type": kind,
        }
        if kind == "VEC3":
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        self.gltf["accessors"].append(entry)
        return len(self.gltf["accessors"]) - 1

    def node(self, name: str, *, parent: int | None = None, **more: Any) -> int:
        """Adds a node below ``parent``, or to the scene."""
        self.gltf["nodes"].append({"name": name, **more})
        index = len(self.gltf["nodes"]) - 1
        above = self.gltf["scenes"][0].setdefault("nodes", []) if parent is None else None
        if above is None:
            above = self.gltf["nodes"][parent].setdefault("children", [])
        above.append(index)
        return index

    def face(self, shapes: dict[str, str], *, parent: int | None = None, name: str = "Face", depth: float = 0.1) -> int:
        """Adds a plate with morph targets ``{spelling: ARKit name}``; returns its node."""
        points, triangles = plate(depth)
        normals = np.tile(np.float32([0, 0, 1]), (len(points), 1))
        primitive: dict[str, Any] = {
            "attributes": {"POSITION": self.accessor(points, "VEC3"), "NORMAL": self.accessor(normals, "VEC3")},
            "indices": self.accessor(triangles, "SCALAR"),
            "material": 0,
        }
        if shapes:
            primitive["targets"] = [{"POSITION": self.accessor(moved(points, a), "VEC3")} for a in shapes.values()]
        self.gltf["meshes"].append({"name": name, "primitives": [primitive], "extras": {"targetNames": list(shapes)}})
        return self.node(name, parent=parent, mesh=len(self.gltf["meshes"]) - 1)

    def bytes(self) -> bytes:
        """The file."""
        self.blob += b"\0" * (-len(self.blob) % 4)
        if "byteLength" not in self.gltf["buffers"][0]:
            self.gltf["buffers"][0]["byteLength"] = len(self.blob)
        return packed(json.dumps(self.gltf).encode(), bytes(self.blob))

    def write(self, path: Path) -> Path:
        """Writes the file and returns its path."""
        path.write_bytes(self.bytes())
        return path


def packed(text: bytes, blob: bytes = b"", *, version: int = 2) -> bytes:
    """A GLB file of JSON text and a binary chunk."""
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if blob:
        chunks += struct.pack("<I4s", len(blob), b"BIN\0") + blob
    return struct.pack("<4sII", b"glTF", version, 12 + len(chunks)) + chunks


def same(names: Sequence[str]) -> dict[str, str]:
    """Shapes that are spelled as ARKit spells them."""
    return {name: name for name in names}


def full() -> Glb:
    """All 52, as Apple spells them, below a node ``Head`` that nods."""
    glb = Glb()
    face = glb.face(same(ARKIT), parent=glb.node("Head", translation=[0, 1.4, 0]))
    glb.gltf["nodes"][face]["translation"] = [0, -1.4, 0]
    return glb


def prefixed() -> Glb:
    """All 52, as Maya and its exporters spell them."""
    glb = Glb()
    glb.face({f"blendShape1.{n.replace('Left', '_L').replace('Right', '_R')}": n for n in ARKIT})
    return glb


def split() -> Glb:
    """Head, teeth and lashes, each with some of the shapes, and eye bones in place of eyeLook shapes."""
    glb = Glb()
    body = glb.node("Armature")
    mouth = [n for n in ARKIT if n.startswith(("jaw", "mouth"))]
    glb.face(same([*mouth, "browInnerUp"]), parent=body, name="Wolf3D_Head")
    glb.face(same(["jawOpen", "tongueOut"]), parent=body, name="Wolf3D_Teeth", depth=0.08)
    glb.face(same(["eyeBlinkLeft", "eyeBlinkRight"]), parent=body, name="Lashes", depth=0.11)
    bone = glb.node("Head", parent=body, translation=[0, 1.5, 0])
    for name, x in (("LeftEye", 0.03), ("RightEye", -0.03)):
        glb.node(name, parent=bone, translation=[x, 0.02, 0.1])
    return glb


def _humanoid(glb: Glb) -> dict[str, int]:
    places = {"hips": [0, 0.9, 0], "spine": [0, 0.2, 0], "head": [0, 0.35, 0]}
    places |= {"leftEye": [0.03, 0.07, 0.1], "rightEye": [-0.03, 0.07, 0.1]}
    above = {"spine": "hips", "head": "spine", "leftEye": "head", "rightEye": "head"}
    bones: dict[str, int] = {}
    for bone in HUMAN_BONES:
        parent = (
            None if bone == "hips" else bones[above.get(bone, "hips" if "Leg" in bone or "Foot" in bone else "spine")]
        )
        bones[bone] = glb.node(f"J_{bone}", parent=parent, translation=places.get(bone, [0.2, 0, 0]))
    return bones


def vrm1(expressions: dict[str, Any], shapes: dict[str, str]) -> Glb:
    """A VRM 1.0 whose expressions are made of ``{"preset" | "custom": {expression: spelling of a shape}}``."""
    glb = Glb()
    bones = _humanoid(glb)
    face = glb.face(shapes)
    places = {spelling: place for place, spelling in enumerate(shapes)}

    def bound(spelling: str | None) -> dict[str, Any]:
        return {"morphTargetBinds": [{"node": face, "index": places[spelling], "weight": 1.0}]} if spelling else {}

    glb.gltf["extensionsUsed"] = ["VRMC_vrm"]
    glb.gltf["extensions"] = {
        "VRMC_vrm": {
            "specVersion": "1.0",
            "meta": {
                "name": "test",
                "version": "1",
                "authors": ["Sophia"],
                "licenseUrl": "https://vrm.dev/licenses/1.0/",
            },
            "humanoid": {"humanBones": {bone: {"node": node} for bone, node in bones.items()}},
            "lookAt": {"type": "bone", "offsetFromHeadBone": [0, 0.06, 0]},
            "expressions": {part: {name: bound(s) for name, s in given.items()} for part, given in expressions.items()},
        }
    }
    return glb


def perfect_sync() -> Glb:
    """A VRM 1.0 with the 52 as custom expressions, as Perfect Sync spells them, of shapes with names of their own."""
    shapes = {f"Fcl_{place}": name for place, name in enumerate(ARKIT)}
    custom = {name[0].upper() + name[1:]: spelling for spelling, name in shapes.items()}
    return vrm1({"custom": custom}, shapes)


def presets() -> Glb:
    """A VRM 1.0, drawn as a toon, that has VRM's own vowels, blinks and lookAt, and nothing of ARKit's."""
    moves = {"aa": "jawOpen", "ih": "mouthStretchLeft", "ou": "mouthPucker", "ee": "mouthSmileLeft"}
    moves |= {"oh": "mouthFunnel", "blinkLeft": "eyeBlinkLeft", "blinkRight": "eyeBlinkRight"}
    glb = vrm1({"preset": {name: f"Fcl_{name}" for name in moves}}, {f"Fcl_{name}": a for name, a in moves.items()})
    glb.gltf["extensions"]["VRMC_vrm"]["expressions"]["preset"]["blinkLeft"]["overrideMouth"] = "block"
    glb.gltf["extensionsUsed"].append("VRMC_materials_mtoon")
    drawn = {"specVersion": "1.0", "shadeColorFactor": [0.5, 0.4, 0.4]}
    glb.gltf["materials"][0]["extensions"] = {"VRMC_materials_mtoon": drawn}
    return glb


def vrm0() -> Glb:
    """A VRM 0 with presets, one of which moves nothing, and one Perfect Sync name."""
    glb = Glb()
    bones = _humanoid(glb)
    given = {"a": "jawOpen", "i": "mouthStretchLeft", "u": "mouthPucker", "e": "mouthSmileLeft", "o": "mouthFunnel"}
    given |= {"blink": "eyeBlinkLeft"}
    glb.face({f"Fcl_{preset}": name for preset, name in given.items()} | {"Fcl_puff": "cheekPuff"})
    groups = [
        {"name": preset.upper(), "presetName": preset, "binds": [{"mesh": 0, "index": place, "weight": 100}]}
        for place, preset in enumerate(given)
    ]
    groups.append(
        {"name": "CheekPuff", "presetName": "unknown", "binds": [{"mesh": 0, "index": len(given), "weight": 100}]}
    )
    groups.append({"name": "TongueOut", "presetName": "unknown", "binds": []})
    degrees = {"curve": [0, 0, 0, 1, 1, 1, 1, 0], "xRange": 90, "yRange": 10}
    glb.gltf["extensionsUsed"] = ["VRM"]
    glb.gltf["extensions"] = {
        "VRM": {
            "specVersion": "0.0",
            "meta": {"title": "test"},
            "humanoid": {"humanBones": [{"bone": bone, "node": node} for bone, node in bones.items()]},
            "firstPerson": {
                "lookAtTypeName": "Bone",
                **{
                    f"lookAt{way}": degrees
                    for way in ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp")
                },
            },
            "blendShapeMaster": {"blendShapeGroups": groups},
        }
    }
    return glb


def few(count: int = 5) -> Glb:
    """jawOpen and ``count - 1`` other shapes."""
    glb = Glb()
    glb.face(same(["jawOpen", *(n for n in ARKIT if n != "jawOpen")][:count]))
    return glb


HEADS = {
    "full": full, "prefixed": prefixed, "split": split, "perfect_sync": perfect_sync, "presets": presets, "vrm0": vrm0,
}  # fmt: skip
"""Heads that can be shown."""
