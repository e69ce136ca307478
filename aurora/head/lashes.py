"""Lashes: two strips of painted hairs a side that ride on the nearest skin of the lid and turn down as it closes.

The data's own lash strips give the lines of the lids; they end up below the lid when the eye shuts, so they are not
shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from aurora.head import paint
from aurora.head.body import SIDES, Body
from aurora.head.geometry import Floats, Ints, grid, neighbours, normals
from aurora.head.model import Mesh, Unit
from aurora.head.skin import Skin

COLUMNS = 40
ROWS = np.array([0.0, 0.12, 0.35, 0.62, 0.85, 1.0])
"""From the root to the tip."""
TURNS = {"eyeBlink": 1.05, "eyeLookDown": 0.35, "eyeSquint": 0.12, "eyeWide": -0.12}
"""How far upper lashes turn down, in radians."""
LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class LidLines:
    """Where lashes grow on one side, from the nose outwards, ``(COLUMNS, 3)`` each."""

    upper: Floats
    lower: Floats
    upper_tip: Floats
    lower_tip: Floats


def lid_lines(body: Body) -> dict[str, LidLines]:
    """The lines of both eyes' lids, by ``Left`` and ``Right``."""
    lines = {}
    for side in SIDES:
        (upper, upper_tip), (lower, lower_tip) = (_strip(body, side, kind) for kind in ("2", "1"))
        lines[side] = LidLines(upper, lower, upper_tip, lower_tip)
    return lines


def _strip(body: Body, side: str, kind: str, count: int = 15) -> tuple[Floats, Floats]:
    """Root and tip line of one of the data's strips."""
    ids = body.group(f"helper-{SIDES[side]}-eyelashes-{kind}")
    points = body.points[ids]
    out = np.linalg.norm(points - body.eyes[side].at, axis=1)
    x = points[:, 0] * (1.0 if side == "Left" else -1.0)
    ends = np.linspace(x.min() + 0.004, x.max() - 0.004, count + 1)
    middles = (ends[1:] + ends[:-1]) / 2.0
    root = [int(np.argmin(np.abs(x - m) / 0.02 + out * 30.0)) for m in middles]
    tip = [int(np.argmin(np.abs(x - m) / 0.02 - out * 12.0)) for m in middles]
    return _smooth(points[root]), _smooth(points[tip])


def _smooth(line: Floats) -> Floats:
    line = line.copy()
    for _ in range(2):
        line[1:-1] = (line[:-2] + 2.0 * line[1:-1] + line[2:]) / 4.0
    t = np.linspace(0.2, len(line) - 1.15, COLUMNS)
    return np.stack([np.interp(t, np.arange(len(line)), line[:, k]) for k in range(3)], 1)


def make(skin: Skin, lines: dict[str, LidLines], length: float) -> Mesh:
    """One mesh of four strips."""
    points: list[Floats] = []
    faces: list[Ints] = []
    places: list[Floats] = []
    moves: dict[str, list[Floats]] = {name: [] for name in skin.units}
    for side, line in lines.items():
        for upper in (True, False):
            root = line.upper if upper else line.lower
            rows = _rows(root, line.upper_tip if upper else line.lower_tip, side, upper, length)
            quads = grid(len(ROWS), COLUMNS)
            faces.append((quads if side == "Left" else quads[:, ::-1]) + len(points) * len(ROWS) * COLUMNS)
            points.append(rows.reshape(-1, 3))
            across, along = np.linspace(0.0, 1.0, COLUMNS), ROWS * 0.49 + (0.0 if upper else 0.5)
            places.append(np.stack(np.meshgrid(across, along), -1).reshape(-1, 2))
            for name, move in _ride(skin, root, rows, side, upper).items():
                moves[name].append(move.reshape(-1, 3))
    together, quads = np.concatenate(points), np.concatenate(faces)
    whole = {name: np.concatenate(parts) for name, parts in moves.items()}
    return Mesh(
        "Lashes", "Lash", together, quads, normals(together, quads), uv=np.concatenate(places), node="Head",
        units={name: Unit(move) for name, move in whole.items() if np.abs(move).max() > LEAST},
    )  # fmt: skip


def _rows(root: Floats, tip: Floats, side: str, upper: bool, length: float) -> Floats:
    """``(rows, columns, 3)``: longest a little outside of the middle, fanned out, curved up."""
    along = np.linspace(0.0, 1.0, COLUMNS)
    share = (0.66 if upper else 0.34) * (0.45 + 0.55 * np.sin(np.pi * np.clip(along * 0.92 + 0.10, 0.0, 1.0)) ** 0.7)
    out = np.sign(root[:, 0].mean()) * (along - 0.42) * (0.042 if upper else 0.02)
    rise, forth = (0.014, 0.020) if upper else (-0.004, 0.010)
    way = (tip - root) * share[:, None] + np.stack([out, np.full(COLUMNS, rise), np.full(COLUMNS, forth)], 1)
    r = ROWS[:, None, None]
    bow = np.array([0.0, -0.020 if upper else 0.008, 0.0]) * r * (1.0 - r) * 2.0
    return np.asarray(root + way * length * r + bow + np.array([0.0, 0.0, 0.004]))


def _ride(skin: Skin, root: Floats, rows: Floats, side: str, upper: bool) -> dict[str, Floats]:
    """What each unit of the skin does to the strip."""
    near = np.flatnonzero((skin.points[:, 2] > 1.15) & (np.abs(skin.points[:, 1] - 7.28) < 0.25))
    index, weight = neighbours(root, skin.points[near], 4)
    arm = rows - root
    out = {}
    for name, unit in skin.units.items():
        move = (unit.moves[near][index] * weight[..., None]).sum(1)
        turn = TURNS.get(name.removesuffix(side), 0.0) if upper and name.endswith(side) else 0.0
        up, forth = arm[..., 1], arm[..., 2]
        turned = np.stack(
            [
                np.zeros_like(up),
                (np.cos(turn) - 1.0) * up - np.sin(turn) * forth,
                np.sin(turn) * up + (np.cos(turn) - 1.0) * forth,
            ],
            -1,
        )
        out[name] = move + turned
    return out


def picture(width: int = 512, height: int = 128, finer: int = 2) -> bytes:
    """Upper half: the upper lid, roots at the top; lower half: the lower lid."""
    wide, high = width * finer, height * finer
    image = Image.new("L", (wide, high), 0)
    draw = ImageDraw.Draw(image)
    random = np.random.default_rng(2)
    for top, count, upper in ((0, 120, True), (high // 2, 64, False)):
        half = high * 0.49
        for i in range(count):
            x = (i + random.random()) / count * wide
            length = half * (0.62 + 0.36 * random.random())
            lean = (x / wide - 0.4) * wide * 0.05 + random.normal() * wide * 0.006
            clump = random.normal() * wide * 0.004
            path = [(x + lean * u + clump * u * u, top + length * u) for u in np.linspace(0.0, 1.0, 7)]
            for k in range(6):
                thick = (4.6 if upper else 3.0) * finer / 2 * (1.0 - k / 6.5)
                draw.line([path[k], path[k + 1]], fill=255, width=max(1, int(thick)))
        if upper:
            draw.rectangle([0, top, wide, top + half * 0.14], fill=255)
    alpha = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS), np.float32) / 255.0
    return paint.webp(np.concatenate([np.full((height, width, 3), 0.03, np.float32), alpha[..., None]], -1), 60)
