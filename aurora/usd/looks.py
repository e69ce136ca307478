"""How the parts of a GLB look: what of glTF's materials USD's preview surface can show, with pictures it can read."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from aurora.glb import Json, inner, objects
from aurora.usd.accessors import Glb

MOST_PIXELS: Final = 4 * 8192 * 8192
"""Of all pictures together."""

_KEPT: Final = {"image/png": "png", "image/jpeg": "jpg"}
"""What every USD reader knows, and is left as it is; other pictures become PNG."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's file: ``name`` with its ending, and what is in it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """A material. ``colour`` is linear red, green, blue and alpha, 0..1.

    ``alpha`` is glTF's mode: OPAQUE, MASK (with ``cutoff``) or BLEND. ``relief`` is a normal map, and ``finish`` has
    roughness in its green and metal in its blue.
    """

    name: str
    colour: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 1.0)
    roughness: float = 1.0
    metallic: float = 0.0
    alpha: str = "OPAQUE"
    cutoff: float = 0.5
    both_sides: bool = False
    picture: Picture | None = None
    relief: Picture | None = None
    finish: Picture | None = None


def read_looks(glb: Glb, notes: list[str]) -> list[Look]:
    """The file's materials in its order; a picture that cannot be read is left out, and told in ``notes``."""
    pictures = _Pictures(glb, notes)
    return [_look(material, place, pictures) for place, material in enumerate(objects(glb.json, "materials"))]


def _look(material: Json, place: int, pictures: _Pictures) -> Look:
    surface = inner(material, "pbrMetallicRoughness")
    base = surface.get("baseColorFactor")
    colour = [_share(value, 1.0) for value in base] if isinstance(base, list) and len(base) == 4 else [1.0] * 4
    mode = material.get("alphaMode")
    return Look(
        name=str(material.get("name") or f"Look{place}"),
        colour=(colour[0], colour[1], colour[2], colour[3]),
        roughness=_share(surface.get("roughnessFactor"), 1.0),
        metallic=_share(surface.get("metallicFactor"), 1.0),
        alpha=mode if mode in ("MASK", "BLEND") else "OPAQUE",
        cutoff=_share(material.get("alphaCutoff"), 0.5),
        both_sides=material.get("doubleSided") is True,
        picture=pictures.of(surface.get("baseColorTexture")),
        relief=pictures.of(material.get("normalTexture")),
        finish=pictures.of(surface.get("metallicRoughnessTexture")),
    )


class _Pictures:
    """Reads each picture once, however many materials share it."""

    def __init__(self, glb: Glb, notes: list[str]) -> None:
        self._glb = glb
        self._notes = notes
        self._known: dict[int, Picture | None] = {}
        self._left = MOST_PIXELS

    def of(self, info: Any) -> Picture | None:
        """The picture of a glTF ``textureInfo``."""
        textures, images = objects(self._glb.json, "textures"), objects(self._glb.json, "images")
        index = info.get("index") if isinstance(info, dict) else None
        if type(index) is not int or not 0 <= index < len(textures):
            return None
        texture = textures[index]
        image = texture.get("source")
        for extension in ("EXT_texture_webp", "EXT_texture_avif"):
            image = inner(texture, "extensions", extension).get("source", image)
        if type(image) is not int or not 0 <= image < len(images):
            return None
        if image not in self._known:
            self._known[image] = self._read(image, images[image])
        return self._known[image]

    def _read(self, number: int, image: Json) -> Picture | None:
        content = self._glb.bytes_of(image.get("bufferView"))
        kind = image.get("mimeType")
        try:
            with Image.open(io.BytesIO(content)) as opened:
                self._left -= opened.width * opened.height
                if self._left < 0:
                    raise ValueError(f"{opened.width} × {opened.height} pixels are too many")
                if isinstance(kind, str) and kind in _KEPT and Image.MIME.get(opened.format or "") == kind:
                    opened.load()
                    return Picture(f"picture{number}.{_KEPT[kind]}", content)
                plain = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            self._notes.append(f"picture {number} cannot be read and is left out ({str(error)[:80]})")
            return None
        made = io.BytesIO()
        plain.save(made, "PNG")
        return Picture(f"picture{number}.png", made.getvalue())


def _share(value: object, default: float) -> float:
    return float(min(1, max(0, value))) if type(value) in (int, float) else default  # type: ignore[call-overload]
