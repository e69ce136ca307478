"""From the mouth's few controls and a mood to the 52 blendshapes that the service answers with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aurora.names import PASCAL_CASE
from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.visemes import CONTROLS

_PLACE = {name: place for place, name in enumerate(PASCAL_CASE)}


def _mixture(table: Mapping[str, Mapping[str, float]], sources: Iterable[str]) -> Floats:
    """A matrix from sources to blendshapes; ``Mouth…*`` stands for both sides."""
    matrix = np.zeros((len(list(sources)), len(PASCAL_CASE)), np.float32)
    for row, shapes in enumerate(table.values()):
        for shape, amount in shapes.items():
            for name in (shape[:-1] + "Left", shape[:-1] + "Right") if shape.endswith("*") else (shape,):
                matrix[row, _PLACE[name]] = amount
    return matrix


_MOUTH = {
    "jaw": {"JawOpen": 1.0},
    "close": {"MouthPress*": 0.15},  # the rest of closing depends on the jaw, see Rig.poses
    "funnel": {"MouthFunnel": 1.0},
    "pucker": {"MouthPucker": 1.0},
    "spread": {"MouthSmile*": 0.25, "MouthStretch*": 0.5},
    "teeth": {"MouthLowerDown*": 0.8, "MouthUpperUp*": 0.5},
    "roll": {"MouthRollLower": 0.8},
    "tongue": {},  # ARKit's only tongue shape sticks it out
}

_MOODS = {
    "amazement": {"BrowInnerUp": 0.7, "BrowOuterUp*": 0.8, "EyeWide*": 0.6, "JawOpen": 0.15},
    "anger": {"BrowDown*": 0.9, "EyeSquint*": 0.4, "NoseSneer*": 0.4, "MouthPress*": 0.3},
    "cheekiness": {"MouthSmileLeft": 0.6, "MouthSmileRight": 0.2, "BrowOuterUpRight": 0.4, "CheekSquintLeft": 0.3},
    "disgust": {"NoseSneer*": 0.8, "MouthUpperUp*": 0.4, "BrowDown*": 0.4, "MouthFrown*": 0.3},
    "fear": {"BrowInnerUp": 0.8, "EyeWide*": 0.8, "MouthStretch*": 0.4},
    "grief": {"BrowInnerUp": 0.9, "MouthFrown*": 0.7, "EyeSquint*": 0.3},
    "joy": {"MouthSmile*": 0.7, "CheekSquint*": 0.5, "EyeSquint*": 0.2, "BrowOuterUp*": 0.15},
    "outofbreath": {"JawOpen": 0.25, "BrowInnerUp": 0.4, "NoseSneer*": 0.2},
    "pain": {"BrowDown*": 0.6, "EyeSquint*": 0.7, "MouthStretch*": 0.5, "NoseSneer*": 0.3},
    "sadness": {"BrowInnerUp": 0.7, "MouthFrown*": 0.5, "EyeBlink*": 0.1},
}
MOODS = tuple(_MOODS)

_FROM_MOUTH = _mixture(_MOUTH, CONTROLS)
_FROM_MOOD = _mixture(_MOODS, MOODS)
_JAW, _CLOSE = CONTROLS.index("jaw"), CONTROLS.index("close")
_LOWER = np.array([name.startswith(("Jaw", "Mouth", "Cheek", "Tongue")) for name in PASCAL_CASE])

USUAL_LOWER_STRENGTH = 1.25
"""The service's own default of ``lowerFaceStrength``, at which our mouth moves as trained."""

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Tuning:
    """A client's wishes for a clip, as its header tells them; the defaults are the service's."""

    multipliers: Mapping[str, float] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)
    clamp: bool = False
    lower_strength: float = USUAL_LOWER_STRENGTH
    upper_strength: float = 1.0


class Rig:
    """Poses for one clip."""

    def __init__(self, tuning: Tuning) -> None:
        self._multipliers = np.array([tuning.multipliers.get(name, 1.0) for name in PASCAL_CASE], np.float32)
        self._offsets = np.array([tuning.offsets.get(name, 0.0) for name in PASCAL_CASE], np.float32)
        self._clamp = tuning.clamp
        strengths = np.where(_LOWER, tuning.lower_strength / USUAL_LOWER_STRENGTH, tuning.upper_strength)
        self._strengths = strengths.astype(np.float32)

    def poses(self, controls: Floats, moods: Floats) -> Matrix:
        """Controls ``(n, 8)`` and moods ``(n, 10)`` to weights ``(n, 52)``, clamped only if the client asked."""
        weights = controls @ _FROM_MOUTH + moods @ _FROM_MOOD
        jaw = weights[:, _PLACE["JawOpen"]].copy()
        shut = jaw * controls[:, _CLOSE]  # lips meet however far the jaw has dropped
        weights[:, _PLACE["MouthClose"]] += shut
        weights[:, _PLACE["JawOpen"]] -= shut  # Audio2Face's MouthClose has the jaw's drop in it
        tuned: Matrix = weights * self._strengths * self._multipliers + self._offsets
        return np.clip(tuned, 0.0, 1.0) if self._clamp else tuned
