"""The pose of the face at a moment: the mouth from speech, eyes and lids always from the idle face.

Whoever draws her asks once for each picture, for a position in the sound. So an underrun cannot shift the lips. Where
playout is silent, paused or cleared, the mouth falls shut.
"""

from __future__ import annotations

import numpy as np

from aurora.face import ARKIT, Weights
from aurora.idle import IdleFace
from aurora.timeline import FaceTimeline

RELEASE = 0.1
"""Seconds in which the mouth returns to rest when its speech is gone."""

CALM = 0.4
"""The same for brows, cheeks, eyes and smile: a mood does not go like a word."""

_SPEECH = np.array([not name.startswith("eyeLook") for name in ARKIT], np.float32)
"""What speech may move: all but the gaze."""

_LIPS = np.array([name.startswith(("jaw", "mouth", "tongue")) for name in ARKIT])
_SLOW = np.array(["Smile" in name or "Frown" in name for name in ARKIT]) | ~_LIPS
_RELEASES = np.where(_SLOW, CALM, RELEASE).astype(np.float32)


class Performer:
    """Joins the timeline of speech with the face at rest. No clock of its own: every call brings the time."""

    def __init__(self, timeline: FaceTimeline, idle: IdleFace) -> None:
        self._timeline = timeline
        self._idle = idle
        self._spoken = np.zeros(len(ARKIT), np.float32)
        self._spoken_at = -CALM

    @property
    def head(self) -> tuple[float, float]:
        """How the head is turned in the last pose: pitch (down) and yaw (to her left), in radians."""
        return self._idle.head

    def pose(self, now: float, generation: int | None = None, position: float = 0.0) -> Weights:
        """The pose at ``now`` (``loop.time()``), shape ``(52,)``, each in 0..1.

        ``generation`` is what is audible now, or ``None`` in silence and in a pause; ``position`` the seconds of its
        sound that have been heard. Ask with times that don't go back.
        """
        speech = None if generation is None else self._timeline.at(generation, position)
        if speech is None:
            fading = 1.0 - np.float32(now - self._spoken_at) / _RELEASES
            speech = self._spoken * np.clip(fading, 0.0, 1.0)
        else:
            self._spoken, self._spoken_at = speech, now
        # At rest the mouth is 0 and speech moves no gaze, so the larger of the two is right everywhere.
        pose: Weights = np.maximum(speech * _SPEECH, self._idle.at(now))
        return pose
