"""Eyes in three layers: a ball with a hollow painted iris, a clear cornea, and a fixed dark veil under the lids."""

from __future__ import annotations

import numpy as np

from aurora.head import blink, paint
from aurora.head.body import Eye
from aurora.head.geometry import Floats, compact, normals, sphere, step
from aurora.head.lashes import LidLines
from aurora.head.model import Mesh
from aurora.head.recipe import Eyes
from aurora.head.skin import Skin

IRIS = 0.475
"""Radius of the iris as a part of the eyeball's."""
BALL, VEIL = 0.985, 1.010
"""Radius of the ball and of the veil as parts of the cornea's."""
ROUND = 2.05
"""Width of the painted eye as a multiple of the radius."""


def ball(eye: Eye, side: str, skin: Skin) -> Mesh:
    """The ball; its iris lies deeper than the white."""
    radius = eye.radius * BALL
    points, faces = sphere(40, 48, radius)
    iris = eye.radius * IRIS
    out = np.hypot(points[:, 0], points[:, 1])
    hollow = (out < iris) & (points[:, 2] > 0.0)
    points[hollow, 2] = np.sqrt(radius**2 - iris**2) - 0.020 * (1.0 - (out[hollow] / iris) ** 2)
    places = 0.5 + points[:, :2] * [1.0, -1.0] / (ROUND * eye.radius)
    name = f"Eye{side}"
    sunk = blink.sunk(eye, skin, side, lambda out: _dome(radius, out), points + eye.at)
    return Mesh(
        f"{name}Ball", "Eye", points + eye.at, faces, normals(points, faces), uv=places, node=name, pivot=eye.at,
        units=sunk,
    )  # fmt: skip


def _dome(radius: float, out: Floats) -> Floats:
    return np.asarray(np.sqrt(np.clip(radius**2 - out**2, 0.0, None)))


def cornea(eye: Eye, side: str, skin: Skin) -> Mesh:
    """The clear front with its bulge before the iris."""
    points, faces = sphere(28, 40, eye.radius)
    out = np.hypot(points[:, 0], points[:, 1])
    rim = eye.radius * IRIS * 1.14

    def bulge(out: Floats) -> Floats:
        return np.asarray(0.011 * np.clip(1.0 - (out / rim) ** 2, 0.0, None) ** 1.5)

    points[:, 2] += bulge(out) * (points[:, 2] > 0.0)
    faces, used = compact(faces[points[faces][:, :, 2].min(1) > -0.02])
    points = points[used]
    name = f"Eye{side}"
    sunk = blink.sunk(eye, skin, side, lambda out: _dome(eye.radius, out) + bulge(out), points + eye.at)
    return Mesh(
        f"{name}Cornea", "Cornea", points + eye.at, faces, normals(points, faces), node=name, pivot=eye.at, units=sunk
    )


def veil(eye: Eye, side: str, skin: Skin, lids: LidLines) -> Mesh:
    """Contact shadow and wet line without ray tracing: dark along the lids and in the corners; it does not turn."""
    points, faces = sphere(36, 56, eye.radius * VEIL)
    faces, used = compact(faces[points[faces][:, :, 2].min(1) > 0.0])
    points = points[used]
    upper, lower = lids.upper - eye.at, lids.lower - eye.at
    over, under = upper[np.argsort(upper[:, 0])], lower[np.argsort(lower[:, 0])]
    x, y = points[:, 0], points[:, 1]
    from_upper = np.interp(x, over[:, 0], over[:, 1]) - y
    from_lower = y - np.interp(x, under[:, 0], under[:, 1])

    def fading(apart: Floats, reach: float) -> Floats:
        return np.asarray(np.exp(-np.clip(apart, 0.0, None) / reach))

    dark = 0.66 * fading(from_upper, 0.016) + 0.34 * fading(from_upper, 0.06) + 0.30 * fading(from_lower, 0.011)
    dark += 0.42 * fading(x - over[0, 0], 0.020) + 0.42 * fading(over[-1, 0] - x, 0.020)
    colour = np.concatenate([np.ones((len(points), 3)) * (0.10, 0.045, 0.04), np.clip(dark, 0.0, 0.88)[:, None]], 1)
    return Mesh(
        f"Eye{side}Shade", "EyeShade", points + eye.at, faces, normals(points, faces), colours=colour, node="Head",
        units=blink.followed(eye, skin, side, lids, points + eye.at),
    )  # fmt: skip


def picture(eyes: Eyes, size: int) -> bytes:
    """White with veins, iris with fibres, a dark ring around it, and the pupil."""
    y, x = np.mgrid[0:size, 0:size] / (size - 1) * ROUND - ROUND / 2.0
    out, turn = np.hypot(x, y), np.arctan2(y, x)
    colour = np.array([0.905, 0.875, 0.850]) * np.ones((size, size, 3))
    colour *= (1.0 - 0.15 * step(0.52, 1.0, out))[..., None] * np.array([1.0, 0.985, 0.975])
    colour -= (step(0.60, 1.0, out) * 0.10)[..., None] * np.array([0.0, 0.9, 0.8])
    veins = np.abs(paint.noise(np.stack([turn * 5.0, out * 4.0, 0.0 * out], -1), 1.0, 2) - 0.5).astype(np.float64)
    colour -= (step(0.030, 0.0, veins) * step(0.58, 0.95, out) * 0.13)[..., None] * np.array([0.1, 1.0, 0.9])
    u = out / IRIS

    def around(count: float, depth: float, seed: int) -> Floats:
        points = np.stack([np.cos(turn) * count, np.sin(turn) * count, u * depth], -1)
        return paint.noise(points, 1.0, seed).astype(np.float64)

    coarse, fine, wavy = around(24.0, 1.7, 8), around(60.0, 2.5, 9), 0.06 * (around(5.0, 0.0, 4) - 0.5)
    collar = step(0.28, 0.42, u + wavy) * (1.0 - step(0.46, 0.74, u + wavy))
    outer, inner = np.array(eyes.outer), np.array(eyes.inner)
    iris = (
        (outer + (inner - outer) * collar[..., None]) * (0.70 + 0.62 * coarse + 0.42 * (fine - 0.5))[..., None] * 1.25
    )
    iris *= (1.0 - 0.74 * step(0.80, 1.0, u))[..., None]
    iris *= (0.82 + 0.55 * step(-0.5, 0.8, y / IRIS))[..., None]  # light gathers below
    colour += (1.0 - step(0.955, 1.06, u))[..., None] * (iris - colour)
    colour += (1.0 - step(0.335, 0.375, u))[..., None] * (0.010 - colour)
    return paint.jpeg(colour, 90)
