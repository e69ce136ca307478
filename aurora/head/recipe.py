"""A person is a recipe: shapes with weights, a resting look, how strongly the units act, colours, hair, clothes.

Two recipes come with the package (``people/*.json``); :func:`load` also reads one from a file of yours.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from aurora.face import ARKIT

PEOPLE = Path(__file__).with_name("people")

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Colour = tuple[Share, Share, Share]
"""Red, green and blue as on a screen (sRGB), each 0..1."""


class RecipeUnusable(ValueError):
    """A recipe that cannot be read; the message says where and why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hair(_Part):
    """The cut and its colours."""

    style: Literal["bob", "short"] = Field(description="Cut.")
    colour: Colour = Field(description="Colour at the roots.")
    tip: Colour = Field(description="Colour at the ends.")
    grey: Share = Field(0.0, description="Share of grey locks.")
    parting: float = Field(0.2, ge=-0.4, le=0.4, description="Where the parting begins, in decimetres to her left.")


class Brows(_Part):
    """Painted hair by hair."""

    colour: Colour = Field(description="Colour of the hairs.")
    width: float = Field(1.0, ge=0.3, le=2.0, description="Thickness; 1 is usual.")
    density: float = Field(1.0, ge=0.2, le=2.0, description="Number of hairs; 1 is usual.")


class Skin(_Part):
    """Colour of the skin and what lies on it."""

    colour: Colour = Field(description="Colour without blood in it.")
    blush: float = Field(0.5, ge=0.0, le=1.5, description="Blood in cheeks, nose and chin.")
    freckles: int = Field(0, ge=0, le=400, description="How many freckles.")
    stubble: Share = Field(0.0, description="Density of a beard that was shaved yesterday.")
    lips: Colour = Field(description="Colour of the lips.")


class Eyes(_Part):
    """Iris and lashes."""

    outer: Colour = Field(description="Outer iris.")
    inner: Colour = Field(description="Iris around the pupil.")
    lashes: float = Field(1.0, ge=0.2, le=1.5, description="Length of the lashes; 1 is usual.")


class Clothes(_Part):
    """Jacket and blouse."""

    jacket: Colour = Field(description="Colour of the jacket.")
    blouse: Colour = Field(description="Colour of what is worn below.")


class Recipe(_Part):
    """One person. In ``shape`` a ``*`` stands for both sides (``l``, ``r``), elsewhere for ``Left`` and ``Right``."""

    name: str = Field(min_length=1, max_length=60, description="Name of the person.")
    shape: dict[str, float] = Field(description="Shape targets of the data by path, with weights.")
    rest: dict[str, float] = Field(default_factory=dict, description="The look at weight 0, as ARKit weights.")
    gain: dict[str, float] = Field(default_factory=dict, description="Factors for single units; 1 is the data's.")
    skin: Skin
    eyes: Eyes
    brows: Brows
    hair: Hair
    clothes: Clothes

    @field_validator("shape")
    @classmethod
    def _both_sides_of_the_shape(cls, shape: dict[str, float]) -> dict[str, float]:
        return {name.replace("*", side): weight for name, weight in shape.items() for side in _sides(name, "l", "r")}

    @field_validator("rest", "gain")
    @classmethod
    def _units(cls, weights: dict[str, float]) -> dict[str, float]:
        both = {
            name.replace("*", side): weight
            for name, weight in weights.items()
            for side in _sides(name, "Left", "Right")
        }
        for name in both:
            if name not in ARKIT:
                raise ValueError(f"{name} is no ARKit blendshape; jawOpen is one")
        return both


def _sides(name: str, *sides: str) -> tuple[str, ...]:
    return sides if "*" in name else ("",)


def names() -> list[str]:
    """The people that come with the package."""
    return sorted(path.stem for path in PEOPLE.glob("*.json"))


def load(who: str) -> Recipe:
    """The recipe of a person by name, or out of a JSON file. Raises :class:`RecipeUnusable`."""
    path = PEOPLE / f"{who}.json" if who in names() else Path(who)
    try:
        return Recipe.model_validate(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise RecipeUnusable(f"There is no {who}; known people: {', '.join(names())}; or give a JSON file") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RecipeUnusable(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from None
        raise RecipeUnusable(f"{path}: {error}") from None
