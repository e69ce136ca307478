"""What a client wishes for a clip: its header's face parameters, multipliers, offsets and clamping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.embedded.face.features import Floats


@dataclass(frozen=True)
class Wishes:
    """The defaults are the service's. ``parameters`` has the camelCase names of the wire."""

    multipliers: Mapping[str, float] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)
    clamp: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(header: Any) -> Wishes:
        """Those of an ``AudioWithEmotionStreamHeader``."""
        shapes = header.blendshape_params
        return Wishes(
            multipliers=dict(shapes.bs_weight_multipliers),
            offsets=dict(shapes.bs_weight_offsets),
            clamp=shapes.enable_clamping_bs_weight,
            parameters=dict(header.face_params.float_params),
        )

    def parameter(self, name: str, usual: float, low: float, high: float) -> float:
        """A face parameter between its limits; ``usual`` where it was not told, or is no number."""
        told = self.parameters.get(name, usual)
        return min(high, max(low, told if math.isfinite(told) else usual))


class Finish:
    """The last step of every solver: weight x multiplier + offset, clamped only if the client asked.

    ``multipliers`` and ``offsets`` are the model's own, in the order of ``names``; a client's replace them one by one.
    """

    def __init__(
        self, names: tuple[str, ...], wishes: Wishes, multipliers: Floats | None = None, offsets: Floats | None = None
    ) -> None:
        self._multipliers = _replaced(names, wishes.multipliers, 1.0, multipliers)
        self._offsets = _replaced(names, wishes.offsets, 0.0, offsets)
        self._clamp = wishes.clamp

    def __call__(self, weights: Floats) -> Floats:
        finished: Floats = weights * self._multipliers + self._offsets
        return np.clip(finished, 0.0, 1.0) if self._clamp else finished


def _replaced(names: tuple[str, ...], told: Mapping[str, float], usual: float, own: Floats | None) -> Floats:
    base = np.full(len(names), usual, np.float32) if own is None else own
    return np.array([told.get(name, base[place]) for place, name in enumerate(names)], np.float32)
