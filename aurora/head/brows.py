"""Single hairs painted on the skin: the brows, and the short ones along the hairline."""

from __future__ import annotations

import numpy as np

from aurora.head import hairline, paint
from aurora.head.geometry import Floats, step
from aurora.head.paint import Stroke
from aurora.head.recipe import Brows, Recipe
from aurora.head.skin import Skin

ACROSS = [0.125, 0.20, 0.30, 0.40, 0.49, 0.575]
HEIGHT = [7.492, 7.518, 7.550, 7.574, 7.562, 7.512]
THICK = [0.040, 0.066, 0.072, 0.058, 0.038, 0.014]
"""The brow from the nose outwards, in decimetres; the eyes are at a fixed place, so it fits everybody."""
HAIRS = 460
"""Of one brow at density 1."""
BABY_HAIRS = 2600


def hairs(skin: Skin, brows: Brows, random: np.random.Generator) -> list[Stroke]:
    """The hairs of both brows: steep by the nose, lying flat outwards."""
    front = np.flatnonzero(
        (skin.normals[:, 2] > 0.1) & (skin.points[:, 2] > 0.7) & (np.abs(skin.points[:, 1] - 7.5) < 0.3)
    )
    face = skin.points[front]
    count = round(HAIRS * brows.density)
    out: list[Stroke] = []
    for sign in (-1.0, 1.0):
        t = random.random(count) ** 0.9
        spread = random.random(count) * 2.0 - 1.0
        x = 0.118 + t * 0.462
        y = np.interp(x, ACROSS, HEIGHT) + spread * np.interp(x, ACROSS, THICK) * brows.width * 0.5
        lean = np.radians(np.interp(t, [0, 0.15, 0.5, 1], [80, 58, 28, -18])) - spread * 0.35
        lean += random.normal(size=count) * 0.10
        length = np.interp(t, [0, 0.3, 1], [0.046, 0.070, 0.052]) * (0.7 + 0.5 * random.random(count))
        end = np.stack([x + length * np.cos(lean - 0.25), y + length * np.sin(lean - 0.25)], 1)
        first, last = (_on_face(face, flat * [sign, 1.0]) for flat in (np.stack([x, y], 1), end))
        dark = 0.50 + 0.38 * random.random(count)
        path = paint.place(np.stack([first, (first + last) / 2.0, last], 1).reshape(-1, 3)).reshape(count, 3, 2)
        out += [(points, 3.0, float(d)) for points, d in zip(path, dark, strict=True)]
    return out


def _on_face(face: Floats, flat: Floats) -> Floats:
    """The points of the skin in front of ``(x, y)``."""
    apart = np.hypot(face[:, 0] - flat[:, :1], face[:, 1] - flat[:, 1:])
    near = np.argpartition(apart, 6, axis=1)[:, :6]
    weight = 1.0 / (np.take_along_axis(apart, near, 1) + 0.004)
    z = (face[near, 2] * weight).sum(1) / weight.sum(1)
    return np.concatenate([flat, z[:, None]], 1)


def baby_hairs(skin: Skin, recipe: Recipe, random: np.random.Generator) -> list[Stroke]:
    """Short strokes that grow out of the hairline."""
    points = skin.points
    above = hairline.above(points, recipe.hair.style)
    edge = (above > -0.005) & (above < 0.18) & (skin.ear < 0.05) & (points[:, 2] > 0.3) & (points[:, 1] > 6.9)
    root = points[random.choice(np.flatnonzero(edge), BABY_HAIRS)] + random.normal(size=(BABY_HAIRS, 3)) * 0.015
    side = np.sign(root[:, 0] - recipe.hair.parting + 1e-6)
    low = step(7.75, 7.4, root[:, 1])
    way = np.stack([side * (1.1 - 0.8 * low), 0.35 - 0.75 * low, np.full(BABY_HAIRS, -0.5)], 1)
    way += random.normal(size=way.shape) * 0.18
    length = 0.05 + 0.06 * random.random(BABY_HAIRS)
    u = np.array([0.0, 0.35, 0.7, 1.0])[None, :, None]
    path = root[:, None] + way[:, None] * length[:, None, None] * u + np.array([0.0, -0.02, 0.0]) * u * u
    flat = paint.place(path.reshape(-1, 3)).reshape(BABY_HAIRS, 4, 2)
    dark = 0.20 + 0.45 * random.random(BABY_HAIRS)
    return [(points, 1.8, float(d)) for points, d in zip(flat, dark, strict=True)]
