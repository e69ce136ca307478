"""The dozen numbers that style a face: the model's own in ``model_config.json``, changed by what a client wishes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from pipelines.embedded.face.network.folder import ModelUnusable, read_json
from pipelines.embedded.face.wishes import Wishes

RANGES: dict[str, tuple[float, float]] = {
    "lower_face_strength": (0.0, 2.0),
    "upper_face_strength": (0.0, 2.0),
    "lower_face_smoothing": (0.0, 0.1),
    "upper_face_smoothing": (0.0, 0.1),
    "face_mask_level": (0.0, 1.0),
    "face_mask_softness": (0.001, 0.5),
    "skin_strength": (0.0, 2.0),
    "eyelid_open_offset": (-1.0, 1.0),
    "lip_open_offset": (-0.2, 0.2),
    "tongue_strength": (0.0, 3.0),
    "tongue_height_offset": (-3.0, 3.0),
    "tongue_depth_offset": (-3.0, 3.0),
}
"""Lowest and highest value of each, as NVIDIA's SDK has them. Smoothing is a half-life in seconds."""

MOST = 1e6
"""No number of a model's configuration is larger, up or down."""


@dataclass(frozen=True)
class Parameters:
    """``input_strength`` scales the sound and cannot be wished for; the others are the wire's ``face_params``."""

    input_strength: float
    lower_face_strength: float
    upper_face_strength: float
    lower_face_smoothing: float
    upper_face_smoothing: float
    face_mask_level: float
    face_mask_softness: float
    skin_strength: float
    eyelid_open_offset: float
    lip_open_offset: float
    tongue_strength: float
    tongue_height_offset: float
    tongue_depth_offset: float
    source_shot: str
    """Where the implicit emotion is to be found: shot and frame of the emotion database."""
    source_frame: int

    @staticmethod
    def read(path: Path) -> Parameters:
        """The model's own; raises :class:`ModelUnusable` where one is missing."""
        told = read_json(path).get("config")
        if not isinstance(told, dict):
            raise ModelUnusable(f"{path}: it has no config")
        found: dict[str, object] = {}
        for field in fields(Parameters):
            value = told.get(field.name)
            kind = {"source_shot": str, "source_frame": int}.get(field.name, int | float)
            wild = isinstance(value, int | float) and not abs(value) <= MOST
            if not isinstance(value, kind) or isinstance(value, bool) or wild:
                raise ModelUnusable(f"{path}: {field.name} is {repr(value)[:40]}, or missing")
            found[field.name] = value
        return Parameters(**found)  # type: ignore[arg-type]

    def wished(self, wishes: Wishes) -> Parameters:
        """With what a client wishes, kept within the ranges."""
        values = dict(self.__dict__)
        for name, (low, high) in RANGES.items():
            values[name] = wishes.parameter(_camel(name), values[name], low, high)
        return Parameters(**values)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
