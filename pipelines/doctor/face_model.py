"""Base, the model folder of the embedded face: whether its files are there and whole, and what could run them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, fail, ok, skip, warn
from pipelines.doctor.host import printable
from pipelines.embedded.face.network.folder import Folder, ModelUnusable
from pipelines.embedded.face.network.layout import Layout
from pipelines.embedded.face.network.session import providers
from pipelines.settings.network import NetworkSettings

SECONDS: Final = 60.0
"""How long looking may take: the checksums are of 320 MB, which may have to come from a slow disk."""


async def _face_model(c: Context) -> Result:
    network = c.settings.face.network
    if network.folder is None:
        return skip("not named: face.network.folder; the embedded face has its own small lips")
    try:
        found = await asyncio.to_thread(_looked_at, network.folder, network)
    except ModelUnusable as unusable:
        return fail(printable(str(unusable)), "see Audio2Face-3D's open network in docs/aurora.md")
    if "face" not in c.settings.embedded_services:
        return warn(f"{found}\nit is not used: the face is not embedded", "embedded: [face]")
    return ok(found)


def _looked_at(folder: Path, network: NetworkSettings) -> str:
    files = Folder.find(folder)
    layout = Layout.read(files.info)
    known = network.verify and files.verify(layout.actor, layout.version)
    there = ", ".join(name.removesuffix("ExecutionProvider") for name in providers(network.provider))
    size = sum(path.stat().st_size for path in vars(files).values()) / 1e6
    whole = "NVIDIA's checksums" if known else "no checksums to compare with"
    return printable(f"{layout.actor} {layout.version}, {size:.0f} MB, {whole}; onnxruntime has {there}")


FACE_MODEL: Final = Check(
    "base", "inventory", "face_model", "Audio2Face-3D's network", "it moves her whole face, where lips alone move else",
    _face_model, SECONDS,
)  # fmt: skip
