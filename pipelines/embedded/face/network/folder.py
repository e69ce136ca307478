"""A folder of an Audio2Face-3D model: which files it has, and in words what is wrong with them.

NVIDIA's ``model.json`` says where each file is, relative to the folder; without one they have their usual names.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SETTING = "face.network.folder"

_POINTER = b"version https://git-lfs"
_LARGEST_JSON = 4 << 20
_CHUNK = 1 << 20
LARGEST_ARRAYS = 2 << 30
"""Bytes that the arrays of one file may unpack to. NVIDIA's largest file holds 0.2 GB."""

CHECKSUMS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("mark", "2.3"): {
        "network": "dcd16d3b1affb090d4da1ba88791faa6bcd755f97c853b3b667abad9be15cb4b",
        "data": "03790f24942ec26796ce101c2e238eb7ff5c1bb94a6c14a840ffcd530d3a301e",
        "skin": "95fbe12499271a9c1ca0d718262fad76d6218f026a450d07006c6b70bc001cc5",
    }
}
"""SHA-256 of NVIDIA's files by actor and version, as a port of the model has published them (QtMeshEditor)."""


class ModelUnusable(RuntimeError):
    """The model cannot be run; the message says which file, what is wrong, and what to do."""


@dataclass(frozen=True)
class Folder:
    """The files of a model; ``find`` makes one of what there is."""

    info: Path
    network: Path
    config: Path
    data: Path
    emotions: Path
    skin: Path
    skin_config: Path
    tongue: Path
    tongue_config: Path

    @staticmethod
    def find(root: Path) -> Folder:
        """The files of the folder ``root``; raises :class:`ModelUnusable` for one that is missing or a mere pointer."""
        if not root.is_dir():
            raise ModelUnusable(f"{SETTING}: {root} is no folder{_LOOKS_LIKE}")
        told = read_json(root / "model.json") if (root / "model.json").exists() else {}
        shapes = told.get("blendshapePaths", {})
        skin, tongue = (shapes.get(part, {}) if isinstance(shapes, dict) else {} for part in ("skin", "tongue"))

        def at(group: Any, key: str, usual: str) -> Path:
            name = group.get(key) if isinstance(group, dict) else None
            if not isinstance(name, str) or not name:
                return root / usual
            path = Path(name)
            if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
                where = root / "model.json"
                raise ModelUnusable(f"{where}: {key} is {name[:80]!r}, and should be a file of this folder")
            return root / path

        folder = Folder(
            info=at(told, "networkInfoPath", "network_info.json"),
            network=at(told, "networkPath", "network.onnx").with_suffix(".onnx"),  # theirs names the engine built of it
            config=at(told, "modelConfigPath", "model_config.json"),
            data=at(told, "modelDataPath", "model_data.npz"),
            emotions=at(told, "emotionDatabasePath", "implicit_emo_db.npz"),
            skin=at(skin, "data", "bs_skin.npz"),
            skin_config=at(skin, "config", "bs_skin_config.json"),
            tongue=at(tongue, "data", "bs_tongue.npz"),
            tongue_config=at(tongue, "config", "bs_tongue_config.json"),
        )
        for field in fields(folder):
            _check(getattr(folder, field.name), root)
        return folder

    def verify(self, actor: str, version: str) -> bool:
        """Compares with NVIDIA's checksums; false where none are known. Raises :class:`ModelUnusable` for others."""
        checksums = CHECKSUMS.get((actor.casefold(), version.casefold().removeprefix("v")), {})
        for key, known in checksums.items():
            path: Path = getattr(self, key)
            if _sha256(path) != known:
                raise ModelUnusable(
                    f"{path} is damaged (its checksum is not NVIDIA's). Download it again, or set face.network.verify "
                    "to false for a model of your own"
                )
        return bool(checksums)


_LOOKS_LIKE = (
    ". A model folder of Audio2Face-3D has network.onnx, network_info.json, model_config.json, model_data.npz, "
    "implicit_emo_db.npz, bs_skin.npz, bs_skin_config.json, bs_tongue.npz, bs_tongue_config.json; see docs/aurora.md"
)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a file; raises :class:`ModelUnusable` if it cannot be read, or is none."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_LARGEST_JSON), parse_constant=_no_number)
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ModelUnusable(f"{path} is not JSON: {_line(error)}") from None
    if not isinstance(content, dict):
        raise ModelUnusable(f"{path} holds no mapping")
    return content


def _no_number(constant: str) -> float:
    raise ValueError(f"it holds {constant}")


class Arrays:
    """The arrays of an ``npz`` file, read one by one; every mistake in it becomes a :class:`ModelUnusable`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as packed:  # np.load alone would read what is no npz whole
                size = sum(member.file_size for member in packed.infolist())
            self._file = np.load(path)
            self.names = frozenset(self._file.files)
        except Exception as error:  # zipfile and numpy have a dozen kinds for a broken file
            raise ModelUnusable(f"{path} is no npz file: {_line(error)}") from None
        if size > LARGEST_ARRAYS:
            most = LARGEST_ARRAYS / 1e9
            raise ModelUnusable(f"{path} unpacks to {size / 1e9:.1f} GB; at most {most:.1f} GB are read")

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.names:
            raise ModelUnusable(f"{self.path} has no array {name}")
        try:
            array: NDArray[Any] = self._file[name]
        except Exception as error:  # as above
            raise ModelUnusable(f"{self.path} is damaged in {name}: {_line(error)}") from None
        return array

    def numbers(self, name: str, *shape: int) -> NDArray[Any]:
        """An array of finite numbers; ``-1`` in ``shape`` stands for any length but none."""
        array = self[name]
        fits = array.ndim == len(shape) and all(b == a or b < 0 < a for a, b in zip(array.shape, shape, strict=True))
        if not fits or array.dtype.kind not in "fiu":
            wanted = " x ".join("any" if size < 0 else str(size) for size in shape)
            raise ModelUnusable(f"{self.path}: {name} has {' x '.join(map(str, array.shape))} numbers, not {wanted}")
        if not np.isfinite(array).all():
            raise ModelUnusable(f"{self.path} is damaged in {name}: it holds what is no number")
        return array

    def words(self, name: str) -> list[str]:
        """An array of names, in bytes or text."""
        return [word.decode(errors="replace") if isinstance(word, bytes) else str(word) for word in self[name].ravel()]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _check(path: Path, root: Path) -> None:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise ModelUnusable(f"{path} is no file")
    try:
        with path.open("rb") as file:
            begins = file.read(len(_POINTER))
        size = path.stat().st_size
    except OSError as error:
        if path.exists():
            raise ModelUnusable(f"{path} cannot be read: {error.strerror or error}") from None
        raise ModelUnusable(f"{SETTING}: {root} has no {path.relative_to(root)}{_LOOKS_LIKE}") from None
    if begins == _POINTER:
        raise ModelUnusable(
            f"{path} is {size} bytes: a Git LFS pointer, not the file. Fetch it with git lfs pull, or the hub's program"
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
