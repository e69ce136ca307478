"""The fold: everything between the network's coefficients and the blendshapes' solve, as small matrices.

The coefficients of a principal component basis move tens of thousands of vertices, the masks split them into an upper
and a lower face, and the solve projects what comes of it on its poses. All of that is linear and is multiplied out
once: no vertex is touched for a frame. Smoothing is the same for all vertices of a half, so the coefficients get it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.moods import MOODS
from pipelines.embedded.face.network.bounded import Matrix, Vector
from pipelines.embedded.face.network.folder import Arrays, Folder, ModelUnusable
from pipelines.embedded.face.network.layout import Layout
from pipelines.embedded.face.network.parameters import Parameters
from pipelines.embedded.face.network.solve import Solve

FOLDS_KEPT = 4
"""Folds for different masks; a client's own mask costs one, about 70 ms in the worker."""


@dataclass(frozen=True)
class Half:
    """One half of the face: what it gives each pose (rows) per coefficient, per closed lid and per open lip."""

    coefficients: Matrix
    lids: Vector
    lips: Vector


class Model:
    """What does not change from clip to clip; about 40 MB for a model of NVIDIA's."""

    def __init__(self, folder: Folder, layout: Layout) -> None:
        self.layout, self.parameters = layout, Parameters.read(folder.config)
        self.skin, self.tongue = Solve(folder.skin, folder.skin_config), Solve(folder.tongue, folder.tongue_config)
        self._implicit = _implicit(folder, self.layout, self.parameters)
        with Arrays(folder.data) as arrays:
            self._read_skin(arrays, folder)
            self._read_tongue(arrays, folder)
        self._folds: OrderedDict[tuple[float, float], tuple[Half, Half]] = OrderedDict()
        self._folding = Lock()
        self._explicit = [MOODS.index(name) if name in MOODS else -1 for name in self.layout.emotions]

    def _read_skin(self, arrays: Arrays, folder: Folder) -> None:
        mean = arrays.numbers("shapes_mean_skin", -1, 3).astype(np.float64)
        _same_vertices(folder.skin, self.skin, folder.data, len(mean))
        height = mean[:, 1] - mean[:, 1].min()
        index = self.skin.index
        if height.max() <= 0.0:
            raise ModelUnusable(f"{folder.data}: its mean face is flat, and has no upper and lower half")
        self._height = np.repeat(height / height.max(), 3)[index]
        shapes = arrays.numbers("shapes_matrix_skin", self.layout.skin, len(mean), 3)
        self._shapes: Floats = shapes.reshape(len(shapes), -1)[:, index].astype(np.float32)
        self._lids = arrays.numbers("eye_close_pose_delta", len(mean), 3).reshape(-1)[index].astype(np.float64)
        self._lips = arrays.numbers("lip_open_pose_delta", len(mean), 3).reshape(-1)[index].astype(np.float64)
        self.rest: Vector = self.skin.poses.T @ (mean.reshape(-1)[index] - self.skin.neutral)
        """What the mean face gives each pose."""

    def _read_tongue(self, arrays: Arrays, folder: Folder) -> None:
        mean = arrays.numbers("shapes_mean_tongue", -1, 3).astype(np.float64)
        _same_vertices(folder.tongue, self.tongue, folder.data, len(mean))
        index, poses = self.tongue.index, self.tongue.poses
        shapes = arrays.numbers("shapes_matrix_tongue", self.layout.tongue, len(mean), 3)
        self.tongue_fold: Matrix = poses.T @ shapes.reshape(len(shapes), -1)[:, index].T.astype(np.float64)
        self.tongue_rest: Vector = poses.T @ (mean.reshape(-1)[index] - self.tongue.neutral)
        self.tongue_axes: Matrix = poses.T @ np.tile(np.eye(3), (len(index) // 3, 1))
        """What a shift along x, y and z gives each pose."""

    def fold(self, level: float, softness: float) -> tuple[Half, Half]:
        """Lower and upper half for a mask: ``level`` and ``softness`` as shares of the face's height."""
        with self._folding:
            key = (level, softness)
            if key not in self._folds:
                lower = 1.0 / (1.0 + np.exp(-(level - self._height) / softness))
                self._folds[key] = self._half(lower), self._half(1.0 - lower)
            self._folds.move_to_end(key)
            while len(self._folds) > FOLDS_KEPT:
                self._folds.popitem(last=False)
            return self._folds[key]

    def _half(self, mask: Vector) -> Half:
        poses = (self.skin.poses * mask[:, None]).T
        coefficients = (poses.astype(np.float32) @ self._shapes.T).astype(np.float64)
        return Half(coefficients, poses @ self._lids, poses @ self._lips)

    def feelings(self, moods: Floats) -> Floats:
        """The network's emotion, ``(n, 1, feeling)``, for moods ``(n, 10)`` in the order of the service's names."""
        explicit = np.tile(self.layout.default_emotion, (len(moods), 1))
        for place, mood in enumerate(self._explicit):
            if mood >= 0:
                explicit[:, place] += moods[:, mood]
        implicit = np.tile(self._implicit, (len(moods), 1))
        return np.concatenate([implicit, explicit], axis=1, dtype=np.float32)[:, None, :]


def _same_vertices(path: Path, solve: Solve, other: Path, found: int) -> None:
    if solve.vertices != found:
        raise ModelUnusable(
            f"{path} has {solve.vertices} vertices, {other.name} {found}: files of two characters are mixed"
        )


def _implicit(folder: Folder, layout: Layout, parameters: Parameters) -> Floats:
    """The implicit emotion of the shot and frame that the model's configuration names."""
    with Arrays(folder.emotions) as arrays:
        shots, shot, frame = arrays.words("emo_spec_names"), parameters.source_shot, parameters.source_frame
        if shot not in shots:
            raise ModelUnusable(f"{folder.emotions} has no shot {shot}, which {folder.config.name} names")
        place = shots.index(shot)
        size = int(arrays.numbers("emo_spec_size", len(shots))[place])
        if not 0 <= frame < size:
            raise ModelUnusable(f"{folder.emotions}: shot {shot} has {size} frames, and none with number {frame}")
        row = int(arrays.numbers("emo_spec_start", len(shots))[place]) + frame
        rows = arrays.numbers("emo_db", -1, layout.implicit)
        if not 0 <= row < len(rows):
            raise ModelUnusable(f"{folder.emotions}: shot {shot} lies beyond its {len(rows)} rows")
        implicit: Floats = rows[row].astype(np.float32)
        return implicit
