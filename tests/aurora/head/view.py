"""A head seen from the front without a renderer: for each cell of a window, how far to the front a surface reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.head.paint import Layout

Array = NDArray[Any]


def reach(points: Array, triangles: Array, middle: Array, half: float, cells: int = 160) -> Array:
    """``(cells, cells)`` of the largest z in a window of ``2 × half`` around ``middle``; NaN where nothing is."""
    inside = (np.abs(points[:, :2] - middle[:2]) < half * 1.6).all(1)
    corners = triangles[inside[triangles].all(1)]
    places = (points[:, :2] - middle[:2]) / (2.0 * half) + 0.5
    corners = corners[((places[corners] > 0.0) & (places[corners] < 1.0)).any(1).any(1)]
    layout = Layout(places, corners, points[:, 2], cells)
    return layout.picture(layout.carry(points[:, 2:3]), np.nan)[..., 0]


def turned(points: Array, yaw: float) -> Array:
    """Points as somebody sees them who stands ``yaw`` radians to her left."""
    x, y, z = points.T
    return np.stack([np.cos(yaw) * x - np.sin(yaw) * z, y, np.sin(yaw) * x + np.cos(yaw) * z], 1)
