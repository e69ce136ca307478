"""What ``network_info.json`` tells: the tensors of the network and what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.embedded.face.features import RATE, Floats
from pipelines.embedded.face.network.folder import ModelUnusable, read_json

MOST = 100_000
"""A network with more numbers of a kind than this is none of these."""


@dataclass(frozen=True)
class Layout:
    """Sizes of the answer's parts, in their order: skin, tongue, jaw, eyes; and how the sound is cut."""

    actor: str
    version: str
    skin: int
    tongue: int
    jaw: int
    eyes: int
    implicit: int
    """Length of the implicit emotion, which stands before the explicit ones."""
    emotions: tuple[str, ...]
    default_emotion: Floats
    buffer: int
    """Samples of a window at 16 kHz."""
    offset: int
    """The sample of a window that its frame belongs to."""

    @staticmethod
    def read(path: Path) -> Layout:
        """Raises :class:`ModelUnusable` for a diffusion model, and for anything that is missing."""
        told = read_json(path)
        identity, params, audio = (_group(told, name, path) for name in ("id", "params", "audio_params"))
        kind = identity.get("type")
        if kind != "regression":
            kind = "diffusion model (v3.0)" if kind == "diffusion" else f"model of type {kind!r}"
            raise ModelUnusable(f"{path}: a {kind}; only regression models (v2.3, v2.3.1) run here")

        def count(group: dict[str, Any], name: str) -> int:
            value = group.get(name)
            if not isinstance(value, int) or not 0 <= value <= MOST:
                raise ModelUnusable(f"{path}: {name} is {value!r}, and should be a number of things")
            return value

        if (rate := count(audio, "samplerate")) != RATE:
            raise ModelUnusable(f"{path}: sound of {rate} Hz, and {RATE} Hz are what the regression models hear")
        emotions = params.get("explicit_emotions")
        if not isinstance(emotions, list) or not all(isinstance(name, str) for name in emotions):
            raise ModelUnusable(f"{path}: explicit_emotions is no list of names")
        try:
            default = np.array(params.get("default_emotion", [0.0] * len(emotions)), np.float32).reshape(len(emotions))
            if not np.isfinite(default).all():
                raise ValueError("too large")
        except (TypeError, ValueError, OverflowError):
            raise ModelUnusable(f"{path}: default_emotion has no number for each of {len(emotions)} emotions") from None
        layout = Layout(
            actor=str(identity.get("actor", "")),
            version=str(identity.get("version", "")),
            skin=count(params, "num_shapes_skin"),
            tongue=count(params, "num_shapes_tongue"),
            jaw=count(params, "result_jaw_size"),
            eyes=count(params, "result_eyes_size"),
            implicit=count(params, "implicit_emotion_len"),
            emotions=tuple(emotions),
            default_emotion=default,
            buffer=count(audio, "buffer_len"),
            offset=count(audio, "buffer_ofs"),
        )
        if not 0 < layout.offset < layout.buffer:
            raise ModelUnusable(f"{path}: a window of {layout.buffer} samples cannot have its frame at {layout.offset}")
        return layout

    @property
    def total(self) -> int:
        """Numbers that the network answers for a frame."""
        return self.skin + self.tongue + self.jaw + self.eyes

    @property
    def feeling(self) -> int:
        """Numbers of the emotion that the network is given."""
        return self.implicit + len(self.emotions)


def _group(told: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    group = told.get(name)
    if not isinstance(group, dict):
        raise ModelUnusable(f"{path}: it has no {name}")
    return group
