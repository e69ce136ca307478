"""From the mouth's few controls and a mood to the 52 blendshapes that the service answers with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from aurora.names import PASCAL_CASE
from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.moods import MOODS
from pipelines.embedded.face.visemes import CONTROLS
from pipelines.embedded.face.wishes import Finish, Wishes

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

_SHOWN = {
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

_FROM_MOUTH = _mixture(_MOUTH, CONTROLS)
_FROM_MOOD = _mixture({mood: _SHOWN[mood] for mood in MOODS}, MOODS)
_JAW, _CLOSE = CONTROLS.index("jaw"), CONTROLS.index("close")
_PARTING = [CONTROLS.index("funnel"), CONTROLS.index("teeth")]
_MEET = 0.85
"""The ``close`` at which lips meet: networks are taught 0.95 and seldom sure of it, and smoothing takes some away."""
_LOWER = np.array([name.startswith(("Jaw", "Mouth", "Cheek", "Tongue")) for name in PASCAL_CASE])

USUAL_LOWER_STRENGTH = 1.25
"""The service's own default of ``lowerFaceStrength``, at which our mouth moves as trained."""

STRENGTHS = (0.0, 2.0)
"""Lowest and highest strength of a half of the face; beyond them the service's limits hold."""


class Rig:
    """Poses for one clip. Of the face parameters it knows the strengths of the face's two halves."""

    def __init__(self, wishes: Wishes) -> None:
        lower = wishes.parameter("lowerFaceStrength", USUAL_LOWER_STRENGTH, *STRENGTHS) / USUAL_LOWER_STRENGTH
        upper = wishes.parameter("upperFaceStrength", 1.0, *STRENGTHS)
        self._strengths = np.where(_LOWER, lower, upper).astype(np.float32)
        self._finish = Finish(PASCAL_CASE, wishes)

    def poses(self, controls: Floats, moods: Floats) -> Floats:
        """Controls ``(n, 8)`` and moods ``(n, 10)`` to weights ``(n, 52)``, clamped only if the client asked."""
        close = np.minimum(controls[:, _CLOSE] / _MEET, 1.0)
        controls = controls.copy()
        controls[:, _PARTING] *= 1.0 - close[:, None]  # lips that meet show no teeth
        weights = controls @ _FROM_MOUTH + moods @ _FROM_MOOD
        jaw = weights[:, _PLACE["JawOpen"]].copy()
        shut = jaw * close  # lips meet however far the jaw has dropped
        weights[:, _PLACE["MouthClose"]] += shut
        weights[:, _PLACE["JawOpen"]] -= shut  # Audio2Face's MouthClose has the jaw's drop in it
        return self._finish(weights * self._strengths)
