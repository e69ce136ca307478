"""Reads a GLB strictly: every rule of glTF 2.0 that the head relies on is checked while reading."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
WIDEST = {"<i1": 127.0, "<u1": 255.0, "<i2": 32767.0, "<u2": 65535.0}


class Malformed(AssertionError):
    """What the file breaks."""


def demand(holds: object, what: str) -> None:
    if not holds:
        raise Malformed(what)


@dataclass(frozen=True)
class Shape:
    """One mesh in coordinates of the world, with the moves of its units by name."""

    name: str
    material: str
    points: Array
    triangles: Array
    attributes: dict[str, Array]
    units: dict[str, Array]
    turns: dict[str, Array]

    def posed(self, **weights: float) -> Array:
        points = self.points.copy()
        for name, weight in weights.items():
            if name in self.units:
                points += weight * self.units[name]
        return points


class Glb:
    def __init__(self, raw: bytes) -> None:
        demand(len(raw) >= 20, "too short for a header")
        magic, version, length = struct.unpack_from("<III", raw)
        demand(magic == 0x46546C67 and version == 2, "magic or version")
        demand(length == len(raw), "the header's length is not the file's")
        size, kind = struct.unpack_from("<II", raw, 12)
        demand(kind == 0x4E4F534A and size % 4 == 0, "the first chunk is not padded JSON")
        self.json: dict[str, Any] = json.loads(raw[20 : 20 + size])
        rest, kind = struct.unpack_from("<II", raw, 20 + size)
        demand(kind == 0x004E4942 and 28 + size + rest == len(raw), "the second chunk is not the rest")
        self.blob = raw[28 + size :]
        demand(self.json["buffers"] == [{"byteLength": len(self.blob)}], "one buffer, and it is the chunk")
        for number, view in enumerate(self.json["bufferViews"]):
            demand(view["byteOffset"] + view["byteLength"] <= len(self.blob), f"view {number} leaves the buffer")
        for key in self.json.get("extensionsRequired", []):
            demand(key in self.json["extensionsUsed"], f"{key} is required but not used")
        self.parents: dict[int, int] = {}
        for number, node in enumerate(self.json["nodes"]):
            for child in node.get("children", []):
                demand(child not in self.parents and child != number, f"node {child} has two parents")
                self.parents[child] = number
        roots = set(self.json["scenes"][0]["nodes"])
        demand(roots == set(range(len(self.json["nodes"]))) - set(self.parents), "the scene lists the roots")
        self.nodes: dict[str, int] = {node["name"]: number for number, node in enumerate(self.json["nodes"])}
        demand(len(self.nodes) == len(self.json["nodes"]), "node names are unique")
        self.shapes: dict[str, Shape] = {}
        for number, node in enumerate(self.json["nodes"]):
            if "mesh" in node:
                shape = self._shape(number, node)
                self.shapes[shape.name] = shape
        for skin in self.json.get("skins", []):
            matrices = self.accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4)
            demand(len(matrices) == len(skin["joints"]), "one matrix a joint")
            for joint, matrix in zip(skin["joints"], matrices, strict=True):
                demand(np.allclose(matrix[3, :3], -self.at(joint), atol=1e-5), "inverse bind undoes the joint")
                demand(np.allclose(matrix[:3, :3], np.eye(3)), "joints are not turned at rest")

    def at(self, node: int | str) -> Array:
        """Where a node is in the world."""
        number = self.nodes[node] if isinstance(node, str) else node
        here = np.array(self.json["nodes"][number].get("translation", [0.0, 0.0, 0.0]))
        return here + (self.at(self.parents[number]) if number in self.parents else 0.0)

    def _bytes(self, view: int, offset: int, shape: tuple[int, int], kind: str, vertices: bool = False) -> Array:
        count, columns = shape
        entry = self.json["bufferViews"][view]
        item = np.dtype(kind).itemsize
        stride = entry.get("byteStride", item * columns)
        start = entry["byteOffset"] + offset
        demand(start % item == 0, "an accessor is not aligned to its component")
        if vertices:
            demand(start % 4 == 0 and stride % 4 == 0, "a vertex attribute is not aligned to four bytes")
        demand(offset + stride * (count - 1) + item * columns <= entry["byteLength"], "an accessor leaves its view")
        rows = np.ndarray((count, columns), kind, self.blob, start, (stride, item))
        return np.array(rows)

    def accessor(self, number: int, vertices: bool = False) -> Array:
        entry = self.json["accessors"][number]
        kind, columns, count = COMPONENTS[entry["componentType"]], COLUMNS[entry["type"]], entry["count"]
        demand(count > 0, "an accessor is empty")
        if "bufferView" in entry:
            values = self._bytes(entry["bufferView"], entry.get("byteOffset", 0), (count, columns), kind, vertices)
        else:
            values = np.zeros((count, columns), kind)
        if "sparse" in entry:
            sparse = entry["sparse"]
            where = sparse["indices"]
            index = self._bytes(where["bufferView"], 0, (sparse["count"], 1), COMPONENTS[where["componentType"]])
            demand((np.diff(index[:, 0].astype(int)) > 0).all(), "sparse indices rise")
            demand(index.max() < count, "a sparse index is out of range")
            values[index[:, 0]] = self._bytes(sparse["values"]["bufferView"], 0, (sparse["count"], columns), kind)
        for bound, found in (("min", values.min(0)), ("max", values.max(0))):
            if bound in entry:
                demand(np.allclose(entry[bound], found), f"accessor {number}: {bound} is not what is there")
        if kind == "<f4":
            demand(np.isfinite(values).all(), "not a number")
        if entry.get("normalized"):
            return np.maximum(values / WIDEST[kind], -1.0)
        return values

    def _shape(self, number: int, node: dict[str, Any]) -> Shape:
        mesh = self.json["meshes"][node["mesh"]]
        (surface,) = mesh["primitives"]
        demand("min" in self.json["accessors"][surface["attributes"]["POSITION"]], "positions have bounds")
        found = {name: self.accessor(index, vertices=True) for name, index in surface["attributes"].items()}
        count = len(found["POSITION"])
        demand({len(values) for values in found.values()} == {count}, f"{mesh['name']}: attributes of one length")
        length = np.linalg.norm(found["NORMAL"], axis=1)
        demand(((length > 0.97) & (length < 1.03)).all(), f"{mesh['name']}: normals are of length 1")
        corners = self.accessor(surface["indices"])[:, 0].astype(int)
        demand(len(corners) % 3 == 0 and corners.max() < count, f"{mesh['name']}: indices")
        names = mesh.get("extras", {}).get("targetNames", [])
        targets = surface.get("targets", [])
        demand(len(names) == len(set(names)) == len(targets) == len(mesh.get("weights", [])), "a name for each unit")
        scale = np.array(node.get("scale", [1.0, 1.0, 1.0]))
        demand("skin" not in node or (number not in self.parents and (scale == 1.0).all()), "skinned meshes are roots")
        for target in targets:
            demand({len(self.accessor(index)) for index in target.values()} == {count}, "units of one length")
        return Shape(
            mesh["name"], self.json["materials"][surface["material"]]["name"],
            found["POSITION"] * scale + self.at(number), corners.reshape(-1, 3), found,
            {name: self.accessor(target["POSITION"]) * scale for name, target in zip(names, targets, strict=True)},
            {n: self.accessor(t["NORMAL"]) for n, t in zip(names, targets, strict=True) if "NORMAL" in t},
        )  # fmt: skip


def read(path: Path) -> Glb:
    return Glb(path.read_bytes())
