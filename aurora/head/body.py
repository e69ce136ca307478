"""The shaped body: the base mesh after a recipe, scaled so that the eyes lie where they lay before.

So every number in this package that names a place (brows, hairline, blush) holds for any recipe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aurora.face import ARKIT
from aurora.head.geometry import Floats, Ints, step
from aurora.head.recipe import Recipe
from aurora.head.source import Source

EYES_APART = 0.616
EYES_AT = np.array([0.0, 7.284, 1.245])
"""Middle between the eyes."""
ARMS_DOWN = np.radians(38.0)
"""The base mesh holds its arms out; a portrait wants them down."""
SIDES = {"Left": "l", "Right": "r"}


@dataclass(frozen=True, slots=True)
class Eye:
    """Where an eyeball is and how large, in decimetres."""

    at: Floats
    radius: float


def _even(source: Source) -> dict[str, Floats]:
    """The 52 units; left and right ones are made mirrors of each other, which they are but for a millimetre or two."""
    moves = {name: source.face_unit(name) for name in ARKIT}
    other = source.mirror()
    flip = np.array([-1.0, 1.0, 1.0])
    for left in [name for name in ARKIT if name.endswith("Left")]:
        right = left.removesuffix("Left") + "Right"
        mean = (moves[left] + moves[right][other] * flip) / 2.0
        moves[left], moves[right] = mean, mean[other] * flip
    return moves


class Body:
    """Points of the base mesh for one recipe; ``units`` are the moves of the 52 units on them."""

    def __init__(self, source: Source, recipe: Recipe) -> None:
        self._source = source
        points = source.points.copy()
        for name, weight in recipe.shape.items():
            points += weight * source.target(name)
        points = self._arms_down(points)
        left, right = (points[self.group(f"helper-{side}-eye")].mean(0) for side in SIDES.values())
        scale = EYES_APART / float(np.linalg.norm(left - right))
        points = points * scale + EYES_AT - (left + right) * scale / 2.0
        self.units: dict[str, Floats] = {name: moves * scale for name, moves in _even(source).items()}
        for name, weight in recipe.rest.items():  # a friendly rest is part of the person: weight 0 looks it
            points += weight * self.units[name]
        self.points: Floats = points
        self.uv = source.uv
        self.eyes: dict[str, Eye] = {}
        for side, letter in SIDES.items():
            ball = points[self.group(f"helper-{letter}-eye")]
            at = ball.mean(0)
            self.eyes[side] = Eye(at, float(np.linalg.norm(ball - at, axis=1).mean()))

    def _arms_down(self, points: Floats) -> Floats:
        for sign, letter in ((1.0, "l"), (-1.0, "r")):
            joint = points[self.group(f"joint-{letter}-shoulder")].mean(0)
            along = step(abs(joint[0]) - 0.45, abs(joint[0]) + 0.35, sign * points[:, 0]) * (points[:, 1] > 2.0)
            angle = -sign * ARMS_DOWN * along
            x, y, z = (points - joint).T
            turned = np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, z], 1)
            points = np.where((along > 0.0)[:, None], turned + joint, points)
        return points

    def group(self, name: str) -> Ints:
        """The vertices of a named group of the base mesh."""
        return self._source.group(name)

    def faces(self, name: str) -> Ints:
        """The quads of a group: ``body``, ``helper-tongue`` …."""
        return self._source.faces[name]

    def joint(self, name: str) -> Floats:
        """Where a joint is."""
        return np.asarray(self.points[self.group(f"joint-{name}")].mean(0))

    def mask(self, name: str) -> Floats:
        """A mask of the data, 0..1 for each vertex."""
        return self._source.mask(name)
