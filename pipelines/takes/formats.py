"""A performance in the formats that other programs read: WAV, JSON, and the CSV of Live Link Face."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aurora.face import ARKIT
from aurora.livelink import csv_lines, curves
from aurora.turning import eye_turn, head_turn
from pipelines.takes.performance import Performance, TakeError
from pipelines.telemetry.ledger import words_of
from sophia.wav import wav_bytes

SCHEMA: Final = 1
"""Version of :func:`document`."""


def voice(performance: Performance) -> bytes:
    """Her voice as a WAV file; it begins where the poses begin. Raises :class:`TakeError` if there is no sound."""
    if not len(performance.pcm):
        raise TakeError(f"{performance.folder}: there is no sound of her in it, and so no WAV file.")
    return wav_bytes(performance.pcm, performance.rate)


def document(performance: Performance, poses: NDArray[np.float32], fps: int) -> str:
    """Everything as one JSON object; ``docs/takes.md`` tells its keys. A row stands on a line of its own."""
    seconds = np.arange(len(poses)) / fps
    head = {
        "schema": SCHEMA,
        "began": performance.began,
        "seconds": round(performance.seconds, 6),
        "fps": fps,
        "rate": performance.rate,
        "notes": performance.notes,
        "names": list(ARKIT),
    }
    rows: dict[str, Sequence[Any]] = {
        "weights": _rounded(poses),
        "head": _rounded(head_turn(seconds)),
        "eyes": _rounded(eye_turn(poses).reshape(-1, 4)),
        "captions": [[round(line.start, 3), round(line.end, 3), line.text] for line in performance.lines],
        "turns": turns(performance),
    }
    parts = [json.dumps(head, ensure_ascii=False)[:-1]]
    for name, values in rows.items():
        inner = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
        parts.append(f'"{name}": [\n{inner}\n]')
    return ",\n".join(parts) + "}\n"


def _rounded(values: NDArray[np.float32] | NDArray[np.float64]) -> list[list[float]]:
    rows: list[list[float]] = np.round(values.astype(np.float64), 4).tolist()
    return rows


def turns(performance: Performance) -> list[Mapping[str, Any]]:
    """What happened in each turn; its marks in seconds from the beginning."""
    return [
        {
            "turn": _plain(ledger.get("turn")),
            **{name: _plain(words_of(ledger).get(name)) for name in ("user", "heard")},
            **{name: _plain(ledger.get(name)) for name in ("outcome", "voice_to_voice")},
            "marks": {
                str(name): round(at - performance.loop_time, 6)
                for name, at in ledger["marks"].items()
                if isinstance(at, int | float) and math.isfinite(at)
            },
        }
        for ledger in performance.turns
    ]


def _plain(value: Any) -> str | int | float | None:
    """``value`` if it is a text or a number that JSON knows."""
    return value if isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value)) else None


def face_csv(performance: Performance, poses: NDArray[np.float32], fps: int) -> str:
    """The file that Live Link Face would have written. Raises :class:`TakeError` where no face was recorded."""
    need_poses(performance)
    seconds = np.arange(len(poses)) / fps
    lines = csv_lines(curves(poses, seconds), seconds.tolist(), _time_of_day(performance.began))
    return "\n".join(lines) + "\n"


def need_poses(performance: Performance) -> None:
    """Raises :class:`TakeError` where no face was recorded: resting lips beside a voice would be a lie."""
    if not len(performance.times):
        raise TakeError(
            f"{performance.folder}: no poses of a face are recorded in it (frames.jsonl); was the face switched off, "
            f"or did she never speak? --wav and --json work without."
        )


def _time_of_day(began: str) -> float:
    try:
        time = datetime.fromisoformat(began)
    except ValueError:
        return 0.0
    return time.hour * 3600.0 + time.minute * 60.0 + time.second
