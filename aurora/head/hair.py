"""Hair grows: strands root on the scalp, are combed, fall, and rest on the head. ``cards.py`` makes them visible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from aurora.head import hairline, paint
from aurora.head.geometry import Flags, Floats, Ints, nearest, step, triangles, unit
from aurora.head.recipe import Hair
from aurora.head.skin import Skin

DOWN = np.array([0.0, -1.0, 0.0])
OPENING_Y = [6.1, 6.5, 6.9, 7.3, 7.6, 7.75, 7.9]
OPENING_Z = [1.16, 1.18, 1.06, 0.99, 1.08, 1.20, 1.50]
"""The opening of a bob for the face, seen from the side: at a height, how far to the front hair may hang."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a cut; lengths in decimetres."""

    count: int
    width: float
    """Of a card."""
    lift: float
    """Over the scalp."""
    points: int
    """Along a card."""
    tiles: tuple[int, ...]
    """Pictures of the atlas, dense to sparse."""
    shade: float
    lowest: float = 6.42
    """Height of the lowest root."""
    edge: tuple[float, float] = (0.03, 9.0)
    """How far above the hairline roots begin and end."""

    def coarser(self) -> Layer:
        """Fewer, wider cards for a small file."""
        return replace(
            self, count=int(self.count * 0.55), width=self.width * 1.4, points=max(5, int(self.points * 0.55))
        )


@dataclass(frozen=True, slots=True)
class Style:
    """A cut: how far a strand grows at a step, in how many steps, and its layers from the scalp outwards."""

    step: float
    steps: int
    layers: tuple[Layer, ...]
    edge: Layer
    """Short sparse cards along the hairline."""


BOB = Style(
    0.075, 34,
    (
        Layer(320, 0.165, 0.018, 10, (0, 1), 0.74), Layer(420, 0.135, 0.046, 11, (1, 2, 3), 0.90, 7.25, (0.04, 9.0)),
        Layer(420, 0.097, 0.062, 12, (2, 3, 4), 1.0, 7.80, (0.05, 9.0)),
        Layer(210, 0.050, 0.068, 13, (4, 5, 6), 1.06, 7.82, (0.03, 9.0)),
        Layer(300, 0.048, 0.040, 12, (3, 4, 5), 1.0, 7.55, (0.0, 0.09)),  # fine ones over the forehead
    ),
    Layer(420, 0.034, 0.020, 7, (5, 6, 7), 0.95, 6.9, (-0.02, 0.05)),
)  # fmt: skip
SHORT = Style(
    0.021, 18,
    (
        Layer(520, 0.11, 0.008, 5, (0, 1), 0.62), Layer(900, 0.075, 0.020, 6, (1, 2, 3), 0.84),
        Layer(1100, 0.050, 0.032, 6, (3, 4, 5), 1.0), Layer(500, 0.030, 0.044, 6, (5, 6), 1.15),
    ),
    Layer(420, 0.030, 0.016, 5, (5, 6), 0.95, 6.6, (-0.02, 0.05)),
)  # fmt: skip
STYLES = {"bob": BOB, "short": SHORT}


class Roots(NamedTuple):
    """Where strands begin, and which way the scalp faces there, ``(n, 3)`` each."""

    points: Floats
    facing: Floats

    def where(self, chosen: Flags) -> Roots:
        """Some of them."""
        return Roots(self.points[chosen], self.facing[chosen])


