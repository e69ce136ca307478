"""Teeth as an arch of crowns with a scalloped gum, and the tongue. They follow the units through affine maps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from aurora.head.body import Body
from aurora.head.geometry import Floats, bell, compact, grid, normals, step
from aurora.head.model import Mesh, Unit
from aurora.head.subdivide import Subdivision

WHITE, ROOT, GUM = np.array([0.96, 0.885, 0.79]), np.array([0.74, 0.66, 0.53]), np.array([0.52, 0.20, 0.20])
TONGUE = (0.40, 0.125, 0.12)
LEAST = 1e-3
"""Units that move a part by less (in decimetres) leave it alone."""


@dataclass(frozen=True, slots=True)
class _Arch:
    """Crowns from the middle outwards, lengths in decimetres."""

    name: str
    helper: str
    up: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    behind: float
    """How far the front teeth stand behind the data's helper."""
    share: float
    """Width of the arch as a part of the helper's."""
    edge: float
    """Height of the cutting edges from the helper's end."""
    rise: float
    """How far the arch rises towards the back."""


UPPER = _Arch(
    "UpperTeeth", "helper-upper-teeth", 1.0, (0.086, 0.068, 0.074, 0.070, 0.070, 0.098, 0.095),
    (0.114, 0.104, 0.114, 0.104, 0.098, 0.085, 0.075), 0.060, 0.94, -0.050, 0.026,
)  # fmt: skip
LOWER = _Arch(
    "LowerTeeth", "helper-lower-teeth", -1.0, (0.054, 0.060, 0.068, 0.070, 0.072, 0.100, 0.098),
    (0.086, 0.086, 0.092, 0.084, 0.078, 0.070, 0.062), 0.092, 0.82, -0.080, 0.032,
)  # fmt: skip

SECTION = (
    (1.20, 0.100, 0.0), (0.10, 0.075, 0.0),  # the back
    (-0.001, 0.050, 0.0), (0.0, 0.030, 0.15), (0.02, 0.012, 0.55), (0.12, 0.002, 0.9), (0.40, -0.004, 1.0),
    (0.75, -0.002, 1.0), (0.96, 0.004, 0.8), (1.02, -0.006, 0.3), (1.25, -0.010, 0.15), (1.9, 0.0, 0.0),
    (2.6, 0.03, 0.0),
)  # fmt: skip
"""Cross-section: height over the cutting edge as a part of the crown's, depth behind the front, share of the bulge."""


