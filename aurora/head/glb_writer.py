"""Writes a person as binary glTF 2.0: node tree, one skin, quantised sparse blendshapes, JPEG and WebP pictures.

Extensions: ``KHR_mesh_quantization`` for all, ``EXT_texture_webp`` for pictures with alpha.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.head.geometry import Floats, Ints, triangles
from aurora.head.model import Material, Mesh, Node, Person, Unit

_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
_COMPONENTS = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}

Array = NDArray[Any]


def write(person: Person, least: float = 1e-3) -> bytes:
    """The file's bytes. Vertices that a unit moves by less than ``least`` decimetres stay where they are."""
    return _Writer(person, least).file()


def _shorts(values: Floats) -> Array:
    return np.round(np.clip(values, -1.0, 1.0) * 32767).astype("<i2")


def _signed_bytes(values: Floats) -> Array:
    return np.round(np.clip(values, -1.0, 1.0) * 127).astype("i1")


def _bytes(values: Floats) -> Array:
    return np.round(np.clip(values, 0.0, 1.0) * 255).astype("u1")


class _Writer:
    def __init__(self, person: Person, least: float) -> None:
        self._least = least
        self._blob = bytearray()
        self._json: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "aurora.head"},
            "scene": 0,
            "scenes": [{"nodes": [], "name": person.name}],
            "nodes": [], "meshes": [], "materials": [], "accessors": [], "bufferViews": [],
            "textures": [], "images": [], "samplers": [{"magFilter": 9729, "minFilter": 9987}],
            "extensionsUsed": ["KHR_mesh_quantization"],
            "extensionsRequired": ["KHR_mesh_quantization"],
        }  # fmt: skip
        self._pictures: dict[bytes, int] = {}
        self._nodes: dict[str, tuple[int, Floats]] = {}
        for node in person.nodes:
            self._node(node)
        if any(mesh.head is not None for mesh in person.meshes):
            self._skin("Body", "Head")
        index = {material.name: self._material(material) for material in person.materials}
        for mesh in person.meshes:
            self._mesh(mesh, index[mesh.material])

    def file(self) -> bytes:
        """Header, JSON chunk, binary chunk."""
        self._pad()
        self._json["buffers"] = [{"byteLength": len(self._blob)}]
        for empty in [key for key, value in self._json.items() if value == []]:
            del self._json[empty]
        text = json.dumps(self._json, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        chunks += struct.pack("<II", len(self._blob), 0x004E4942) + bytes(self._blob)
        return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks

    def _pad(self) -> None:
        self._blob += b"\0" * (-len(self._blob) % 4)

    def _add(self, kind: str, entry: dict[str, Any]) -> int:
        self._json[kind].append(entry)
        return len(self._json[kind]) - 1

    def _view(self, raw: bytes, stride: int = 0) -> int:
        self._pad()
        view = {"buffer": 0, "byteOffset": len(self._blob), "byteLength": len(raw)}
        if stride:
            view["byteStride"] = stride
        self._blob += raw
        return self._add("bufferViews", view)

    def _accessor(self, values: Array, *, share: bool = False, bounds: bool = False) -> int:
        """``share``: integers stand for 0..1 or -1..1. Rows are padded to four bytes, as vertex attributes must."""
        columns = values.shape[1] if values.ndim > 1 else 1
        stride = 0
        raw = np.ascontiguousarray(values)
        if columns > 1 and values.itemsize * columns % 4:
            stride = -(-values.itemsize * columns // 4) * 4
            raw = np.zeros((len(values), stride // values.itemsize), values.dtype)
            raw[:, :columns] = values
        entry = {
            "bufferView": self._view(raw.tobytes(), stride), "componentType": _COMPONENTS[values.dtype.name],
            "count": len(values), "type": _TYPES[columns],
        }  # fmt: skip
        if share:
            entry["normalized"] = True
        if bounds:
            entry |= {"min": np.atleast_1d(values.min(0)).tolist(), "max": np.atleast_1d(values.max(0)).tolist()}
        return self._add("accessors", entry)

    def _sparse(self, where: int | None, values: Array, count: int) -> int:
        """One attribute of a unit: the vertices that move. ``where``: the view of their indices, shared by two."""
        entry: dict[str, Any] = {
            "componentType": _COMPONENTS[values.dtype.name], "count": count, "type": "VEC3", "normalized": True,
        }  # fmt: skip
        if where is not None:
            entry["sparse"] = {
                "count": len(values),
                "indices": {"bufferView": where, "componentType": 5123 if count < 65536 else 5125},
                "values": {"bufferView": self._view(np.ascontiguousarray(values).tobytes())},
            }
        if len(values) < count:  # the vertices that rest count for the bounds
            values = np.concatenate([values, np.zeros((1, 3), values.dtype)])
        entry |= {"min": values.min(0).astype(float).tolist(), "max": values.max(0).astype(float).tolist()}
        return self._add("accessors", entry)

    def _picture(self, raw: bytes) -> dict[str, Any]:
        if raw not in self._pictures:
            webp = raw[8:12] == b"WEBP"
            kind = "image/webp" if webp else "image/jpeg"
            image = self._add("images", {"bufferView": self._view(raw), "mimeType": kind})
            texture: dict[str, Any] = {"sampler": 0}
            if webp:
                texture["extensions"] = {"EXT_texture_webp": {"source": image}}
                for key in ("extensionsUsed", "extensionsRequired"):
                    if "EXT_texture_webp" not in self._json[key]:
                        self._json[key].append("EXT_texture_webp")
            else:
                texture["source"] = image
            self._pictures[raw] = self._add("textures", texture)
        return {"index": self._pictures[raw]}

    def _material(self, material: Material) -> int:
        surface: dict[str, Any] = {"metallicFactor": 0, "roughnessFactor": material.roughness}
        if material.colour != (1.0, 1.0, 1.0, 1.0):
            surface["baseColorFactor"] = list(material.colour)
        if material.picture:
            surface["baseColorTexture"] = self._picture(material.picture)
        if material.roughness_picture:
            surface["metallicRoughnessTexture"] = self._picture(material.roughness_picture)
        entry: dict[str, Any] = {"name": material.name, "pbrMetallicRoughness": surface}
        if material.normal_picture:
            entry["normalTexture"] = {**self._picture(material.normal_picture), "scale": material.normal_scale}
        if material.alpha != "OPAQUE":
            entry["alphaMode"] = material.alpha
        if material.alpha == "MASK":
            entry["alphaCutoff"] = material.cutoff
        if material.double_sided:
            entry["doubleSided"] = True
        return self._add("materials", entry)

    def _node(self, node: Node, **more: Any) -> None:
        parent, origin = self._nodes[node.parent] if node.parent else (None, np.zeros(3))
        moved = [round(float(x), 6) for x in node.at - origin]
        index = self._add("nodes", {"name": node.name, "translation": moved, **more})
        self._nodes[node.name] = index, node.at
        if parent is None:
            self._json["scenes"][0]["nodes"].append(index)
        else:
            self._json["nodes"][parent].setdefault("children", []).append(index)

    def _skin(self, *names: str) -> None:
        inverse = np.tile(np.eye(4, dtype="<f4"), (len(names), 1, 1))
        inverse[:, 3, :3] = [-self._nodes[name][1] for name in names]  # glTF's matrices stand column by column
        view = self._view(inverse.tobytes())
        entry = {"bufferView": view, "componentType": 5126, "count": len(names), "type": "MAT4"}
        joints = [self._nodes[name][0] for name in names]
        self._json["skins"] = [{"joints": joints, "inverseBindMatrices": self._add("accessors", entry)}]

    def _mesh(self, mesh: Mesh, material: int) -> None:
        """Meshes that nothing moves get 16-bit positions, with their size on the node."""
        more: dict[str, Any] = {}
        pivot = mesh.pivot if mesh.pivot is not None else np.zeros(3)
        if mesh.units or mesh.head is not None:
            position = self._accessor((mesh.points - pivot).astype("<f4"), bounds=True)
        else:
            if mesh.pivot is None:
                pivot = mesh.points.mean(0)
            size = float(np.abs(mesh.points - pivot).max())
            more["scale"] = [size] * 3
            position = self._accessor(_shorts((mesh.points - pivot) / size), share=True, bounds=True)
        attributes = {"POSITION": position, "NORMAL": self._accessor(_signed_bytes(_facing(mesh.normals)), share=True)}
        if mesh.uv is not None:
            places = np.round(np.clip(mesh.uv, 0.0, 1.0) * 65535).astype("<u2")
            attributes["TEXCOORD_0"] = self._accessor(places, share=True)
        if mesh.colours is not None:
            attributes["COLOR_0"] = self._accessor(_bytes(mesh.colours), share=True)
        if mesh.flow is not None:
            attributes["_FLOW"] = self._accessor(_signed_bytes(mesh.flow), share=True)
        if mesh.head is not None:
            head = _bytes(mesh.head)
            none = np.zeros_like(head)
            joints = np.stack([none, (head > 0).astype("u1"), none, none], 1)
            attributes["JOINTS_0"] = self._accessor(joints)
            attributes["WEIGHTS_0"] = self._accessor(np.stack([255 - head, head, none, none], 1), share=True)
            more["skin"] = 0
        wide = "<u2" if len(mesh.points) < 65536 else "<u4"
        corners = self._accessor(triangles(mesh.faces).reshape(-1).astype(wide))
        surface: dict[str, Any] = {"attributes": attributes, "indices": corners, "material": material}
        entry: dict[str, Any] = {"name": mesh.name, "primitives": [surface]}
        if mesh.units:
            surface["targets"] = [self._unit(one, len(mesh.points), wide) for one in mesh.units.values()]
            entry |= {"weights": [0.0] * len(mesh.units), "extras": {"targetNames": list(mesh.units)}}
        self._node(Node(mesh.name, pivot, mesh.node), mesh=self._add("meshes", entry), **more)

    def _unit(self, one: Unit, count: int, wide: str) -> dict[str, int]:
        moved: Ints = np.flatnonzero(np.abs(one.moves).max(1) > self._least)
        where = self._view(moved.astype(wide).tobytes()) if len(moved) else None
        target = {"POSITION": self._sparse(where, _shorts(one.moves[moved]), count)}
        if one.turns is not None:
            target["NORMAL"] = self._sparse(where, _signed_bytes(one.turns[moved]), count)
        return target


def _facing(normals: Floats) -> Floats:
    """Unit normals; where there is none, towards the viewer."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(np.where(length < 0.5, [0.0, 0.0, 1.0], normals / np.maximum(length, 1e-9)))
