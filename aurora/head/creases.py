"""Lines that a face draws when it moves: between the brows, across the forehead, on the bridge of the nose.

The data's units move skin smoothly. Each line is added to a unit as a shallow furrow; its normals make it visible.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aurora.head.geometry import Floats, bell, step

Line = Callable[[Floats, Floats], Floats]
"""Depth from ``|x|`` and ``y``, 0..1."""

FOREHEAD = (7.655, 7.735, 7.815)
"""Heights of the lines across the forehead."""


def _between_the_brows(side: Floats, y: Floats) -> Floats:
    return bell(side - 0.052, 0.024) * bell(y - 7.50, 0.085)


def _across_the_forehead(side: Floats, y: Floats) -> Floats:
    lines = np.sum([bell(y - height + 0.10 * side**2, 0.020) for height in FOREHEAD], axis=0)
    return np.asarray(lines * step(0.46, 0.20, side))


def _on_the_bridge(side: Floats, y: Floats) -> Floats:
    return np.asarray(
        np.sum([bell(y - height - 0.5 * side, 0.018) for height in (7.29, 7.345)], axis=0) * bell(side, 0.10)
    )


LINES: dict[str, tuple[Line, float]] = {
    "browDownLeft": (_between_the_brows, 0.016),
    "browDownRight": (_between_the_brows, 0.016),
    "browInnerUp": (_across_the_forehead, 0.007),
    "browOuterUpLeft": (_across_the_forehead, 0.004),
    "browOuterUpRight": (_across_the_forehead, 0.004),
    "noseSneerLeft": (_on_the_bridge, 0.007),
    "noseSneerRight": (_on_the_bridge, 0.007),
}
"""By unit: where, and how deep in decimetres at weight 1."""


def furrowed(name: str, moves: Floats, points: Floats, facing: Floats) -> Floats:
    """The unit with its lines; a left or right one draws them on its side, fading across the middle."""
    if name not in LINES:
        return moves
    line, depth = LINES[name]
    x, y, z = points.T
    share = line(np.abs(x), y) * step(1.0, 1.15, z)
    if name.endswith(("Left", "Right")):
        share = share * step(-0.03, 0.03, x if name.endswith("Left") else -x)
    return np.asarray(moves - facing * (depth * share)[:, None])
