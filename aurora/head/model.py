"""What a person is made of, as plain arrays: nodes, materials and meshes. The GLB writer and others read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from aurora.head.geometry import Floats, Ints


@dataclass(frozen=True, slots=True)
class Unit:
    """What one blendshape does to a mesh at weight 1."""

    moves: Floats
    """Offset of each vertex, ``(n, 3)``, in decimetres."""
    turns: Floats | None = None
    """What it adds to each normal, ``(n, 3)``."""


@dataclass(frozen=True, slots=True)
class Node:
    """A place that moves what hangs on it; ``at`` in coordinates of the world."""

    name: str
    at: Floats
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface looks: factors and encoded pictures (JPEG, or WebP where there is alpha)."""

    name: str
    roughness: float = 0.5
    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Linear red, green, blue and opacity."""
    picture: bytes | None = None
    normal_picture: bytes | None = None
    roughness_picture: bytes | None = None
    normal_scale: float = 1.0
    alpha: str = "OPAQUE"
    """``OPAQUE``, ``MASK`` or ``BLEND``."""
    cutoff: float = 0.5
    double_sided: bool = False


@dataclass(frozen=True, slots=True)
class Mesh:
    """One surface with the blendshapes that move it; arrays have one row a vertex, in coordinates of the world."""

    name: str
    material: str
    points: Floats
    faces: Ints
    """Quads or triangles."""
    normals: Floats
    uv: Floats | None = None
    colours: Floats | None = None
    """Occlusion or tint, ``(n, 3)`` or ``(n, 4)``."""
    units: Mapping[str, Unit] = field(default_factory=dict)
    node: str | None = None
    """What it hangs on; ``None`` for what the skeleton bends."""
    pivot: Floats | None = None
    head: Floats | None = None
    """Share of the joint ``Head`` for each vertex, ``(n,)``; the rest belongs to ``Body``."""
    flow: Floats | None = None
    """Direction of the hair, ``(n, 3)``."""


@dataclass(frozen=True, slots=True)
class Person:
    """A whole head, in the order in which the file lists it."""

    name: str
    nodes: tuple[Node, ...]
    materials: tuple[Material, ...]
    meshes: tuple[Mesh, ...]

    def mesh(self, name: str) -> Mesh:
        """The mesh of that name; ``KeyError`` if there is none."""
        for mesh in self.meshes:
            if mesh.name == name:
                return mesh
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Part:
    """Points, faces and normals before they have a name and a material."""

    points: Floats
    faces: Ints
    normals: Floats


def join(parts: list[Part]) -> Part:
    """One part out of several."""
    starts = np.cumsum([0, *(len(part.points) for part in parts)])
    return Part(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.normals for part in parts]),
    )
