"""A blouse and a jacket with lapels, laid over the body; only what a portrait shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aurora.head.body import Body
from aurora.head.geometry import (
    Flags,
    Floats,
    compact,
    grid,
    neighbours,
    normals,
    relax,
    resample,
    ring_mean,
    step,
    tube,
    unit,
)  # fmt: skip
from aurora.head.model import Part, join
from aurora.head.subdivide import Subdivision, border

FOLD = np.array(
    [[0, 6.02, -0.42], [0.34, 6.02, -0.25], [0.52, 5.97, 0.08], [0.50, 5.80, 0.42], [0.40, 5.45, 0.80],
     [0.26, 5.0, 1.1], [0.06, 4.3, 1.25]]
)  # fmt: skip
"""Where collar and lapel fold over, from the neck down; her left side."""
OUTLINE = np.array(
    [[0, 5.78, -0.52], [0.44, 5.76, -0.40], [0.80, 5.72, 0.02], [0.82, 5.52, 0.45], [0.70, 5.34, 0.72],
     [0.66, 5.31, 0.78], [0.80, 5.27, 0.72], [0.78, 5.14, 0.85], [0.55, 4.75, 1.05], [0.10, 4.3, 1.25]]
)  # fmt: skip
"""Their outer edge, with the notch."""
LAPEL = (9, 60)
"""Rows and columns of a lapel."""

Line = Callable[[Floats], Floats]
"""0 on a line around the body, positive above it."""


def blouse(body: Body) -> Part:
    """A round neck with a hem."""

    def neck(points: Floats) -> Floats:
        return np.asarray(points[..., 1] - (5.80 - 0.44 * (points[..., 2] - 0.05)))

    part, edge = _shell(body, neck, lambda points: np.ones(points.shape[:-1], bool), 0.030)
    edge = edge[np.argsort(np.arctan2(edge[:, 0], edge[:, 2] - 0.15))]
    ring = relax(resample(np.concatenate([edge, edge[:1]]), 121)[:-1], 8, closed=True)
    ring = np.concatenate([ring, ring[:1]])
    hem, faces = tube(ring, np.full(len(ring), 0.022))
    return join([part, Part(hem, faces, normals(hem, faces))])


def jacket(body: Body) -> Part:
    """Open in front, a little padded at the shoulders."""

    def collar(points: Floats) -> Floats:
        return np.asarray(points[..., 1] - (5.90 - 0.10 * (points[..., 2] - 0.05)))

    def closed(points: Floats) -> Flags:
        opening = np.where(points[..., 2] > 0.1, 0.03 + 0.46 * np.clip((points[..., 1] - 4.3) / 1.5, 0.0, 1.2), -1.0)
        return np.asarray(np.abs(points[..., 0]) > opening + 0.03)

    part, _ = _shell(body, collar, closed, 0.085)
    points = part.points
    pad = step(0.9, 1.6, np.abs(points[:, 0])) * step(4.9, 5.6, points[:, 1])
    points = points + np.stack([np.sign(points[:, 0]) * 0.03 * pad, 0.05 * pad, 0.0 * pad], 1)
    body_of_it = Part(points, part.faces, normals(points, part.faces))
    return join([body_of_it, *(_lapel(body, side) for side in (-1.0, 1.0))])


def _shell(body: Body, line: Line, keep: Callable[[Floats], Flags], off: float) -> tuple[Part, Floats]:
    """The body below a line, pushed out by ``off``; its open edge is pulled onto the line. Also returns that edge."""
    quads = body.faces("body")
    corners = body.points[quads]
    near = (corners[:, :, 1].min(1) > 3.2) & (np.abs(corners[:, :, 0]).max(1) < 2.9)
    quads, used = compact(quads[(line(corners).max(1) < 0.08) & keep(corners).all(1) & near])
    refine = Subdivision(quads, len(used))
    points, faces = refine(body.points[used]), refine.faces
    facing = normals(points, faces)
    for _ in range(3):  # cloth bridges hollows
        points = points * 0.5 + ring_mean(points, faces) * 0.5
    edge = border(faces, len(points)) & (np.abs(line(points)) < 0.25) & (np.abs(points[:, 0]) < 1.2)
    points[edge, 1] -= line(points)[edge]
    points = points + facing * off
    return Part(points, faces, normals(points, faces)), points[edge]


def _lay(body: Body, points: Floats, off: Floats) -> Floats:
    """Puts points at a distance from the body."""
    ids = np.unique(body.faces("body"))
    skin = body.points[ids]
    chest = (skin[:, 1] > 3.5) & (skin[:, 1] < 6.6) & (np.abs(skin[:, 0]) < 2.2)
    facing = normals(body.points, body.faces("body"))[ids][chest]
    index, weight = neighbours(points, skin[chest], 8, 0.01)
    out = unit((facing[index] * weight[..., None]).sum(1))
    on = (skin[chest][index] * weight[..., None]).sum(1)
    return np.asarray(points + out * (off - ((points - on) * out).sum(1))[:, None])


def _lapel(body: Body, side: float) -> Part:
    """Collar and lapel of one side as one strip between fold and outline, with a rim that gives the cloth thickness."""
    rows, columns = LAPEL
    fold = resample(relax(resample(FOLD, columns), 6), columns)
    t = np.linspace(0.0, 1.0, rows)[:, None, None]
    flat = fold[None] * (1.0 - t) + resample(OUTLINE, columns)[None] * t
    off = 0.122 + 0.050 * np.sin(np.pi * np.clip(t[..., 0] * 0.9 + 0.02, 0.0, 1.0)) * np.ones((1, columns))
    off[0] -= 0.02
    points = _lay(body, (flat * [side, 1.0, 1.0]).reshape(-1, 3), off.reshape(-1))
    rim = points.reshape(rows, columns, 3)[-1]
    points = np.concatenate([points, rim, _lay(body, rim, np.full(columns, 0.075))])
    faces = np.concatenate([grid(rows, columns), grid(2, columns) + rows * columns])
    if side > 0:
        faces = faces[:, ::-1]
    return Part(points, faces, normals(points, faces))
