"""One clip's way from the network's answers to weights: smoothing, then the solves of skin and tongue."""

from __future__ import annotations

import numpy as np

from pipelines.embedded.face.engine import FPS
from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.network.bounded import Vector
from pipelines.embedded.face.network.model import Model
from pipelines.embedded.face.network.parameters import Parameters


class Poses:
    """Call it for every frame in order; it remembers what smoothing and solves need of the last one."""

    def __init__(self, model: Model, parameters: Parameters, *, tongue: bool) -> None:
        p = parameters
        self._model = model
        lower, upper = model.fold(p.face_mask_level, p.face_mask_softness)
        self._lower = lower.coefficients * p.skin_strength * p.lower_face_strength
        self._upper = upper.coefficients * p.skin_strength * p.upper_face_strength
        self._rest = (
            model.rest
            + p.lower_face_strength * (lower.lips * p.lip_open_offset - lower.lids * p.eyelid_open_offset)
            + p.upper_face_strength * (upper.lips * p.lip_open_offset - upper.lids * p.eyelid_open_offset)
        )
        self._steps = np.array([[_step(p.lower_face_smoothing)], [_step(p.upper_face_smoothing)]])
        self._once: Floats | Vector | None = None
        self._skin_before = np.zeros(len(model.skin.active))
        self._tongue = model.tongue_fold * p.tongue_strength if tongue else None
        self._tongue_rest = model.tongue_rest + model.tongue_axes @ (0.0, p.tongue_height_offset, p.tongue_depth_offset)
        self._tongue_before = np.zeros(len(model.tongue.active))

    def __call__(self, answer: Floats) -> Floats:
        """Weights of the skin's poses, then of the tongue's if asked for, from what the network says of a frame."""
        skin_end, tongue_end = np.cumsum((self._model.layout.skin, self._model.layout.tongue))
        coefficients = answer[:skin_end].astype(np.float64)
        if self._once is None:
            self._once = np.stack([coefficients, coefficients])
            self._twice = self._once.copy()
        self._once += (coefficients - self._once) * self._steps
        self._twice += (self._once - self._twice) * self._steps
        low, high = self._twice
        weights, self._skin_before = self._model.skin.weights(
            self._rest + self._lower @ low + self._upper @ high, self._skin_before
        )
        if self._tongue is not None:
            b = self._tongue_rest + self._tongue @ answer[skin_end:tongue_end]
            more, self._tongue_before = self._model.tongue.weights(b, self._tongue_before)
            weights = np.concatenate([weights, more])
        found: Floats = weights.astype(np.float32)
        return found


def _step(half_life: float) -> float:
    """The share of a change that one frame takes over."""
    return 1.0 - 0.5 ** (1.0 / FPS / half_life) if half_life > 0.0 else 1.0
