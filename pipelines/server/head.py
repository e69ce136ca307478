"""The head that pages show, as ``/model`` sends it: the project's own, or one of ``face.model``."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import web

from aurora.glb import ModelRefused
from aurora.model import Model, check_model
from pipelines.server.errors import ServerError
from pipelines.server.files import TYPES, Asset

OURS, OURS_LIGHT = "sophia.glb", "sophia-light.glb"
"""In the package ``aurora.head``: the head that comes with the project, and the same for slow machines."""


class Head:
    """A head and, for slow machines, a lighter one. Each file is read when it is first asked for, and kept.

    ``model`` is None where the project's own head was not built.
    """

    def __init__(self, name: str, path: Path, light: Path | None, model: Model | None) -> None:
        self._name = name
        self._path = path
        self._light = light
        self._model = model
        self._kept: dict[Path, Asset] = {}

    @classmethod
    async def chosen(cls, path: Path | None) -> Head:
        """The head at ``path``, or the project's own. Raises :class:`ServerError` for one that cannot be shown."""
        if path is not None:
            try:
                return cls(path.stem, path, None, await asyncio.to_thread(check_model, path))
            except (ModelRefused, OSError) as error:
                raise ServerError(f"face.model: {error}") from error
        folder = Path(str(files("aurora"))) / "head"
        ours, light = folder / OURS, folder / OURS_LIGHT
        model = await asyncio.to_thread(check_model, ours) if ours.is_file() else None
        return cls("sophia", ours, light if light.is_file() else None, model)

    def facts(self) -> dict[str, Any]:
        """What a page should know of it."""
        return {
            "url": "/model",
            "light_url": "/model?light" if self._light else None,
            "kind": self._model.kind if self._model else "glb",
            "name": self._name,
            "missing": list(self._model.missing) if self._model else [],
        }

    async def asset(self, light: bool) -> Asset:
        """The file to send, the light one if that is asked for and there is one. Raises ``HTTPNotFound``."""
        path = self._light if light and self._light else self._path
        if path not in self._kept:
            try:
                body = await asyncio.to_thread(path.read_bytes)
            except OSError as error:
                raise web.HTTPNotFound(text="There is no head to show.\n") from error
            self._kept[path] = Asset(body, TYPES[".glb"])
        return self._kept[path]
