"""The engine that comes with the project: a small numpy network that steers the mouth, and a rig that poses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.names import PASCAL_CASE
from pipelines.embedded.face.engine import FPS, Frames
from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.moods import MOODS, Mood
from pipelines.embedded.face.rig import USUAL_LOWER_STRENGTH, Rig
from pipelines.embedded.face.solver import LipSolver, trained
from pipelines.embedded.face.wishes import Wishes

SOLVED_AT_ONCE = 0.5
"""Seconds of sound in a batch: about 3 ms of work."""


class Lips:
    """An :class:`~pipelines.embedded.face.engine.Engine` that needs nothing but the project."""

    names = PASCAL_CASE

    def __init__(self) -> None:
        trained()  # read before the first clip asks for it

    def solver(self, rate: int, wishes: Wishes, mood: Mood) -> _Clip:
        return _Clip(rate, wishes, mood)

    def about(self) -> dict[str, object]:
        return {}

    def stylization(self) -> dict[str, Any]:
        return {
            "face_params": {"lower_face_strength": USUAL_LOWER_STRENGTH, "upper_face_strength": 1.0},
            "blendshape_params": {
                "enable_clamping_bs_weight": False,
                "weight_multipliers": dict.fromkeys(PASCAL_CASE, 1.0),
                "weight_offsets": dict.fromkeys(PASCAL_CASE, 0.0),
            },
        }


class _Clip:
    def __init__(self, rate: int, wishes: Wishes, mood: Mood) -> None:
        self._step = int(SOLVED_AT_ONCE * rate)
        self._solver, self._rig, self._mood = LipSolver(rate), Rig(wishes), mood
        self._made = 0

    def push(self, pcm: NDArray[np.int16]) -> Iterator[Frames]:
        for start in range(0, len(pcm), self._step):
            yield self._posed(self._solver.push(pcm[start : start + self._step]))

    def finish(self) -> Iterator[Frames]:
        yield self._posed(self._solver.finish())

    def _posed(self, controls: Floats) -> Frames:
        times = (np.arange(len(controls)) + self._made) / FPS
        self._made += len(controls)
        moods = np.array([self._mood.at(time, 1 / FPS) for time in times], np.float32)
        moods = moods.reshape(len(controls), len(MOODS))
        return Frames(self._rig.poses(controls, moods), moods)
