"""Writes a performance: a head that is referenced, what moves it, her voice, her words, and what happened.

    /World                  what is opened; its custom data hold the turns
    /World/Sophia           the head of :mod:`aurora.usd.stage`; ``userProperties:caption`` is what is being heard
    /World/Sophia/Skel/Anim weights and turns of the joints, one sample for each frame
    /World/Voice            SpatialAudio that names the sound's file; it comes from nowhere in particular

Frame 0 is the beginning, and a time code is a frame.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pxr import Gf, Kind, Sdf, Usd, UsdGeom, UsdMedia, UsdSkel, UsdUtils, Vt

from aurora.usd.check import problems
from aurora.usd.head import Head
from aurora.usd.stage import ANIMATION, NAME, ROOT, measure, write_head

ENDINGS: Final = (".usda", ".usdc", ".usdz")

HEAD_FILE, VOICE_FILE = "head.usdc", "voice.wav"
_LARGEST: Final = 2**31 - 1
CAPTION: Final = "userProperties:caption"
"""A string with time samples; empty where nothing is heard. Importers take user properties over."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Performed:
    """What is performed, frame by frame.

    ``weights`` in ARKit's order, shape ``(n, 52)``; ``head`` pitch, yaw and roll, shape ``(n, 3)``; ``eyes`` pitch and
    yaw of the left and the right one, shape ``(n, 2, 2)``; angles as in :mod:`aurora.turning`. ``voice`` is a WAV file
    of ``voice_seconds``, or empty. ``captions`` are ``(start, end, text)`` in seconds. ``about`` is plain data: texts,
    numbers and mappings of these.
    """

    fps: int
    weights: NDArray[np.float32]
    head: NDArray[np.float64]
    eyes: NDArray[np.float64]
    voice: bytes = b""
    voice_seconds: float = 0.0
    captions: Sequence[tuple[float, float, str]] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


class UsdError(Exception):
    """No USD file could be made; the message is one line."""

    kind = "settings"


def files_of(path: Path) -> Path | None:
    """The folder beside ``path`` that its pictures, its head and its sound go into; a package has them inside."""
    return None if path.suffix == ".usdz" else path.with_name(f"{path.stem}_files")


def unusable(path: Path) -> str | None:
    """Why no USD file can have the name of ``path``, in words that follow it; ``None`` if one can."""
    if path.suffix not in ENDINGS:
        return f"does not end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
    if not path.name.isprintable():
        return "has a name that USD cannot write down"
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return "is a link or a device"  # files lie beside a scene, and are named from there
    return None


def write_performance(head: Head, performed: Performed, path: Path, progress: Progress) -> None:
    """Writes ``path``, which ends in one of :data:`ENDINGS`, and :func:`files_of` it; what is there is replaced.

    It is checked before it takes its place. Raises :class:`UsdError` if the check finds something, and ``OSError``.
    """
    beside = files_of(path)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as name:
        folder = Path(name)
        files = folder / beside.name if beside else folder
        files.mkdir(exist_ok=True)
        write_head(head, files, HEAD_FILE)
        if performed.voice:
            (files / VOICE_FILE).write_bytes(performed.voice)
        scene = folder / f"{path.stem}{path.suffix if beside else '.usdc'}"
        _write(performed, scene, f"./{files.name}" if beside else ".", progress)
        if not beside:
            scene = _packed(scene, folder / path.name)
        progress("checking", 0.0)
        if found := problems(scene):
            raise UsdError(f"{path} was not written, because it would be broken: {found[0]}")
        _deliver(folder, path)


def _packed(scene: Path, package: Path) -> Path:
    if not UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(scene)), str(package)):
        raise UsdError(f"{package.name} could not be packed")
    return package


def _deliver(folder: Path, path: Path) -> None:
    """Puts what was made in ``folder`` into its place, the scene last. Voices are their owner's alone."""
    beside = files_of(path)
    made = sorted(file for file in (folder / beside.name).rglob("*") if file.is_file()) if beside else []
    for file in (*made, folder / path.name):
        target = path.parent / file.relative_to(folder)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600)
        os.replace(file, target)


