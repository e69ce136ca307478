"""Settings of the Audio2Face client; their descriptions become ``--help``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from aurora.face import ARKIT
from aurora.names import MouthClose

EMOTIONS = (
    "amazement", "anger", "cheekiness", "disgust", "fear", "grief", "joy", "outofbreath", "pain", "sadness",
)  # fmt: skip
"""What Audio2Face-3D can be told to feel."""

Emotion = Literal[
    "amazement", "anger", "cheekiness", "disgust", "fear", "grief", "joy", "outofbreath", "pain", "sadness"
]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

_KNOWN = {name.lower() for name in ARKIT}


class FaceSettings(BaseModel):
    """How the face is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer_seconds: float = Field(
        5.0, gt=0.0, le=60.0, description="Longest wait for the face service's next message, in seconds."
    )
    stall_seconds: float = Field(
        1.0,
        ge=0.1,
        le=5.0,
        description="Silence of the voice, in seconds, after which the clip is ended and the next sound starts a new "
        "one. The service cuts clips that are fed more slowly than they play for 7 s.",
    )
    clip_seconds: float = Field(
        240.0, ge=1.0, le=300.0, description="Longest clip, in seconds; the service refuses more than 300."
    )
    emotions: dict[Emotion, Share] = Field(
        default_factory=dict, description="Mood of the face, 0 to 1 for each emotion, for example {joy: 0.3}."
    )
    emotion_strength: Share = Field(0.6, description="How strongly emotions show: 0 not at all, 1 fully.")
    mouth_close: MouthClose = Field(
        "a2f",
        description="What the service means by mouthClose: a2f (the dropped jaw is in it) or arkit. Where her lips "
        "stay apart in mama, set arkit; where they cross, a2f.",
    )
    multipliers: dict[str, Annotated[float, Field(ge=0.0, le=10.0)]] = Field(
        default_factory=dict, description="Factors for single blendshapes by ARKit name, for example {jawOpen: 0.8}."
    )
    parameters: dict[str, float] = Field(
        default_factory=dict,
        description="Audio2Face's own face parameters by their camelCase names, for example {lowerFaceStrength: 1.3}.",
    )

    @field_validator("multipliers")
    @classmethod
    def _are_blendshapes(cls, multipliers: dict[str, float]) -> dict[str, float]:
        for name in multipliers:
            if name.lower() not in _KNOWN:
                raise ValueError(f"{name} is no ARKit blendshape; jawOpen is one")
        return multipliers
