"""Least squares between bounds, solved exactly and quickly from frame to frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

MOST_ROUNDS = 60
"""Exchanges of active sets; a frame that begins with the last one's sets takes two or three."""

_TOLERANCE = 1e-9


def quadratic(h: Matrix, q: Vector, upper: Vector, start: Vector | None = None) -> Vector:
    """The ``x`` in ``0 <= x <= upper`` at which ``x' h x / 2 - q' x`` is least; ``h`` symmetric and positive.

    Primal-dual active sets: which unknowns lie at a bound is guessed, from ``start`` if there is one; the others follow
    from a linear system, and whichever contradicts the guess changes sides. Where the guesses go round in a circle one
    unknown is exchanged at a time, which ends (Murty 1974).
    """
    scale = np.diag(h)
    x = np.clip(np.linalg.solve(h, q) if start is None else start, 0.0, upper)
    low, high = x <= 0.0, x >= upper
    seen: set[bytes] = set()
    for _ in range(MOST_ROUNDS):
        free = ~(low | high)
        x = np.where(high, upper, 0.0)
        if free.any():
            x[free] = np.linalg.solve(h[np.ix_(free, free)], q[free] - h[np.ix_(free, high)] @ x[high])
        slope = (h @ x - q) / scale
        under, over = free & (x < -_TOLERANCE), free & (x > upper + _TOLERANCE)
        rising, falling = low & (slope < -_TOLERANCE), high & (slope > _TOLERANCE)
        wrong = under | over | rising | falling
        if not wrong.any():
            break
        sets = low.tobytes() + high.tobytes()
        if sets in seen:
            only = np.zeros(len(q), bool)
            only[np.flatnonzero(wrong)[-1]] = True
            under, over, rising, falling = (change & only for change in (under, over, rising, falling))
        seen.add(sets)
        low, high = (low | under) & ~rising, (high | over) & ~falling
    return np.clip(x, 0.0, upper)