def _write(performed: Performed, path: Path, files: str, progress: Progress) -> None:
    stage = Usd.Stage.CreateNew(str(path))
    measure(stage)
    stage.SetTimeCodesPerSecond(performed.fps)
    stage.SetFramesPerSecond(performed.fps)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(len(performed.weights) - 1)
    world = UsdGeom.Xform.Define(stage, "/World")
    stage.SetDefaultPrim(world.GetPrim())
    Usd.ModelAPI(world).SetKind(Kind.Tokens.assembly)
    if about := _dictionary(performed.about):
        world.GetPrim().SetCustomDataByKey("sophia", about)
    sophia = stage.OverridePrim(world.GetPath().AppendChild(NAME))
    sophia.GetReferences().AddReference(f"{files}/{HEAD_FILE}", ROOT)
    _move(stage, sophia, performed, progress)
    _speak(stage, world, sophia, performed, files)
    if not stage.GetRootLayer().Save():
        raise OSError(f"{path} could not be written")


def _move(stage: Usd.Stage, sophia: Usd.Prim, performed: Performed, progress: Progress) -> None:
    animation = UsdSkel.Animation(stage.OverridePrim(sophia.GetPath().AppendPath(ANIMATION)))
    weights, rotations = animation.CreateBlendShapeWeightsAttr(), animation.CreateRotationsAttr()
    turns = joint_turns(performed.head, performed.eyes)
    count = len(performed.weights)
    for frame in range(count):
        weights.Set(Vt.FloatArray.FromNumpy(np.ascontiguousarray(performed.weights[frame])), frame)
        rotations.Set([Gf.Quatf(w, x, y, z) for x, y, z, w in turns[frame].tolist()], frame)
        if frame % 1000 == 0:
            progress("frames", frame / count)


def joint_turns(head: NDArray[np.float64], eyes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quaternions ``x, y, z, w`` of the four joints, shape ``(n, 4, 4)``: roll, then pitch, then yaw."""
    count = len(head)
    turns = np.zeros((count, 4, 4))
    turns[:, 0, 3] = 1.0
    turns[:, 1] = _turn(*head.T)
    for eye in (0, 1):
        turns[:, 2 + eye] = _turn(eyes[:, eye, 0], eyes[:, eye, 1], np.zeros(count))
    return turns


def _turn(pitch: NDArray[np.float64], yaw: NDArray[np.float64], roll: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quaternion of yaw about y · pitch about x · roll about z."""
    sx, sy, sz = (np.sin(angle / 2) for angle in (pitch, yaw, roll))
    cx, cy, cz = (np.cos(angle / 2) for angle in (pitch, yaw, roll))
    return np.stack(
        [
            cy * sx * cz + sy * cx * sz,
            sy * cx * cz - cy * sx * sz,
            cy * cx * sz - sy * sx * cz,
            cy * cx * cz + sy * sx * sz,
        ],
        axis=-1,
    )


def _speak(stage: Usd.Stage, world: UsdGeom.Xform, sophia: Usd.Prim, performed: Performed, files: str) -> None:
    if performed.voice:
        voice = UsdMedia.SpatialAudio.Define(stage, world.GetPath().AppendChild("Voice"))
        voice.CreateFilePathAttr(Sdf.AssetPath(f"{files}/{VOICE_FILE}"))
        voice.CreateAuralModeAttr(UsdMedia.Tokens.nonSpatial)
        voice.CreatePlaybackModeAttr(UsdMedia.Tokens.onceFromStart)
        voice.CreateStartTimeAttr(Sdf.TimeCode(0))
        voice.CreateEndTimeAttr(Sdf.TimeCode(performed.voice_seconds * performed.fps))
    caption = sophia.CreateAttribute(CAPTION, Sdf.ValueTypeNames.String, custom=True)
    caption.Set("", 0)
    for start, end, text in performed.captions:
        caption.Set(text, start * performed.fps)
        caption.Set("", end * performed.fps)  # the next line overwrites it where it follows at once


def _dictionary(about: Mapping[str, Any]) -> dict[str, Any]:
    """``about`` as USD's dictionaries hold it: names of letters and digits, no large numbers, nothing that is empty."""
    found: dict[str, Any] = {}
    for name, value in about.items():
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:100]
        if isinstance(value, Mapping):
            value = _dictionary(value)  # noqa: PLW2901 - the same, as USD has it
        elif isinstance(value, int) and abs(value) > _LARGEST:
            value = float(value)  # noqa: PLW2901
        if plain and value not in (None, {}):
            found[plain] = value
    return found
