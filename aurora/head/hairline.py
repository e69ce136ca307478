"""Where hair begins: the hairline around the head and the parting on top."""

from __future__ import annotations

import numpy as np

from aurora.head.geometry import Floats, step

AROUND = [0.0, 0.25, 0.5, 0.8, 1.0, 1.2, 1.36, 1.5, 1.62, 2.05, 2.5, 3.15]
"""Angles from the forehead to the neck, in radians."""
HEIGHT = {
    "bob": [7.86, 7.875, 7.88, 7.80, 7.66, 7.44, 7.16, 6.98, 7.02, 6.80, 6.50, 6.42],
    "short": [7.90, 7.92, 7.97, 7.93, 7.72, 7.44, 7.12, 6.96, 7.02, 6.80, 6.52, 6.44],
}
"""Height of the hairline at those angles, in decimetres."""


def above(points: Floats, style: str) -> Floats:
    """How far points ``(…, 3)`` lie above the hairline; below it is negative."""
    around = np.arctan2(np.abs(points[..., 0]), points[..., 2] - 0.45)
    return np.asarray(points[..., 1] - np.interp(around, AROUND, HEIGHT[style]))


def parting(start: float, z: Floats) -> Floats:
    """Where across the head the parting is at depth ``z``: it runs back from the forehead and bends to the crown."""
    return np.asarray(start * (1.0 - 0.55 * step(0.9, 0.0, z)))
