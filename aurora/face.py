"""The protocol of a face: sound in, blendshape frames out. No gRPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aurora.moods import MoodTrack

Pcm = NDArray[np.int16]
Weights = NDArray[np.float32]

ARKIT: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose",
    "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight",
    "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 ARKit blendshapes in Apple's order; a frame's weights stand in this order."""


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """One pose of the face.

    ``time`` is its time code in seconds from the first sample of the sound; ``weights`` has shape ``(52,)``, in the
    order of :data:`ARKIT`, clamped to 0..1. Where a face cuts the sound into several clips, ``clip`` is the second at
    which this frame's clip begins.
    """

    time: float
    weights: Weights
    clip: float = 0.0


class Face(Protocol):
    """Animates one clip of speech: int16 mono sound of ``rate`` Hz in, frames with rising time codes out.

    Frames come in bursts, faster than real time; whoever shows them looks them up by playing position. Closing
    the generator cancels the RPC. ``moods`` tells how the sound is felt; not every face shows that.
    """

    def animate(
        self, sound: AsyncIterator[Pcm], rate: int, moods: MoodTrack | None = None
    ) -> AsyncGenerator[FaceFrame, None]: ...
