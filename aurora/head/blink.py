"""A blink that cuts nothing: lids travel on straight lines, and an eyeball is round.

A unit moves each point of the lid along a chord, half-way deep inside of the ball. So the ball gives way: under the
blink's weight it sinks in just where the lid would cut it, behind the lid's edge, and springs back as the lid opens.
Whoever sets the weight on every mesh that knows the name gets it for nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aurora.head.body import Eye
from aurora.head.geometry import Floats
from aurora.head.lashes import LidLines
from aurora.head.model import Unit
from aurora.head.skin import Skin

HALF, CELLS = 0.2, 64
"""Half the width of the window around an eye, in decimetres, and how finely it is looked at."""
CLEARANCE = 0.0025
"""Distance that the lid keeps from the ball, in decimetres."""
DEEPEST = 0.08
"""More than this (in decimetres) is no cut of a lid, but the far side of the socket."""
INNERMOST = 0.9
"""Points nearer to the middle of the eye than this, as a part of its radius, are the lid's inner side."""
WEIGHTS = np.linspace(0.08, 1.0, 24)

Height = Callable[[Floats], Floats]
"""How far to the front an eye's layer reaches at a distance from the axis of sight, both in decimetres."""


def sunk(eye: Eye, skin: Skin, side: str, height: Height, points: Floats) -> dict[str, Unit]:
    """The unit ``eyeBlink`` of one layer of an eye, ``points`` of which are in coordinates of the world."""
    depth = _needed(eye, skin, side, height)
    at = (points[:, :2] - eye.at[:2]) / (2.0 * HALF) * CELLS + CELLS / 2.0 - 0.5
    column, row = np.clip(at, 0.0, CELLS - 1.001).T
    x, y = column.astype(np.int64), row.astype(np.int64)
    u, v = column - x, row - y
    there = (depth[y, x] * (1 - u) + depth[y, x + 1] * u) * (1 - v)
    there = there + (depth[y + 1, x] * (1 - u) + depth[y + 1, x + 1] * u) * v
    moves = np.zeros_like(points)
    moves[:, 2] = -there * (points[:, 2] > eye.at[2])
    return {f"eyeBlink{side}": Unit(moves)}


def _needed(eye: Eye, skin: Skin, side: str, height: Height) -> Floats:
    """How far the layer must sink in at full weight, so that no point of a lid gets deeper into it than at rest."""
    away = np.linalg.norm(skin.points - eye.at, axis=1)
    lid = (away > INNERMOST * eye.radius) & (away < 2.0 * eye.radius)
    lid &= skin.points[:, 2] > eye.at[2] + 0.2 * eye.radius
    rest, blink = skin.points[lid] - eye.at, skin.units[f"eyeBlink{side}"].moves[lid]

    def cut(weight: float) -> tuple[Floats, Floats]:
        points = rest + weight * blink
        deep = height(np.hypot(points[:, 0], points[:, 1])) + CLEARANCE - points[:, 2]
        return points, np.where(deep < DEEPEST, np.clip(deep, 0.0, None), 0.0)

    flat = np.zeros(CELLS * CELLS)
    _, before = cut(0.0)
    for weight in WEIGHTS:
        points, deep = cut(weight)
        at = ((points[:, :2] + HALF) / (2.0 * HALF) * CELLS).astype(np.int64)
        seen = ((at >= 0) & (at < CELLS)).all(1)
        np.maximum.at(flat, at[seen, 1] * CELLS + at[seen, 0], ((deep - before) / weight)[seen])
    needed = flat.reshape(CELLS, CELLS)
    neighbours = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    for _ in range(2):
        needed = np.max([np.roll(needed, shift, (0, 1)) for shift in neighbours], axis=0)
    for _ in range(2):
        needed = np.mean([np.roll(needed, shift, (0, 1)) for shift in neighbours], axis=0)
    return np.asarray(needed)


def followed(eye: Eye, skin: Skin, side: str, lids: LidLines, points: Floats) -> dict[str, Unit]:
    """The unit ``eyeBlink`` of the veil: it stays in the slit between the lids, whatever its height."""
    blink = skin.units[f"eyeBlink{side}"].moves
    near = np.flatnonzero(np.linalg.norm(skin.points - eye.at, axis=1) < 2.0 * eye.radius)

    def line(root: Floats, weight: float) -> tuple[Floats, Floats]:
        apart = ((root[:, None] - skin.points[near][None]) ** 2).sum(2)
        moved = root + weight * blink[near[np.argmin(apart, 1)]] - eye.at
        order = np.argsort(moved[:, 0])
        return moved[order, 0], moved[order, 1]

    x, y, _ = (points - eye.at).T
    (upper, lower), (upper_shut, lower_shut) = (
        [np.interp(x, *line(root, weight)) for root in (lids.upper, lids.lower)] for weight in (0.0, 1.0)
    )
    share = (y - lower) / np.maximum(upper - lower, 1e-3)
    shut = lower_shut + np.clip(share, 0.0, 1.0) * (upper_shut - lower_shut)
    shut = shut + np.where(share > 1.0, y - upper, np.where(share < 0.0, y - lower, 0.0))
    radius = np.linalg.norm(points - eye.at, axis=1)
    down = np.clip(shut, -0.98 * radius, 0.98 * radius)
    side_of = np.sqrt(np.clip(radius**2 - down**2 - x**2, 0.0, None))
    return {f"eyeBlink{side}": Unit(np.stack([0.0 * x, down - y, side_of - (points - eye.at)[:, 2]], 1))}
