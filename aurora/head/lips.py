"""Lips that meet: the slit that can be seen between them at rest is looked for, and closed.

Towards the corners both lips follow the jaw alike, so it does not tell the upper one from the lower one there. What is
seen from the front does.
"""

from __future__ import annotations

import numpy as np

from aurora.head.geometry import Floats, Ints, bell, step
from aurora.head.paint import Layout

HALF, CELLS = 0.28, 208
"""Half the width of the window around the mouth, in decimetres, and how finely it is looked at. Beyond begin cheeks."""
BEHIND = 1.25
"""What is seen deeper than this (z, in decimetres) is seen through the slit."""
NEAR = 0.10
"""How far above and below the middle of the mouth the slit may be, in decimetres."""
OVERLAP = 0.006
"""How far lips are pushed together beyond touching, in decimetres: what is pressed does not open at once."""
ROUNDS = 6


def shut(points: Floats, corners: Ints, mouth_y: float) -> Floats:
    """The points with lips that meet all along; ``corners`` are triangles, ``mouth_y`` is the height of the mouth."""
    closed = points.copy()
    for _ in range(ROUNDS):
        across, open_, middle = _slit(closed, corners, mouth_y)
        if not open_.any():
            break
        wide = np.where(open_ > 0.0, open_ + OVERLAP, 0.0)
        for _ in range(4):
            wide = np.maximum(wide, np.convolve(wide, [0.25, 0.5, 0.25], "same"))
        x, y, z = closed.T
        away = y - np.interp(x, across[open_ > 0.0], middle[open_ > 0.0])
        push = 0.5 * np.interp(x, across, wide, 0.0, 0.0) * bell(away, 0.05) * step(1.1, 1.3, z)
        closed[:, 1] -= np.sign(away) * push
    return closed


def _slit(points: Floats, corners: Ints, mouth_y: float) -> tuple[Floats, Floats, Floats]:
    """Columns (x), how far the lips are apart in each, and the height of the middle between them."""
    places = (points[:, :2] - [0.0, mouth_y]) / (2.0 * HALF) + 0.5
    seen = ((places[corners] > 0.0) & (places[corners] < 1.0)).all((1, 2)) & (points[corners][:, :, 2].min(1) > 0.3)
    layout = Layout(places, corners[seen], points[:, 2], CELLS)
    depth = layout.picture(layout.carry(points[:, 2:3]), np.nan)[..., 0]
    cell = 2.0 * HALF / CELLS
    middles = (np.arange(CELLS) + 0.5) * cell - HALF
    through = (depth < BEHIND) & (np.abs(middles) < NEAR)[:, None]
    count = through.sum(0)
    height = (through * middles[:, None]).sum(0) / np.maximum(count, 1) + mouth_y
    return middles, count * cell, height
