"""Which blendshapes make a given face: ``bs_*.npz`` and ``bs_*_config.json``, for the skin and for the tongue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.names import MOST_NAMES
from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.network.bounded import Matrix, Vector, quadratic
from pipelines.embedded.face.network.folder import Arrays, ModelUnusable, read_json

CANCELLED = 1e-10
"""Highest weight of the smaller one of two poses that cancel each other."""


class Solve:
    """Weights in 0..1 for the active poses.

    NVIDIA's SDK minimises ``|A x - b|``, where ``A`` is the Gram matrix of the poses with the regularisers added, and
    not the ``x'Ax / 2 - b'x`` that is usual. Where bounds bind the two differ, so it is done the same way here.
    """

    def __init__(self, data: Path, config: Path) -> None:
        told = _Config(config)
        with Arrays(data) as arrays:
            names = arrays.words("poseNames")
            if names[:1] != ["neutral"] or len(names) != told.poses + 1:
                raise ModelUnusable(f"{data}: poseNames must be neutral and the {told.poses} poses of {config.name}")
            neutral = arrays.numbers("neutral", -1, 3).astype(np.float64)
            self.vertices = len(neutral)
            mask = np.arange(len(neutral))
            if "frontalMask" in arrays.names:
                mask = arrays.numbers("frontalMask", -1).astype(np.int64)
                if not len(mask) or not 0 <= mask.min() <= mask.max() < len(neutral):
                    raise ModelUnusable(f"{data}: frontalMask names vertices beyond its {len(neutral)}")
            self.index = (3 * mask[:, None] + np.arange(3)).reshape(-1)
            """Which of the flattened coordinates count."""
            self.names = tuple(names[1:])
            self.active = np.flatnonzero(told.active)
            poses = [arrays.numbers(self.names[k], len(neutral), 3).reshape(-1)[self.index] for k in self.active]
        if not poses:
            raise ModelUnusable(f"{config}: no pose is active")
        self.poses: Matrix = np.stack(poses, axis=1).astype(np.float64)
        """The active poses' deltas, a column each."""
        self.neutral: Vector = neutral.reshape(-1)[self.index]
        # The diagonal of all vertices, whatever templateBBSize is called.
        size = np.linalg.norm(np.ptp(neutral, axis=0))
        scale = float(size / told.size) ** 2
        n = len(self.active)
        pairs = np.zeros((0, n))
        for i, j in self._pairs(told.symmetry):
            row = np.zeros((1, n))
            row[0, i], row[0, j] = 1.0, -1.0
            pairs = np.concatenate([pairs, row])
        self.a: Matrix = (
            self.poses.T @ self.poses
            + scale * (0.25 * told.l1**2 + (10.0 * told.l2 + 100.0 * told.temporal) * np.eye(n))
            + scale * 10.0 * told.strength_symmetry * pairs.T @ pairs
        )
        self.pull = scale * told.temporal
        """How much the last frame counts: a hundredth of what ``a`` has for it, as in NVIDIA's solvers."""
        if not _solvable(self.a):
            raise ModelUnusable(f"{data}: its poses are mixes of each other, so no face has one set of weights")
        self._h = self.a @ self.a
        self._cancel = self._pairs(told.cancel)
        self.multipliers, self.offsets = told.multipliers, told.offsets
        self.groups = {"active_poses": told.active, "cancel_poses": told.cancel, "symmetry_poses": told.symmetry}
        """As the configuration has them: a number for each pose."""

    @property
    def shapes(self) -> tuple[str, ...]:
        """The names as the wire spells them."""
        return tuple(name[0].upper() + name[1:] for name in self.names)

    def weights(self, b: Vector, before: Vector) -> tuple[Vector, Vector]:
        """All poses' weights and the solution to be the next frame's ``before``, from ``poses' (geometry - neutral)``.

        Multipliers and offsets are not yet applied.
        """
        q = self.a @ (b + self.pull * before)
        upper = np.ones(len(b))
        x = quadratic(self._h, q, upper, before)
        if self._cancel:
            for i, j in self._cancel:
                upper[j if x[i] >= x[j] else i] = CANCELLED
            x = quadratic(self._h, q, upper, x)
        every = np.zeros(len(self.names))
        every[self.active] = x
        return every, x

    def _pairs(self, groups: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Places among the active poses of the two that share a group of 0 or more."""
        members: dict[int, list[int]] = {}
        for place, group in enumerate(groups[self.active].tolist()):
            members.setdefault(group, []).append(place)
        return [(two[0], two[1]) for group, two in members.items() if group >= 0 and len(two) == 2]


def _solvable(a: Matrix) -> bool:
    try:
        np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        return False
    return bool(np.isfinite(a).all())


class _Config:
    """``bs_*_config.json``."""

    def __init__(self, path: Path) -> None:
        told = read_json(path).get("blendshape_params")
        self._told: dict[str, Any] = told if isinstance(told, dict) else {}
        self._path = path
        self.poses = int(self._number("numPoses"))
        if not 0 < self.poses <= MOST_NAMES:
            raise ModelUnusable(f"{path}: numPoses is {self.poses}; 1 to {MOST_NAMES} make sense")
        self.size = self._number("templateBBSize")
        if self.size <= 0.0:
            raise ModelUnusable(f"{path}: templateBBSize is {self.size:g}")
        self.l1, self.l2 = self._number("strengthL1regularization"), self._number("strengthL2regularization")
        self.temporal = self._number("strengthTemporalSmoothing")
        self.strength_symmetry = self._number("strengthSymmetry")
        self.active = self._each("bsSolveActivePoses").astype(np.int64)
        self.cancel = self._each("bsSolveCancelPoses").astype(np.int64)
        self.symmetry = self._each("bsSolveSymmetryPoses").astype(np.int64)
        self.multipliers: Floats = self._each("bsWeightMultipliers")
        self.offsets: Floats = self._each("bsWeightOffsets")

    def _number(self, name: str) -> float:
        value = self._told.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1e6:
            raise ModelUnusable(f"{self._path}: {name} is {repr(value)[:40]}, or missing")
        return float(value)

    def _each(self, name: str) -> Floats:
        try:
            values = np.array(self._told.get(name), np.float32).reshape(self.poses)
        except (TypeError, ValueError, OverflowError):
            raise ModelUnusable(f"{self._path}: {name} has no number for each of {self.poses} poses") from None
        if not np.isfinite(values).all():
            raise ModelUnusable(f"{self._path}: {name} holds what is no number")
        return values
