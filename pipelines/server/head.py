"""Her head, as ``/model`` sends it."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

from pipelines.server.files import TYPES, Asset

OURS, OURS_LIGHT = "sophia.glb", "sophia-light.glb"
"""Of the package ``aurora.head``: the head that comes with the project, and the same for slow machines."""


class Head:
    """The head that comes with the project; each file is read when it is first asked for."""

    def __init__(self) -> None:
        self._kept: dict[str, Asset] = {}

    @property
    def light(self) -> bool:
        """Whether there is a light one."""
        return _file(OURS_LIGHT).is_file()

    async def asset(self, light: bool) -> Asset:
        """The file to send, the light one if that is asked for. Raises ``HTTPNotFound``."""
        name = OURS_LIGHT if light and self.light else OURS
        if name not in self._kept:
            try:
                body = await asyncio.to_thread(_file(name).read_bytes)
            except OSError as error:
                raise web.HTTPNotFound(text="There is no head to show.\n") from error
            self._kept[name] = Asset(body, TYPES[name[name.rindex(".") :]])
        return self._kept[name]


def _file(name: str) -> Traversable:
    return files("aurora") / "head" / name
