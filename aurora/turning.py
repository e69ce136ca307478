"""Which way head and eyes are turned: the angles behind a pose, for whoever moves joints and not shapes.

Angles are radians, right-handed, about the axes of a head that looks along +z with +y up. So pitch turns it down, yaw
to her left, and roll tilts it to her right.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aurora.face import ARKIT
from aurora.idle import BREATH_HZ

Angles = NDArray[np.float64]

REACH = (0.42, 0.52)
"""How far a gaze weight of 1 turns an eye up or down, and sideways: where the lids of our own head follow."""

_SWAY = np.array(
    [  # Hz and radians for pitch, yaw and roll; no two in step, so that nobody sees it repeat
        [(BREATH_HZ, 0.004), (0.071, 0.010), (0.043, 0.006)],
        [(0.053, 0.022), (0.127, 0.008), (0.031, 0.012)],
        [(0.089, 0.009), (0.037, 0.006), (0.0, 0.0)],
    ]
)
_TURNS, _REACHES = 2 * math.pi * _SWAY[..., 0], _SWAY[..., 1]
_PHASES = np.arange(3.0)[:, None] + 2.0 * np.arange(3.0)

_SHAPES = [[ARKIT.index(f"eyeLook{way}{side}") for way in ("Down", "Up", "Out", "In")] for side in ("Left", "Right")]


def eye_turn(weights: NDArray[np.float32], reach: tuple[float, float] = REACH) -> Angles:
    """Pitch and yaw of the left and the right eye, shape ``(…, 2, 2)``, of weights of shape ``(…, 52)``."""
    down, up, out, inwards = np.moveaxis(np.asarray(weights, np.float64)[..., _SHAPES], -1, 0)
    towards_left = (out - inwards) * np.array([1.0, -1.0])  # outwards is to her left for her left eye alone
    return np.stack([reach[0] * (down - up), reach[1] * towards_left], axis=-1)


def head_turn(seconds: float | NDArray[np.float64]) -> Angles:
    """Pitch, yaw and roll of a head that nobody moves, shape ``(…, 3)``: it breathes and sways by a degree or two.

    A function of the time alone: Audio2Face turns no head, so no recording of its frames holds one.
    """
    time = np.asarray(seconds, np.float64)[..., None, None]
    turned: Angles = (_REACHES * np.sin(_TURNS * time + _PHASES)).sum(axis=-1)
    return turned
