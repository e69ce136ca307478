"""Small geometry on numpy arrays: steps, grids, tubes, nearest points, normals, cheap occlusion.

Lengths are decimetres, the unit of the data; y points up, z out of the face, x to her left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

HEAD_MIDDLE = np.array([0.0, 7.1, 0.6])
"""About the middle of the head: where the views of :func:`occlusion` are centred."""


def step(low: float, high: float, x: Floats) -> Floats:
    """0 below ``low``, 1 above ``high``, smooth between; falls where ``low`` is the larger one."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def bell(x: Floats, width: float) -> Floats:
    """1 at 0, 1/e at ``width``."""
    return np.asarray(np.exp(-((x / width) ** 2)))


def unit(vectors: Floats) -> Floats:
    """The vectors along the last axis, of length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def lerp(a: Floats, b: Floats, t: Floats) -> Floats:
    """From ``a`` at 0 to ``b`` at 1."""
    return np.asarray(a + (b - a) * t)


def scatter(index: Ints, values: Floats, count: int) -> Floats:
    """Sums of the rows of ``values`` that share an index; shape ``(count, columns)``."""
    return np.stack([np.bincount(index, values[:, k], count) for k in range(values.shape[1])], 1)


def grid(rows: int, columns: int) -> Ints:
    """Quads of a grid of vertices, row by row."""
    i = np.arange(rows * columns).reshape(rows, columns)
    return np.stack([i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]], -1).reshape(-1, 4)


def sphere(rings: int, segments: int, radius: float) -> tuple[Floats, Ints]:
    """A sphere with its poles on the z axis, +z first: rings are circles around the line of sight."""
    a, b = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, segments + 1))
    points = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], -1).reshape(-1, 3)
    return points * radius, grid(segments + 1, rings)


def resample(line: Floats, count: int) -> Floats:
    """``count`` points at equal distances along a polyline."""
    reached = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    t = np.linspace(0.0, reached[-1], count)
    return np.stack([np.interp(t, reached, line[:, k]) for k in range(line.shape[1])], 1)


def relax(line: Floats, times: int, closed: bool = False) -> Floats:
    """A smoother line; open ones keep their ends."""
    for _ in range(times):
        smooth = (np.roll(line, 1, 0) + 2.0 * line + np.roll(line, -1, 0)) / 4.0
        if not closed:
            smooth[[0, -1]] = line[[0, -1]]
        line = smooth
    return line


def tube(path: Floats, radius: Floats, sides: int = 8) -> tuple[Floats, Ints]:
    """A tube around a path."""
    along = unit(np.gradient(path, axis=0))
    across = unit(np.cross(along, np.array([0.0, 0.3, 1.0])))
    up = np.cross(along, across)
    turn = np.linspace(0, 2 * np.pi, sides + 1)[None, :, None]
    points = path[:, None] + radius[:, None, None] * (np.cos(turn) * across[:, None] + np.sin(turn) * up[:, None])
    return points.reshape(-1, 3), grid(len(path), sides + 1)[:, ::-1]


def nearest(points: Floats, among: Floats) -> Ints:
    """Index of the nearest of ``among`` for each of ``points``."""
    p, q = points.astype(np.float32), among.astype(np.float32)
    half = 0.5 * (q * q).sum(1)
    return np.concatenate([np.argmin(half - p[k : k + 512] @ q.T, 1) for k in range(0, len(p), 512)])


def neighbours(points: Floats, among: Floats, count: int, soft: float = 1e-5) -> tuple[Ints, Floats]:
    """Indices of the ``count`` nearest of ``among`` and their weights by inverse square distance, ``(n, count)``."""
    apart = ((points[:, None] - among[None]) ** 2).sum(2)
    index = np.argsort(apart, 1)[:, :count]
    weight = 1.0 / (np.take_along_axis(apart, index, 1) + soft)
    return index, np.asarray(weight / weight.sum(1, keepdims=True))


def triangles(faces: Ints) -> Ints:
    """Quads cut into triangles; triangles as they are."""
    return faces if faces.shape[1] == 3 else np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])


def normals(points: Floats, faces: Ints) -> Floats:
    """Normals of the vertices, weighted by area."""
    t = triangles(faces)
    a, b, c = points[t[:, 0]], points[t[:, 1]], points[t[:, 2]]
    flat = np.cross(b - a, c - a)
    return unit(scatter(t.T.reshape(-1), np.concatenate([flat] * 3), len(points)))


def compact(faces: Ints) -> tuple[Ints, Ints]:
    """The faces with vertices numbered anew, and which old vertices they use."""
    used = np.unique(faces)
    new = np.full(int(faces.max()) + 1, -1)
    new[used] = np.arange(len(used))
    return new[faces], used


def ring_mean(values: Floats, faces: Ints) -> Floats:
    """Each vertex's mean over the middles of the faces around it."""
    corners = faces.T.reshape(-1)
    middle = values[faces].mean(1)
    total = scatter(corners, np.concatenate([middle] * faces.shape[1]), len(values))
    return np.asarray(total / np.maximum(np.bincount(corners, minlength=len(values)), 1)[:, None])


def occlusion(
    points: Floats,
    facing: Floats,
    blockers: Floats,
    *,
    views: int = 48,
    cells: int = 150,
    bias: float = 0.05,
    middle: Floats = HEAD_MIDDLE,
    around: float = 2.2,
) -> Floats:
    """How much of its half of the sky each point sees, 0..1.

    ``blockers`` are splatted into a depth buffer from each of ``views`` directions; a point that lies deeper than
    ``bias`` behind the buffer is hidden from there. The buffer covers ``around`` on each side of ``middle``.
    """
    random = np.random.default_rng(1)
    seen, total = np.zeros(len(points)), np.zeros(len(points))
    for direction in unit(random.normal(size=(views, 3))):
        across = unit(np.cross(direction, np.array([0.0, 1.0, 0.1])))
        up = np.cross(direction, across)

        def cell(p: Floats, across: Floats = across, up: Floats = up) -> Ints:
            flat = np.stack([(p - middle) @ across, (p - middle) @ up], 1)
            at = np.clip((flat / around + 1.0) / 2.0 * cells, 0, cells - 1).astype(np.int64)
            return np.asarray(at[:, 1] * cells + at[:, 0])

        depth = blockers @ direction
        order = np.argsort(depth)
        buffer = np.full(cells * cells, -1e9)
        buffer[cell(blockers)[order]] = depth[order]  # the last one written is the nearest
        weight = np.clip(facing @ direction, 0.0, 1.0)
        seen += weight * (points @ direction > buffer[cell(points)] - bias)
        total += weight
    return np.asarray(seen / np.maximum(total, 1e-6))
