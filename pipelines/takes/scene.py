"""A performance as a USD scene, and the check of one. USD is in :mod:`aurora.usd`, and needs the extra ``usd``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aurora.glb import ModelRefused
from aurora.head import SOPHIA
from aurora.turning import eye_turn, head_turn
from pipelines.settings.outputs import Output
from pipelines.takes.formats import turns, voice
from pipelines.takes.performance import Performance, Progress, TakeError

if TYPE_CHECKING:
    from aurora.usd.head import Head

NEEDED = "USD needs the extra usd: .venv/bin/python -m pip install -e '.[usd]'"
_PACKAGES = ("pxr", "PIL")


def outputs(path: Path | None) -> list[Output]:
    """What ``--usd PATH`` writes. Raises :class:`TakeError` if USD takes no such name, or its packages are missing."""
    if path is None:
        return []
    try:
        from aurora.usd.performance import VOICE_FILE, files_of, unusable  # noqa: PLC0415 - needs the extra usd
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _PACKAGES:
            raise
        raise TakeError(f"--usd {path}: {NEEDED}") from None
    if why := unusable(path):
        raise TakeError(f"--usd {path} {why}; name another file.")
    beside = files_of(path)
    return [
        Output("--usd", path),
        *([Output("--usd", beside / VOICE_FILE, in_new_folder=True)] if beside else []),
    ]


def choose_head(asked: Path | None, performance: Performance) -> Head:
    """The head that was asked for, else the one of the conversation's settings, else the project's own.

    Raises :class:`TakeError` for one that cannot be used.
    """
    from aurora.usd.head import read_head  # noqa: PLC0415

    recorded = Path(performance.head) if performance.head else None
    try:
        if asked is None and recorded is not None and not recorded.is_file():
            performance.notes.append(f"its head {recorded} is not here; the project's own stands in")
            recorded = None
        return read_head(asked or recorded or SOPHIA)
    except ModelRefused as refused:
        raise TakeError(f"{refused}; name another head by --head.") from refused


def write_scene(
    performance: Performance, head: Head, poses: NDArray[np.float32], fps: int, *, path: Path, progress: Progress
) -> None:
    """Writes the scene and the files beside it. Raises :class:`TakeError` and ``OSError``."""
    from aurora.usd.performance import Performed, UsdError, write_performance  # noqa: PLC0415

    seconds = np.arange(len(poses)) / fps
    sound = performance.pcm
    performed = Performed(
        fps=fps,
        weights=poses,
        head=head_turn(seconds),
        eyes=eye_turn(poses),
        voice=voice(performance) if len(sound) else b"",
        voice_seconds=len(sound) / performance.rate,
        captions=[(line.start, line.end, line.text) for line in performance.lines],
        about={
            "began": performance.began,
            "notes": "; ".join(performance.notes),
            "turns": {f"turn_{place}": turn for place, turn in enumerate(turns(performance), 1)},
        },
    )
    try:
        write_performance(head, performed, path, progress)
    except UsdError as error:
        raise TakeError(f"--usd {error}.") from error


def check(path: Path) -> list[str]:
    """What is wrong with a USD file. Raises :class:`TakeError` if USD is not installed."""
    try:
        from aurora.usd.check import problems  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _PACKAGES:
            raise
        raise TakeError(NEEDED) from None
    return problems(path)