class Scalp:
    """Where hair roots, and the head that it rests on."""

    def __init__(self, skin: Skin, hair: Hair) -> None:
        self.skin, self.hair = skin, hair
        cage = skin.cage
        solid = (skin.points[cage][:, :, 1].max(1) > 5.0) & (skin.inside[cage].max(1) < 0.1)
        used = np.unique(cage[solid])
        self._head, self._facing = skin.points[used], skin.normals[used]
        self._above = hairline.above(skin.points, hair.style)
        self._crown = np.array([float(hairline.parting(hair.parting, np.array(-1.0))), 0.0, 0.30])

    def roots(
        self, random: np.random.Generator, count: int, low: float, high: float = 9.0, lowest: float = 6.42
    ) -> Roots:
        """Evenly spread points ``low`` to ``high`` above the hairline, and their normals: the farthest of darts."""
        skin = self.skin
        corners = triangles(skin.faces)
        above = self._above[corners]
        fit = (above.min(1) > low - 0.02) & (above.max(1) < high + 0.1)
        fit &= (skin.ear[corners].max(1) < 0.05) & (skin.points[corners][:, :, 1].min(1) > lowest)
        corners = corners[fit]
        a, b, c = (skin.points[corners[:, k]] for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        darts = count * 4
        hit = corners[random.choice(len(corners), darts, p=area / area.sum())]
        share = random.dirichlet([1.0, 1.0, 1.0], darts)[..., None]
        points, facing = (skin.points[hit] * share).sum(1), unit((skin.normals[hit] * share).sum(1))
        apart = ((points - points[0]) ** 2).sum(1)
        kept = [0]
        for _ in range(count - 1):
            kept.append(int(np.argmax(apart * (0.6 + 0.4 * random.random(darts)))))
            apart = np.minimum(apart, ((points - points[kept[-1]]) ** 2).sum(1))
        roots = Roots(points[kept], facing[kept])
        off = np.hypot(*(roots.points - self._crown)[:, [0, 2]].T)
        return roots.where(off > 0.06)  # at the crown itself hair knows no way

    def along_parting(self, random: np.random.Generator, count: int) -> Roots:
        """Roots in two rows close to the parting."""
        z = np.repeat(random.uniform(0.44, 1.24, count), 2)
        x = hairline.parting(self.hair.parting, z) + np.tile([-1.0, 1.0], count) * (
            0.006 + 0.036 * random.random(2 * count)
        )
        roots = self.under(x, z)
        return roots.where(hairline.above(roots.points, self.hair.style) > 0.015)

    def under(self, x: Floats, z: Floats) -> Roots:
        """Points of the scalp under ``(x, z)``, and normals there."""
        top = (self.skin.points[:, 1] > 7.6) & (self.skin.normals[:, 1] > 0.2)
        on, facing = self.skin.points[top], self.skin.normals[top]
        index = nearest(np.stack([x, z], 1), on[:, [0, 2]])
        points, out = on[index].copy(), facing[index]
        points[:, 0], points[:, 2] = x, z
        return Roots(points - out * (((points - on[index]) * out).sum(1) + 0.004)[:, None], out)

    def rest(self, points: Floats, off: Floats) -> tuple[Floats, Ints]:
        """Points that lie deeper than ``off`` over the head are lifted; also which vertex of it is nearest."""
        index = nearest(points, self._head)
        out = self._facing[index]
        height = ((points - self._head[index]) * out).sum(1)
        return points + out * np.clip(off - height, 0.0, 0.2)[:, None], index

    def facing(self, index: Ints) -> Floats:
        """Normals of the head."""
        return np.asarray(self._facing[index])

    def comb(self, points: Floats) -> tuple[Floats, Floats]:
        """Where hair is combed to (away from the parting in front, from the crown behind), and its side."""
        start = self.hair.parting
        side = np.sign(points[:, 0] - hairline.parting(start, points[:, 2]) + 1e-6)
        front = np.stack([side, np.zeros_like(side), np.full_like(side, -0.22)], 1)
        back = unit(points * [1.0, 0.0, 1.0] - self._crown)
        share = step(0.15, 0.75, points[:, 2])[:, None]
        return unit(front * share + back * (1.0 - share)), np.asarray(side)

    def grow(self, style: Style, roots: Roots, lift: Floats, random: np.random.Generator) -> tuple[Floats, Ints]:
        """Strands ``(n, steps, 3)`` and how many points of each count."""
        grown = _fall if self.hair.style == "bob" else _lie
        return grown(self, style, roots, lift, random)


def _fall(scalp: Scalp, style: Style, start: Roots, lift: Floats, random: np.random.Generator) -> tuple[Floats, Ints]:
    """A bob: combed to the sides, falling, held out of the face, turned in at the ends."""
    roots, facing = start
    combed, side = scalp.comb(roots)
    high = step(7.55, 8.1, roots[:, 1])[:, None]
    way = unit(
        facing * (0.10 + 0.45 * high) + combed * (0.25 + 0.75 * high) + DOWN * (1.0 - high)
        + random.normal(size=roots.shape) * 0.06
    )  # fmt: skip
    heavy = side * np.sign(scalp.hair.parting) < 0.0  # that side sweeps lower over the brow
    end = 6.16 + 0.10 * step(0.9, -0.2, roots[:, 2]) + random.normal(size=len(roots)) * 0.035
    end = np.where(roots[:, 1] < 6.75, end + 0.05, end)
    points, path = roots, [roots]
    for k in range(style.steps - 1):
        combed, _ = scalp.comb(points)
        combed[:, 0] = np.where(points[:, 2] > 0.4, side * np.abs(combed[:, 0]), combed[:, 0])
        free = step(0.36, 0.84, np.hypot(points[:, 0], np.minimum(points[:, 2] - 0.45, 0.0) * 0.9))[:, None]
        low = step(7.05, 6.35, points[:, 1])[:, None]
        inwards = -unit(points * [1.0, 0.0, 1.0] - [0.0, 0.0, 0.30]) * low * 1.05
        guided = combed * (1.0 - free) * 0.75 * (k < 16) * (0.15 + 0.85 * high)
        way = unit(way * 1.5 + guided + DOWN * (0.26 + 0.75 * free) + inwards)
        points = _out_of_the_face(points + way * style.step, side, heavy)
        off = lift * step(0.0, 0.30, np.array((k + 1) * style.step)) + 0.004
        for _ in range(2):
            points, _ = scalp.rest(points, off)
        way = unit(points - path[-1])
        path.append(points)
    strands = np.stack(path, 1)
    return strands, (strands[..., 1] > end[:, None]).sum(1).clip(3, style.steps)


def _out_of_the_face(points: Floats, side: Floats, heavy: Floats) -> Floats:
    """A curtain to both sides of an oval, and no further to the front than the opening allows."""
    x, y, z = points.T
    oval = np.sqrt(np.clip(1.0 - ((y - 7.03) / np.where(heavy, 0.80, 0.90)) ** 2, 0.0, 1.0))
    wanted = np.where(heavy, 0.69, 0.72) * oval * step(0.62, 0.95, z)
    push = np.clip(wanted - side * x, 0.0, None) * 0.42 * (y < 7.9)
    back = np.clip(z - np.interp(y, OPENING_Y, OPENING_Z), 0.0, None) * 0.35
    return np.asarray(points + np.stack([side * (push + 0.25 * back), np.zeros_like(push), -0.25 * push - back], 1))


def _lie(scalp: Scalp, style: Style, start: Roots, lift: Floats, random: np.random.Generator) -> tuple[Floats, Ints]:
    """Short hair: brushed back from the forehead and a little to one side, closer to the head lower down."""
    roots, facing = start
    front, top = step(0.3, 0.9, roots[:, 2]), step(7.45, 8.05, roots[:, 1])
    lean = roots[:, 0] * 0.8 - np.sign(scalp.hair.parting) * 0.45
    combed = unit(np.stack([lean * top, 0.25 * front * top - 0.9 * (1.0 - top), -0.75 + 0.3 * (1.0 - top)], 1))
    way = unit(facing * (0.22 + 0.45 * (front * top)[:, None]) + combed + random.normal(size=roots.shape) * 0.14)
    stride = style.step * (0.30 + 0.85 * top)[:, None]
    points, path = roots, [roots]
    for k in range(style.steps - 1):
        _, index = scalp.rest(points, lift)
        out = scalp.facing(index)
        way = way + combed * 0.30 + random.normal(size=roots.shape) * 0.03
        way = unit(way - out * (way * out).sum(1)[:, None] * 0.55)
        off = lift * (0.5 + 0.9 * top) * step(0.0, 0.5, np.array(k / style.steps * 1.4))
        points, _ = scalp.rest(points + way * stride, off)
        path.append(points)
    return np.stack(path, 1), style.steps - (random.random(len(roots)) * 6.0).astype(np.int64)


def cut(strands: Floats, length: Ints, count: int) -> Floats:
    """Each strand to its length, with ``count`` points at equal distances, smoothed: ``(n, count, 3)``."""
    steps = np.linalg.norm(np.diff(strands, axis=1), axis=2)
    reached = np.concatenate([np.zeros((len(strands), 1)), np.cumsum(steps, 1)], 1)
    rows = np.arange(len(strands))[:, None]
    wanted = np.linspace(0.0, 1.0, count)[None] * reached[rows, length[:, None] - 1]
    after = np.clip((reached[:, None, :] < wanted[..., None]).sum(2), 1, strands.shape[1] - 1)
    before = reached[rows, after - 1]
    share = (wanted - before) / np.maximum(reached[rows, after] - before, 1e-9)
    out = strands[rows, after - 1] + (strands[rows, after] - strands[rows, after - 1]) * share[..., None]
    for _ in range(2):
        out[:, 1:-1] = (out[:, :-2] + 2.0 * out[:, 1:-1] + out[:, 2:]) / 4.0
    return np.asarray(out)


def wave(strands: Floats) -> Floats:
    """A slight wave that neighbours share."""
    t = np.linspace(0.0, 1.0, strands.shape[1])[None]
    phase = 3.0 * (paint.noise(strands[:, 0] * 1.6, 1.0, 5) - 0.5)[:, None] + strands[:, :1, 0] * 1.5
    high = 0.026 * step(0.25, 0.9, t) * np.sin(t * 6.5 + phase * 2.2)
    out = unit(strands * [1.0, 0.0, 1.0] - [0.0, 0.0, 0.4])
    return np.asarray(strands + out * high[..., None])
