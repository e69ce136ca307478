"""Hair is shown as cards: each strand becomes a strip of two columns with a picture of a bundle of hairs.

Normals are those of the whole volume, not of the strip: without that, hair looks like laths.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from aurora.head import hair, paint
from aurora.head.geometry import Floats, grid, step, unit
from aurora.head.hair import Layer, Scalp
from aurora.head.model import Mesh
from aurora.head.recipe import Hair

TILES = (
    (150, 5.0, 0.10), (110, 4.5, 0.16), (84, 4.2, 0.24), (60, 4.0, 0.30),
    (44, 3.6, 0.36), (22, 3.2, 0.45), (11, 3.0, 0.55), (6, 2.8, 0.6),
)  # fmt: skip
"""Of the atlas, dense to sparse: number of hairs, their width in pixels, how ragged their ends are."""

Arrays = tuple[Floats, Floats, Floats, Floats, Floats]
"""Points, normals, places, colours and flow of strips, ``(n, points, 2, k)`` each."""


def brightest(colours: Hair) -> Floats:
    """The light of the lightest lock: colours of the vertices are parts of it."""
    top = np.maximum(paint.linear(colours.colour), paint.linear(colours.tip)) * 1.35
    return np.maximum(top, 0.2) if colours.grey else top


def make(scalp: Scalp, light: bool) -> Mesh:
    """All cards of a head as one mesh."""
    random = np.random.default_rng(4)
    style = hair.STYLES[scalp.hair.style]
    bob = scalp.hair.style == "bob"
    parts: list[Arrays] = []
    for k, full in enumerate(style.layers):
        layer = full.coarser() if light else full
        roots = scalp.roots(random, layer.count, *layer.edge, lowest=layer.lowest)
        lift = layer.lift * (0.75 + 0.5 * random.random(len(roots.points)))
        strands = hair.cut(*scalp.grow(style, roots, lift, random), layer.points)
        parts.append(_cards(hair.wave(strands) if bob else strands, layer, scalp.hair, random, inner=k == 0))
    if bob:  # close ranks along the parting
        layer = Layer(90 if light else 210, 0.095, 0.065, 10, (1, 2), 1.0)
        roots = scalp.along_parting(random, layer.count)
        lift = 0.038 + 0.03 * random.random(len(roots.points))
        strands = hair.cut(*scalp.grow(style, roots, lift, random), layer.points)
        parts.append(_cards(strands, layer, scalp.hair, random))
    edge = style.edge.coarser() if light else style.edge
    roots = scalp.roots(random, edge.count, *edge.edge, lowest=edge.lowest)
    roots = roots.where(roots.points[:, 2] > 0.25)
    lift = edge.lift * (0.5 + random.random(len(roots.points)))
    short = hair.Style(0.045, 8, (), edge)
    strands, _ = scalp.grow(short, roots, lift, random)
    whole = np.full(len(roots.points), short.steps)
    parts.append(_cards(hair.cut(strands, whole, edge.points), edge, scalp.hair, random))
    return _mesh("Hair", parts)


def _mesh(name: str, parts: list[Arrays]) -> Mesh:
    faces, start = [], 0
    for points, *_ in parts:
        count, along = points.shape[:2]
        faces.append((grid(along, 2)[None] + (start + np.arange(count) * along * 2)[:, None, None]).reshape(-1, 4))
        start += count * along * 2
    flat = [np.concatenate([part[k].reshape(-1, part[k].shape[-1]) for part in parts]) for k in range(5)]
    points, facing, places, colours, flow = flat
    return Mesh(name, name, points, np.concatenate(faces), facing, uv=places, colours=colours, node="Head", flow=flow)


def _cards(strands: Floats, layer: Layer, colours: Hair, random: np.random.Generator, inner: bool = False) -> Arrays:
    """Strips of one layer, tinted from root to tip."""
    count, along, _ = strands.shape
    t = np.linspace(0.0, 1.0, along)
    flow = unit(np.gradient(strands, axis=1))
    out = _outwards(strands, flow)
    turn = random.normal(size=(count, 1, 1)) * (0.06 if inner else 0.16)
    across = unit(np.cross(flow, out))
    facing = np.cross(across, flow)
    across = np.cos(turn) * across + np.sin(turn) * facing
    taper = np.interp(t, [0, 0.15, 0.6, 1], [0.72, 1, 0.95, 0.62])[None, :, None]
    half = layer.width * (0.75 + 0.5 * random.random((count, 1, 1))) * taper / 2.0
    points = np.stack([strands - across * half, strands + across * half], 2)
    normals = unit(np.stack([out - across * 0.16, out + across * 0.16], 2))
    tile = random.choice(layer.tiles, count)
    ends = np.stack([tile / 8 + 0.003, (tile + 1) / 8 - 0.003], 1)
    ends = np.where(random.random((count, 1)) < 0.5, ends[:, ::-1], ends)
    places = np.stack(
        [
            np.broadcast_to(ends[:, None, :], (count, along, 2)),
            np.broadcast_to((0.004 + 0.992 * t)[None, :, None], (count, along, 2)),
        ],
        -1,
    )
    colour = np.repeat(_tint(colours, t, layer.shade, count, random)[:, :, None], 2, 2)
    return points, normals, places, colour, np.repeat(flow[:, :, None], 2, 2)


def _outwards(strands: Floats, flow: Floats) -> Floats:
    """Away from an axis in the head: the normals of the volume of hair."""
    x, y, z = np.moveaxis(strands, -1, 0)
    axis = np.stack([np.zeros_like(x), np.clip(y, 6.9, 7.45), np.full_like(z, 0.40)], -1)
    out = unit(strands - axis) * [1.0, 0.7, 1.0]
    return unit(out - flow * (out * flow).sum(-1, keepdims=True) * 0.6)


def _tint(colours: Hair, t: Floats, shade: float, count: int, random: np.random.Generator) -> Floats:
    """Colour from root to tip as a part of the brightest, ``(count, points, 3)``."""
    root, tip = paint.linear(colours.colour), paint.linear(colours.tip)
    tone = (0.90 + 0.20 * random.random((count, 1, 1))) * shade
    towards_tip = step(0.25, 1.05, t)[None, :, None] * (0.35 + 0.65 * random.random((count, 1, 1)))
    depth = np.interp(t, [0, 0.06, 0.2, 1], [0.80, 0.92, 1, 1.02])[None, :, None]
    colour = (root + (tip - root) * towards_tip) * tone * depth
    grey = random.random((count, 1, 1)) < colours.grey
    colour = np.where(grey, colour * 0.8 + 0.024 * tone, colour)
    return np.clip(colour / brightest(colours), 0.0, 1.0)


def picture(size: int = 512, finer: int = 2) -> bytes:
    """The atlas: brightness varies from hair to hair, colour comes from the vertices."""
    whole = size * finer
    random = np.random.default_rng(9)
    alpha, bright = Image.new("L", (whole, whole), 0), Image.new("L", (whole, whole), 140)
    draw_alpha, draw_bright = ImageDraw.Draw(alpha), ImageDraw.Draw(bright)
    wide = whole / len(TILES)
    for tile, (count, thick, ragged) in enumerate(TILES):
        for _ in range(count):
            first = (0.06 + 0.88 * random.random()) * wide
            last = wide / 2 + (first - wide / 2) * (0.80 - 0.25 * random.random()) + random.normal() * wide * 0.05
            bow = random.normal() * wide * 0.06
            top = whole * (0.012 + 0.024 * (tile > 1)) * random.random()
            end = whole * (1.0 - ragged * random.random() ** 1.5)
            v = np.linspace(0.0, 1.0, 14)
            x = np.clip(first + (last - first) * v + bow * np.sin(np.pi * v), 2, wide - 3) + tile * wide
            y = top + (end - top) * v
            tone = int(np.clip(158 + 36 * random.normal(), 70, 240))
            for k in range(13):
                tapered = min(1.0, 0.34 + v[k] * 7.0, 1.15 * (1.0 - v[k]) ** 0.6 + 0.20)
                pixels = max(1, round(thick * tapered))
                line = [x[k], y[k], x[k + 1], y[k + 1]]
                draw_alpha.line(line, fill=255, width=pixels)
                draw_bright.line(line, fill=tone, width=pixels)
    small = [
        np.asarray(image.resize((size, size), Image.Resampling.LANCZOS), np.float32) / 255.0
        for image in (alpha, bright)
    ]
    small[0] = small[0] * np.clip(np.arange(size) / (0.018 * size), 0.2, 1.0)[:, None]  # roots fade in
    return paint.webp(np.concatenate([np.repeat(small[1][..., None], 3, 2), small[0][..., None]], -1), 72)
