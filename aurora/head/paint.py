"""Painting by place: the head is laid out flat, and each texel knows which point of the skin it shows.

Also noise on points, hair strokes, and pictures as bytes.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from aurora.head.geometry import Flags, Floats, Ints

AXIS_Z, BOTTOM, TOP = 0.15, 4.80, 8.6
"""The cylinder around the head that the skin is laid out on: where it stands, and from where to where it reaches."""

Stroke = tuple[Floats, float, float]
"""A hair: points in the picture (0..1), width in pixels of a picture of 2048, darkness 0..1."""

Single = NDArray[np.float32]


def angle(points: Floats) -> Floats:
    """Where around the cylinder a point is: 0 in front, positive to her left, ±π behind."""
    return np.asarray(np.arctan2(points[:, 0], points[:, 2] - AXIS_Z))


def place(points: Floats, around: Floats | None = None) -> Floats:
    """Where in the picture a point of the skin is, ``(n, 2)`` in 0..1; the face gets more room than the back."""
    share = (angle(points) if around is None else around) / np.pi
    across = 0.5 + 0.5 * (1.4 * share - 0.4 * share * np.abs(share) ** 2)
    return np.stack([across, 1.0 - (points[:, 1] - BOTTOM) / (TOP - BOTTOM)], 1)


class Layout:
    """Which point of a mesh each texel shows. Texels that show none are left out of everything."""

    _CHUNK = 400_000

    def __init__(self, places: Floats, corners: Ints, priority: Floats, size: int) -> None:
        """``corners``: triangles. Where two cover a texel, the one of higher ``priority`` (by vertex) is seen."""
        self.size = size
        at = places * size - 0.5
        low = np.clip(np.floor(at[corners].min(1)).astype(np.int64) - 1, 0, size - 1)
        high = np.clip(np.ceil(at[corners].max(1)).astype(np.int64) + 1, 0, size - 1)
        spread = high - low + 1
        whole = spread[:, 0] <= size // 3  # the others span the seam
        texels, triangles, shares, heights = [], [], [], []
        order = np.flatnonzero(whole)
        order = order[np.argsort(spread[order].max(1), kind="stable")]
        while len(order):
            side = int(spread[order[0]].max())
            side = side + (side // 2)  # triangles of about one size go together
            these = order[: np.searchsorted(spread[order].max(1), side, "right")][: max(1, self._CHUNK // side**2)]
            order = order[len(these) :]
            side = int(spread[these].max())
            step = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
            pixel = low[these][:, None] + step[None]
            (ax, ay), (bx, by), (cx, cy) = at[corners[these]].transpose(1, 2, 0)[..., None]
            area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
            area = np.where(np.abs(area) < 1e-9, np.inf, area)
            x, y = pixel[..., 0], pixel[..., 1]
            first = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area
            second = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area
            share = np.stack([first, second, 1.0 - first - second], -1)
            inside = (share.min(-1) > -0.02) & (pixel <= high[these][:, None]).all(-1) & np.isfinite(area)
            row, _ = np.nonzero(inside)
            texels.append((y * size + x)[inside])
            triangles.append(these[row])
            shares.append(share[inside])
            heights.append((share[inside] * priority[corners[these[row]]]).sum(1))
        texel = np.concatenate(texels)
        rank = np.lexsort((np.concatenate(heights), texel))
        seen = rank[np.append(texel[rank][1:] != texel[rank][:-1], True)]  # the highest of each texel
        self.texels: Ints = texel[seen]
        """Numbers of the texels that show skin, row by row."""
        self._corners: Ints = corners[np.concatenate(triangles)[seen]]
        self._shares: Single = np.concatenate(shares)[seen].astype(np.float32)

    def carry(self, values: Floats) -> Single:
        """Values of the vertices at the texels that show them, ``(texels, k)``."""
        v = values.astype(np.float32)
        out: Single = self._shares[:, :1] * v[self._corners[:, 0]]
        out += self._shares[:, 1:2] * v[self._corners[:, 1]]
        out += self._shares[:, 2:] * v[self._corners[:, 2]]
        return out

    def picture(self, values: Single, elsewhere: float | tuple[float, ...]) -> Single:
        """``(size, size, k)`` out of ``(texels, k)``."""
        columns = values.shape[1]
        out = np.empty((self.size * self.size, columns), np.float32)
        out[:] = elsewhere
        out[self.texels] = values
        return out.reshape(self.size, self.size, columns)

    def covered(self) -> Flags:
        """Which texels show skin, ``(size, size)``."""
        out = np.zeros(self.size * self.size, bool)
        out[self.texels] = True
        return out.reshape(self.size, self.size)


def noise(points: Single | Floats, frequency: float, seed: int) -> Single:
    """Smooth random values 0..1 at points ``(…, 3)``: ``frequency`` is how many bumps a decimetre has."""
    table = np.random.default_rng(seed).random(4096).astype(np.float32)
    scaled = points.astype(np.float32) * np.float32(frequency)
    cell = np.floor(scaled)
    part = scaled - cell
    part = part * part * (3.0 - 2.0 * part)
    whole = cell.astype(np.int32)
    keys = [
        (whole[..., k] * np.int32(prime), (whole[..., k] + 1) * np.int32(prime))
        for k, prime in enumerate((73856093 & 0xFFFF, 19349663 & 0xFFFF, 83492791 & 0xFFFF))
    ]
    x, y, z = part[..., 0], part[..., 1], part[..., 2]

    def along_x(dy: int, dz: int) -> Single:
        rest = keys[1][dy] ^ keys[2][dz]
        a, b = table[(keys[0][0] ^ rest) & 4095], table[(keys[0][1] ^ rest) & 4095]
        return np.asarray(a + (b - a) * x)

    near = along_x(0, 0)
    near += (along_x(1, 0) - near) * y
    far = along_x(0, 1)
    far += (along_x(1, 1) - far) * y
    return np.asarray(near + (far - near) * z)


def strokes(size: int, hairs: list[Stroke], finer: int = 2) -> Single:
    """Tapered hairs, drawn ``finer`` times larger and scaled down: ``(size, size)``, 0..1."""
    image = Image.new("L", (size * finer, size * finer), 0)
    draw = ImageDraw.Draw(image)
    for points, width, dark in hairs:
        path = [(float(x) * size * finer, float(y) * size * finer) for x, y in points]
        parts = len(path) - 1
        for k in range(parts):
            wide = max(1, round(width * size / 2048 * finer * (1.0 - 0.75 * k / parts)))
            draw.line([path[k], path[k + 1]], fill=int(255 * dark), width=wide)
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS), np.float32) / 255.0


def blur(grey: Single, radius: float) -> Single:
    """A Gaussian blur of a grey picture, radius in pixels."""
    image = Image.fromarray(np.uint8(np.clip(grey, 0.0, 1.0) * 255.0))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255.0


def normal_map(height: Single, strength: float) -> Single:
    """A tangent-space normal map out of heights, 0..1."""
    across = np.roll(height, -1, 1) - np.roll(height, 1, 1)
    down = np.roll(height, -1, 0) - np.roll(height, 1, 0)
    out = np.stack([-across * strength, down * strength, np.ones_like(height)], -1)
    return np.asarray(out / np.linalg.norm(out, axis=-1, keepdims=True) * 0.5 + 0.5)


def linear(colour: tuple[float, float, float]) -> Floats:
    """A screen's colour (sRGB) as light."""
    c = np.array(colour, float)
    return np.where(c < 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def jpeg(picture: Single | Floats, quality: int) -> bytes:
    """``(h, w, 3)`` in 0..1 as JPEG."""
    buffer = io.BytesIO()
    subsampling = 0 if quality > 88 else 2
    Image.fromarray(_pixels(picture)).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def webp(picture: Single | Floats, quality: int) -> bytes:
    """``(h, w, 4)`` in 0..1 as WebP with alpha."""
    buffer = io.BytesIO()
    Image.fromarray(_pixels(picture)).save(buffer, "WEBP", quality=quality, method=4, exact=True)
    return buffer.getvalue()


def _pixels(picture: Single | Floats) -> NDArray[np.uint8]:
    return np.asarray(np.clip(picture, 0.0, 1.0) * 255.0 + 0.5, np.uint8)
