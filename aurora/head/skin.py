"""The skin: one mesh from the crown to the collar, with its units."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aurora.head import paint
from aurora.head.body import Body
from aurora.head.creases import furrowed
from aurora.head.geometry import Flags, Floats, Ints, bell, compact, normals, occlusion, ring_mean, step, triangles
from aurora.head.lips import shut
from aurora.head.model import Mesh, Unit
from aurora.head.recipe import Recipe
from aurora.head.subdivide import Subdivision

COLLAR, WIDEST = 4.85, 1.5
"""The mesh ends below the collar and inside of the shoulders; clothes hide the edge."""
LEAST = 1e-4
"""Units that move nothing by more than this (in decimetres) are no units of the mesh."""
SOFTENED = ("mouthSmile", "cheekSquint", "mouthDimple")
"""Units of the data that dent the cheek when they add up."""


@dataclass(frozen=True, slots=True)
class Skin:
    """The refined mesh; arrays have one row a vertex. ``cage`` are the coarse quads, whose vertices come first."""

    points: Floats
    faces: Ints
    cage: Ints
    normals: Floats
    units: dict[str, Unit]
    lip: Floats
    """1 on the red of the lips."""
    inside: Floats
    """1 in the mouth."""
    ear: Floats
    """1 on the ears."""
    mouth_y: float
    """Height of the line between the lips."""
    occlusion: Floats
    """How much of the sky a point sees, 0..1."""

    @property
    def coarse(self) -> int:
        """How many vertices belong to the coarse mesh."""
        return int(self.cage.max()) + 1


def make(body: Body, recipe: Recipe) -> Skin:
    """Cuts the head out of the body, refines it, closes the lips and makes the units act as the recipe says."""
    quads = body.faces("body")
    corners = body.points[quads]
    quads = quads[(corners[:, :, 1].min(1) > COLLAR) & (np.abs(corners[:, :, 0]).max(1) < WIDEST)]
    cage, used = compact(quads)
    refine = Subdivision(cage, len(used))
    points = refine(body.points[used])
    moves = {name: refine(d[used]) * recipe.gain.get(name, 1.0) for name, d in body.units.items()}
    uv = body.uv[used]
    in_mouth = ((uv[:, 0] > 0.74) & (uv[:, 1] < 0.145)).astype(float)
    inside = refine(in_mouth[:, None])[:, 0]
    ear = refine((body.mask("ears")[used] > 0.3).astype(float)[:, None])[:, 0]
    lip = refine(body.mask("lips")[used][:, None])[:, 0] * (1.0 - inside)
    mouth_y = float(points[(lip > 0.5) & (points[:, 0] ** 2 < 0.003), 1].mean())
    faces = refine.faces
    points = shut(_close_lips(points, lip, inside, moves["jawOpen"][:, 1], mouth_y), triangles(faces), mouth_y)
    free = _away_from_lips(lip, inside, faces)
    moves = {name: _soften(d, free, faces) if name.startswith(SOFTENED) else d for name, d in moves.items()}
    facing = normals(points, faces)
    moves = {name: furrowed(name, d, points, facing) for name, d in moves.items()}
    edges = np.stack([faces, np.roll(faces, -1, 1)], -1).reshape(-1, 2)
    blockers = np.concatenate([points, points[faces].mean(1), points[edges].mean(1)])
    return Skin(
        points, faces, cage, facing, units(points, faces, facing, moves), lip, inside, ear, mouth_y,
        occlusion(points, facing, blockers),
    )  # fmt: skip


def units(points: Floats, faces: Ints, facing: Floats, moves: dict[str, Floats]) -> dict[str, Unit]:
    """Units with what they do to the normals, so that creases catch light; the ones that move nothing are left out."""
    return {name: Unit(d, normals(points + d, faces) - facing) for name, d in moves.items() if np.abs(d).max() > LEAST}


def _close_lips(points: Floats, lip: Floats, inside: Floats, jaw: Floats, mouth_y: float) -> Floats:
    """The base mesh rests with the lips a hair apart: let them meet, the lower one giving most."""
    near = (lip > 0.3) | ((inside > 0.05) & (points[:, 2] > 1.25))
    red = near & (lip > 0.3)
    lower, upper = red & (jaw < -0.12), red & (jaw > -0.06)
    across = np.linspace(-0.36, 0.36, 49)
    gap = np.zeros(len(across))
    for k, x in enumerate(across):
        column = np.abs(points[:, 0] - x) < 0.012
        above, below = points[upper & column, 1], points[lower & column, 1]
        if len(above) and len(below) and abs(above.min() - below.max()) <= 0.1:
            gap[k] = above.min() - below.max()
    gap = np.convolve(np.clip(gap + 0.004, 0.0, 0.05), [0.25, 0.5, 0.25], "same")
    wanted = np.interp(points[:, 0], across, gap, 0.0, 0.0)
    closed = points.copy()
    share = np.where(jaw > -0.09, -0.40, 0.60)
    closed[:, 1] += share * wanted * bell(points[:, 1] - mouth_y, 0.10) * step(1.1, 1.3, points[:, 2])
    return closed


def _away_from_lips(lip: Floats, inside: Floats, faces: Ints) -> Floats:
    free = 1.0 - np.clip(3.0 * lip + 3.0 * inside, 0.0, 1.0)[:, None]
    for _ in range(3):
        free = np.minimum(free, ring_mean(free, faces))
    return np.asarray(free)


def _soften(moves: Floats, free: Floats, faces: Ints, times: int = 14) -> Floats:
    for _ in range(times):
        moves = moves + free * (ring_mean(moves, faces) - moves) * 0.85
    return moves


def mesh(skin: Skin, recipe: Recipe, shade: Floats, light: bool) -> Mesh:
    """The mesh for the file. ``shade``: how much light the hair lets through to each vertex, 0..1.

    Vertices at the seam behind the head are doubled. ``light``: the coarse mesh, which lies on the same surface.
    """
    count = skin.coarse if light else len(skin.points)
    faces = (skin.cage if light else skin.faces).copy()
    points = skin.points[:count]
    around = paint.angle(points)
    far: Flags = np.ptp(around[faces], axis=1) > np.pi
    behind = np.unique(faces[far][around[faces[far]] < 0.0])
    again = np.full(count, -1)
    again[behind] = count + np.arange(len(behind))
    crossing = faces[far]
    faces[far] = np.where(around[crossing] < 0.0, again[crossing], crossing)
    which = np.concatenate([np.arange(count), behind])
    places = np.concatenate([paint.place(points), paint.place(points[behind], around[behind] + 2.0 * np.pi)])
    return Mesh(
        name="Face",
        material="Skin",
        points=points[which],
        faces=faces,
        normals=skin.normals[which],
        uv=places,
        colours=_colours(skin, recipe, shade)[which],
        units={
            name: replace(one, moves=one.moves[which], turns=None if light or one.turns is None else one.turns[which])
            for name, one in skin.units.items()
        },
        head=step(5.70, 6.40, points[which][:, 1]),
    )


def _colours(skin: Skin, recipe: Recipe, shade: Floats) -> Floats:
    """Occlusion as colour, red going last; the mouth dark within; in alpha how much light shines through."""
    points = skin.points
    sky = 0.25 + 0.75 * np.stack([skin.occlusion**0.45, skin.occlusion**0.75, skin.occlusion**0.80], 1)
    hair = 0.22 + 0.78 * np.clip(shade[:, None] * 1.3, 0.0, 1.0) ** np.array([0.75, 0.95, 1.0])
    colour = sky * hair
    mouth = np.array([0.46, 0.17, 0.155]) * (0.10 + 0.90 * step(1.10, 1.46, points[:, 2]))[:, None]
    inside = skin.inside[:, None]
    colour = colour * (1.0 - inside) + inside * colour * mouth
    wings = bell(np.abs(points[:, 0]) - 0.15, 0.045) * bell(points[:, 1] - 6.985, 0.07) * (points[:, 2] > 1.45)
    thin = np.clip((0.2 if recipe.hair.style == "bob" else 0.9) * skin.ear + 0.25 * wings, 0.0, 1.0)
    return np.concatenate([colour, thin[:, None]], 1)
