"""Files that are served: the built page out of the package, and her head. Each is read once and kept.

A browser keeps what it has and asks by its tag (ETag) whether that is still right.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from aiohttp import web

TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".glb": "model/gltf-binary",
    ".vrm": "model/gltf-binary",
}
"""What is served by its ending; other files are not."""

WORTH_PACKING = 1400
"""Bytes: what fits one packet gains nothing by being packed."""


@dataclass(slots=True)
class Asset:
    """One file as it is sent; ``packed`` is the same by gzip, made when first asked for."""

    body: bytes
    type: str
    tag: str = field(init=False)
    packed: bytes | None = None

    def __post_init__(self) -> None:
        self.tag = hashlib.sha256(self.body).hexdigest()[:32]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The response to ``request``: whole, packed, or that the browser has it already."""
        wanted = request.if_none_match or ()
        headers = {"Content-Type": self.type, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if any(tag.value in (self.tag, "*") for tag in wanted):
            response = web.Response(status=304, headers=headers)
        elif len(self.body) > WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
            if self.packed is None:
                self.packed = await asyncio.to_thread(gzip.compress, self.body, 6, mtime=0)
            # A browser counts what it has unpacked; this header tells it of how much that is a part.
            headers |= {"Content-Encoding": "gzip", "X-File-Size": str(len(self.body))}
            response = web.Response(body=self.packed, headers=headers)
        else:
            response = web.Response(body=self.body, headers=headers)
        response.etag = self.tag
        return response


class Page:
    """The built page, as it lies in the package ``aurora``."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets

    @classmethod
    def built(cls) -> Page:
        """Reads the page; it has no file where it was not built. Blocks for some milliseconds."""
        folder = files("aurora") / "web" / "static"
        found = {}
        if folder.is_dir():
            for file in folder.iterdir():
                if (kind := TYPES.get(Path(file.name).suffix)) and file.is_file():
                    found[file.name] = Asset(file.read_bytes(), kind)
        return cls(found)

    def __getitem__(self, name: str) -> Asset:
        """The file of that name; raises ``HTTPNotFound``."""
        if (asset := self._assets.get(name)) is None:
            raise web.HTTPNotFound(text=f"There is no {name}.\n" if self._assets else "The page was not built.\n")
        return asset