def teeth(body: Body, arch: _Arch, per_crown: int) -> Mesh:
    """One arch of ``2 × 7`` crowns; ``per_crown`` columns each."""
    ids = body.group(arch.helper)
    helper = body.points[ids]
    front = helper[:, 2].max() - arch.behind
    width = np.abs(helper[:, 0]).max() * arch.share
    back = helper[:, 2].min() + 0.06
    xs = np.linspace(0.0, width, 300)
    zs = front - (front - back) * (xs / width) ** 2.6
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(xs), np.diff(zs)))])
    ends = np.concatenate([[0.0], np.cumsum(arch.widths)])
    ends *= min(1.0, reached[-1] / ends[-1])
    u = np.append(
        np.concatenate([np.linspace(a, b, per_crown, endpoint=False) for a, b in pairwise(ends)]),
        ends[-1],
    )
    crown = np.clip(np.searchsorted(ends, u, "right") - 1, 0, len(arch.widths) - 1)
    across = 2.0 * (u - ends[crown]) / (ends[crown + 1] - ends[crown]) - 1.0
    gap = np.abs(across) ** 6  # 0 in the middle of a crown, 1 where two meet
    canine = crown == 2
    tip = -0.012 * gap - 0.005 * (crown == 1) * arch.up + 0.004 * (1.0 - np.abs(across)) * canine - 0.010 * (crown > 3)
    bulge = 0.016 * (1.0 - np.abs(across) ** 4) - 0.010 * gap
    height = np.array(arch.heights)[crown] * (1.0 - 0.16 * across**2) + 0.012 * (canine | (crown == 0))
    edge = (helper[:, 1].min() if arch.up > 0 else helper[:, 1].max()) + arch.edge
    rise = arch.rise * (u / ends[-1]) ** 2
    x, z = np.interp(u, reached, xs), np.interp(u, reached, zs)
    tx, tz = np.gradient(x), np.gradient(z)
    out_x, out_z = -tz / np.hypot(tx, tz), tx / np.hypot(tx, tz)
    points, colours = [], []
    for level, depth, round_ in SECTION:
        y = edge + arch.up * (rise - tip * (1.0 - 2.0 * level) * (level < 0.5) + height * level)
        out = bulge * round_ - depth
        points.append(np.stack([x + out_x * out, y, z + out_z * out], 1))
        colours.append(_colour(level, depth, gap))
    half, colour = np.array(points), np.array(colours)
    colour *= _shade(half, front)[..., None] ** np.array([1.0, 1.45, 1.5])
    quads = grid(len(SECTION), len(u))
    if arch.up > 0:
        quads = quads[:, ::-1]
    one = half.reshape(-1, 3)
    both = np.concatenate([one, one * [-1.0, 1.0, 1.0]])
    faces = np.concatenate([quads[:, ::-1], quads + len(one)])
    return Mesh(
        arch.name, "Teeth", both, faces, normals(both, faces), colours=np.concatenate([colour.reshape(-1, 3)] * 2),
        units=_follow(body, arch.helper, both), node="Head",
    )  # fmt: skip


def _colour(level: float, depth: float, gap: Floats) -> Floats:
    root, gum = (float(step(low, 1.0, np.array(level))) for low in (0.55, 0.985))
    crown = WHITE * (1.0 - 0.9 * root) + ROOT * 0.9 * root
    colour = np.ones((len(gap), 3)) * (crown * (1.0 - gum) + GUM * gum)
    colour *= (1.0 - 0.52 * gap * (1.0 - gum) * (level > 0.01))[:, None]
    return np.asarray(colour * (0.55 if depth > 0.06 else 1.0))


def _shade(points: Floats, front: float) -> Floats:
    """Darker backwards with depth and gently sidewards: the cheeks take the light there."""
    depth = np.clip(front - 0.03 - points[..., 2], 0.0, None)
    return np.asarray((0.16 + 0.84 * bell(depth, 0.26)) * (1.0 - 0.80 * step(0.15, 0.30, np.abs(points[..., 0]))))


def _follow(body: Body, helper: str, points: Floats) -> dict[str, Unit]:
    """How the data's helper moves with each unit, as an affine map, applied to points of ours."""
    ids = body.group(helper)
    basis = np.concatenate([body.points[ids], np.ones((len(ids), 1))], 1)
    ours = np.concatenate([points, np.ones((len(points), 1))], 1)
    out = {}
    for name, moves in body.units.items():
        if np.abs(moves[ids]).max() >= LEAST:
            out[name] = Unit(ours @ np.linalg.lstsq(basis, moves[ids], rcond=None)[0])
    return out


def tongue(body: Body) -> Mesh:
    """The data's tongue, refined once; darker towards the throat and along its middle."""
    quads, used = compact(body.faces("helper-tongue"))
    refine = Subdivision(quads, len(used))
    points = refine(body.points[used])
    colour = np.ones((len(points), 3)) * TONGUE
    colour *= (1.0 - 0.92 * step(1.42, 0.98, points[:, 2]))[:, None] * (1.0 - 0.25 * bell(points[:, 0], 0.018))[:, None]
    moves = {name: d[used] for name, d in body.units.items() if np.abs(d[used]).max() > LEAST}
    return Mesh(
        "Tongue", "Tongue", points, refine.faces, normals(points, refine.faces), colours=colour, node="Head",
        units={name: Unit(refine(d)) for name, d in moves.items()},
    )  # fmt: skip
