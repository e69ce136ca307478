"""The skin's pictures (colour, relief, roughness), painted by place: blush, lids, lips, brows, roots of the hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aurora.head import brows, hairline, paint
from aurora.head.geometry import Floats, bell, step, triangles
from aurora.head.lashes import LidLines
from aurora.head.paint import Single
from aurora.head.recipe import Recipe
from aurora.head.skin import Skin

EYE_LINE = 7.28


@dataclass(frozen=True, slots=True)
class Pictures:
    """Encoded pictures of one skin."""

    colour: bytes
    relief: bytes
    roughness: bytes


class _Canvas:
    """The texels that show skin, and where on the head each of them is. Everything here has one row a texel."""

    def __init__(self, skin: Skin, recipe: Recipe, size: int) -> None:
        self.recipe, self.mouth_y = recipe, skin.mouth_y
        reach = np.hypot(skin.points[:, 0], skin.points[:, 2] - paint.AXIS_Z)
        self.layout = paint.Layout(paint.place(skin.points), triangles(skin.faces), reach, size)
        carried = self.layout.carry(np.concatenate([skin.points, skin.lip[:, None], skin.ear[:, None]], 1))
        self.points = carried[:, :3]
        self.x, self.y, self.z = (np.asarray(self.points[:, k]) for k in range(3))
        self.side = np.abs(self.x)
        self.lip_edge = np.asarray(carried[:, 3])
        self.ear = step(0.05, 0.45, carried[:, 4])
        self.lip = step(0.42, 0.85, self.lip_edge)
        self.front = step(0.2, 0.7, self.z)
        self.above = hairline.above(self.points, recipe.hair.style)
        self.waves, self.patches, self.spots, self.grain, self.fine = (
            paint.noise(self.points, frequency, seed) - 0.5
            for frequency, seed in ((1.4, 11), (3.2, 1), (11.0, 2), (38.0, 3), (120.0, 4))
        )
        across = np.stack([self.x * 70.0, self.y * 9.0, self.z * 9.0], -1)
        self.lip_lines = paint.noise(across, 1.0, 9) - 0.5
        self.colour: Floats = np.ones((len(self.x), 3)) * recipe.skin.colour

    def tint(self, how_much: Floats, change: tuple[float, float, float]) -> None:
        """Multiplies red, green and blue by ``1 + how_much × change``."""
        self.colour *= 1.0 + how_much[:, None] * np.array(change)

    def cover(self, how_much: Floats, colour: Floats) -> None:
        """Paints over."""
        self.colour += how_much[:, None] * (colour - self.colour)

    def drawn(self, hairs: list[paint.Stroke]) -> Single:
        """Strokes at the texels."""
        return np.asarray(paint.strokes(self.layout.size, hairs).reshape(-1)[self.layout.texels])


def paint_skin(skin: Skin, recipe: Recipe, lids: dict[str, LidLines], size: int) -> Pictures:
    """Paints the pictures of one skin, ``size`` texels wide and high."""
    canvas = _Canvas(skin, recipe, size)
    random = np.random.default_rng(7)
    _blood(canvas)
    _around_eyes(canvas)
    _freckles(canvas, random)
    _lips(canvas)
    liner, wet = _lid_edges(canvas, lids)
    brow = _brows(canvas, skin, random)
    _stubble(canvas)
    roots = _hair_roots(canvas, skin, random)
    layout = canvas.layout
    picture = layout.picture(canvas.colour.astype(np.float32), recipe.skin.colour)
    rows = paint.TOP - (np.arange(size) + 0.5) / size * (paint.TOP - paint.BOTTOM)
    picture[~layout.covered() & (rows > 7.9)[:, None]] = np.array(recipe.hair.colour) * 0.5
    relief = paint.normal_map(
        layout.picture(_relief(canvas, brow)[:, None].astype(np.float32), 0.0)[..., 0], 0.55 * size / 2048
    )
    rough = layout.picture(_roughness(canvas, liner, wet, roots)[:, None].astype(np.float32), 0.53)[..., 0]
    packed = np.stack([np.ones_like(rough), np.clip(rough, 0.2, 1.0), np.zeros_like(rough)], -1)
    return Pictures(paint.jpeg(picture, 88), paint.jpeg(relief, 82), paint.jpeg(packed, 78))


def _blood(c: _Canvas) -> None:
    """Warm forehead, red centre, cooler jaw; blood shows in patches."""
    cheek = bell(np.hypot((c.side - 0.49) / 1.15, c.y - 6.99), 0.20)
    nose, chin = bell(np.hypot(c.x, c.y - 6.95), 0.13), bell(np.hypot(c.x, c.y - 6.42), 0.16)
    ears = step(0.80, 0.90, c.side) * (c.y > 6.7) * (c.y < 7.7) * (c.z < 1.1)
    red = c.recipe.skin.blush * (0.46 * cheek + 0.34 * nose + 0.16 * chin) * c.front + 0.55 * ears
    c.tint(red + 0.20 * c.patches + 0.17 * c.spots + 0.10 * c.grain, (-0.01, -0.19, -0.16))
    c.tint(bell(c.y - 7.75, 0.30) * c.front * 0.8, (0.012, 0.0, -0.045))
    c.tint(step(6.75, 6.45, c.y) * c.front * step(5.9, 6.3, c.y), (-0.025, -0.005, 0.005))
    mottled = 0.04 * c.waves + 0.04 * c.patches + 0.045 * c.spots + 0.045 * c.grain + 0.035 * c.fine
    c.tint(mottled, (1.0, 1.0, 1.0))
    c.tint(bell(c.side - 0.155, 0.030) * bell(c.y - 6.965, 0.045) * c.front * 0.4, (-0.06, -0.20, -0.19))


def _around_eyes(c: _Canvas) -> None:
    """Rings below, the crease above, the inner corner."""
    c.tint(bell((c.side - 0.30) / 1.1, 0.17) * bell(c.y - 7.12, 0.05) * c.front, (-0.03, -0.075, -0.05))
    c.tint(bell(c.side - 0.33, 0.17) * bell(c.y - 7.425, 0.065) * c.front, (-0.05, -0.095, -0.085))
    c.tint(bell(c.side - 0.115, 0.04) * bell(c.y - 7.33, 0.09) * c.front * 0.5, (-0.08, -0.12, -0.10))


def _freckles(c: _Canvas, random: np.random.Generator) -> None:
    dots = np.zeros(len(c.x))
    for _ in range(c.recipe.skin.freckles):
        x, y = random.normal() * 0.42, 7.0 + random.normal() * 0.13
        size, dark = 0.005 + 0.006 * random.random(), 0.22 + 0.28 * random.random()
        near = np.flatnonzero((np.abs(c.x - x) < 0.04) & (np.abs(c.y - y) < 0.04))
        dots[near] += dark * bell(np.hypot(c.x[near] - x, c.y[near] - y), size) * c.front[near]
    c.tint(np.clip(dots, 0.0, 0.5), (-0.10, -0.20, -0.26))


def _lips(c: _Canvas) -> None:
    red = np.array(c.recipe.skin.lips) * (1.0 + 0.13 * c.lip_lines + 0.10 * c.grain)[:, None]
    red *= (1.0 - 0.10 * (c.y > c.mouth_y))[:, None] * (1.0 - 0.22 * bell(c.y - c.mouth_y, 0.016))[:, None]
    c.cover(0.80 * c.lip + 0.06 * step(0.10, 0.9, c.lip_edge), red)


def _lid_edges(c: _Canvas, lids: dict[str, LidLines]) -> tuple[Floats, Floats]:
    """The dark line of the upper lashes and the wet rim of the lower lid; how strong each is."""
    near = np.flatnonzero((c.z > 1.0) & (np.abs(c.y - EYE_LINE) < 0.30) & (c.side < 0.60))
    upper, lower = np.full(len(c.x), 9.0), np.full(len(c.x), 9.0)
    upper[near] = _distance(c.points[near], [line.upper for line in lids.values()])
    lower[near] = _distance(c.points[near], [line.lower for line in lids.values()])
    liner = bell(upper, 0.012) * 0.70
    shadow = bell(upper, 0.055) * (c.y > EYE_LINE) * 0.20
    wet = bell(lower, 0.016) * 0.30
    c.colour *= 1.0 - (liner + shadow * (1.0 - liner))[:, None] * np.array([0.74, 0.84, 0.86])
    c.tint(wet, (-0.10, -0.32, -0.30))
    return liner, wet


def _distance(points: Single, lines: list[Floats]) -> Floats:
    """Distance to the nearest of the lines."""
    dense = []
    for line in lines:
        t = np.linspace(0, len(line) - 1, 3 * len(line))
        dense.append(np.stack([np.interp(t, np.arange(len(line)), line[:, k]) for k in range(3)], 1))
    on = np.concatenate(dense)
    middle = on.mean(0)
    p, q = (points - middle).astype(np.float32), (on - middle).astype(np.float32)
    square = (p * p).sum(1)[:, None] + (q * q).sum(1) - 2.0 * p @ q.T
    return np.asarray(np.sqrt(np.clip(square.min(1), 0.0, None)), float)


def _brows(c: _Canvas, skin: Skin, random: np.random.Generator) -> Floats:
    hairs = paint.strokes(c.layout.size, brows.hairs(skin, c.recipe.brows, random))
    soft = paint.blur(hairs, c.layout.size / 220) * 0.50
    both = np.clip(np.maximum(hairs * 0.92, soft * 1.2), 0.0, 1.0).reshape(-1)[c.layout.texels]
    brow = np.asarray(both, float)
    c.cover(brow, np.array(c.recipe.brows.colour))
    return brow


def _stubble(c: _Canvas) -> None:
    if not c.recipe.skin.stubble:
        return
    chin = bell(np.hypot(c.x / 1.15, c.y - 6.52), 0.30)
    corner = bell(np.hypot((c.side - 0.42) / 0.8, (c.y - 6.62) / 1.2), 0.20)
    moustache = 0.9 * bell(np.hypot(c.x / 1.9, c.y - 6.99 + 0.09), 0.075)
    cheek = 0.7 * bell(c.side - 0.66, 0.11) * bell(c.y - 6.82, 0.22)
    where = np.clip(chin + corner + moustache + cheek, 0.0, 1.0) * (1.0 - c.lip)
    where *= step(0.35, 0.75, c.z) * step(6.05, 6.3, c.y)
    dots = step(0.35, 0.85, paint.noise(c.points, 210.0, 31)) * 0.55 + 0.42
    hair = np.array(c.recipe.hair.colour) * 0.75 + 0.055
    c.cover(np.clip(where * dots * c.recipe.skin.stubble, 0.0, 0.8), hair)


def _hair_roots(c: _Canvas, skin: Skin, random: np.random.Generator) -> Floats:
    """Scalp under the hair, the line of the parting, short hairs along the edge; returns how much is scalp."""
    bob = c.recipe.hair.style == "bob"
    above = c.above + 0.05 * c.patches + 0.03 * c.spots
    roots = step(-0.01, 0.15, above) * (1.0 - c.ear)
    part = hairline.parting(c.recipe.hair.parting, c.z)
    line = bell(c.x - part + 0.012 * c.patches, 0.010) * (c.y > 7.6) * (c.z > 0.1)
    line *= (0.50 if bob else 0.25) * step(0.04, 0.14, above)
    edge = c.drawn(brows.baby_hairs(skin, c.recipe, random)) * step(0.35, 0.05, above)
    haze = step(-0.14, 0.06, above) * 0.20
    dark = (
        np.clip(1.0 - (1.0 - roots * 0.96) * (1.0 - haze) * (1.0 - edge * 0.85), 0.0, 1.0)
        * (1.0 - line)
        * (1.0 - c.ear)
    )
    if bob:  # hair hangs over the temples there
        dark *= 1.0 - 0.8 * step(7.78, 7.58, c.y) * step(0.45, 0.7, c.z)
    streaks = paint.noise(np.stack([c.x * 90.0, c.y * 14.0, c.z * 60.0], -1), 1.0, 13)
    c.cover(dark, np.array(c.recipe.hair.colour) * (0.62 + 0.36 * streaks)[:, None])
    return roots


def _relief(c: _Canvas, brow: Floats) -> Floats:
    """Height: pores, grain, the lines of the lips, hairs of the brows."""
    open_pores = step(0.60, 0.9, paint.noise(c.points, 95.0, 21).astype(np.float64))
    pores = -open_pores * (0.35 + 0.65 * bell(np.hypot(c.side - 0.25, c.y - 6.95), 0.35))
    skin = (pores * 0.5 + (paint.noise(c.points, 60.0, 22) - 0.5) * 0.40) * (1.0 - c.lip)
    return np.asarray(skin + c.lip_lines * 1.2 * c.lip + brow * 0.6)


def _roughness(c: _Canvas, liner: Floats, wet: Floats, roots: Floats) -> Floats:
    """Forehead, nose, cheek bones and chin shine; hair roots do not."""
    shine = 0.11 * bell(c.x, 0.30) * bell(c.y - 7.72, 0.25) + 0.13 * bell(c.x, 0.09) * bell(c.y - 7.02, 0.20)
    shine += 0.06 * bell(np.hypot(c.side - 0.50, c.y - 7.10), 0.16) + 0.05 * bell(np.hypot(c.x, c.y - 6.50), 0.12)
    grain = 0.06 * c.spots + 0.05 * c.grain + 0.05 * c.fine
    return np.asarray(0.53 + grain - shine * c.front - 0.22 * c.lip + 0.25 * roots + 0.06 * liner - 0.12 * wet)
