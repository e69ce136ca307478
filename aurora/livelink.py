"""Live Link Face: the 61 curves of Epic's app for phones, as it streams them and as it writes them into CSV files.

Unreal, Blender and others take both. The facts are from Epic's own readers, as published. The curves of a datagram
stand in the order of Unreal's ``EARFaceBlendShape``. Those of a file stand in the order of its header, in which the
right side of jaw and mouth comes first. Angles are radians. They are signed as Unreal's conversion from ARKit leaves
them: pitch is down, yaw to her right, and roll to her left. Recordings of the app confirm it for the eyes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aurora.face import ARKIT
from aurora.turning import eye_turn, head_turn

PORT: Final = 11111
"""Where Unreal listens for the app unless it is told otherwise."""

VERSION: Final = 6
"""Of the datagrams, as Unreal 4.25 and later read them."""

TURNS: Final = tuple(f"{what}{way}" for what in ("Head", "LeftEye", "RightEye") for way in ("Yaw", "Pitch", "Roll"))
CURVES: Final = (*(name[0].upper() + name[1:] for name in ARKIT), *TURNS)
"""The names of :func:`curves`, in the order of a datagram."""

REACH: Final = (0.55, 0.60)
"""Radians of pitch and yaw for a gaze weight of 1: fits of 7,800 frames that the app recorded."""

TICKS: Final = 60
"""A timecode counts sixtieths of a second, at whatever rate frames come."""

_SWAPPED: Final = {"JawLeft": "JawRight", "JawRight": "JawLeft", "MouthLeft": "MouthRight", "MouthRight": "MouthLeft"}
COLUMNS: Final = tuple(_SWAPPED.get(name, name) for name in CURVES)
"""The curves of a file, in its order."""

HEADER: Final = ",".join(("Timecode", "BlendShapeCount", *COLUMNS))
_PLACES: Final = [CURVES.index(name) for name in COLUMNS]

_DAY: Final = 24 * 3600

_WHOLE: Final = 1.0 - 2.0**-24
"""The largest part of a frame that a float of 32 bits knows; 1 would be the next frame."""


def curves(
    weights: NDArray[np.float32], seconds: float | NDArray[np.float64], head: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float32]:
    """The 61 curves, shape ``(…, 61)``, of poses of shape ``(…, 52)`` at ``seconds``, which sway the head.

    ``head`` is how it is turned beside that: pitch (down) and yaw (to her left), in radians.
    """
    values = np.empty((*weights.shape[:-1], len(CURVES)), np.float32)
    values[..., : len(ARKIT)] = weights
    values[..., _HEAD] = (head_turn(seconds) + np.array((*head, 0.0)))[..., _YAW_PITCH_ROLL] * _SIGNS
    values[..., _EYES] = weights @ _EYES_OF_WEIGHTS
    return values


def _eyes_of_weights() -> NDArray[np.float32]:
    """What each weight adds to the six angles of the eyes: they follow the weights in proportion. Shape ``(52, 6)``."""
    turned = eye_turn(np.eye(len(ARKIT), dtype=np.float32), REACH)  # pitch and yaw of both
    found = np.zeros((len(ARKIT), 2, 3), np.float32)
    found[..., :2] = turned[..., ::-1] * _SIGNS[:2]
    return found.reshape(-1, 6)


_YAW_PITCH_ROLL = [1, 0, 2]
"""Places of these in our angles."""
_SIGNS = np.array([-1.0, 1.0, -1.0])
_HEAD, _EYES = slice(len(ARKIT), len(ARKIT) + 3), slice(len(ARKIT) + 3, None)
_EYES_OF_WEIGHTS = _eyes_of_weights()


def csv_lines(frames: NDArray[np.float32], seconds: Sequence[float], start: float = 0.0) -> Iterator[str]:
    """The lines of a file, header first, without line ends.

    ``frames`` are :func:`curves` of shape ``(n, 61)``, ``seconds`` their times from the beginning, and ``start`` the
    time of day at the beginning, in seconds.
    """
    yield HEADER
    for time, values in zip(seconds, frames[:, _PLACES].tolist(), strict=True):
        yield ",".join((timecode(start + time), str(len(COLUMNS)), *(f"{value:.10f}" for value in values)))


def timecode(seconds: float) -> str:
    """A time of day as the app writes it: ``12:27:47:31.250`` are 31¼ sixtieths after 12:27:47."""
    thousandths = round(seconds % _DAY * TICKS * 1000) % (_DAY * TICKS * 1000)
    ticks, part = divmod(thousandths, 1000)
    whole, tick = divmod(ticks, TICKS)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}:{tick:02}.{part:03}"


def datagram(device: str, subject: str, seconds: float, rate: int, values: NDArray[np.float32]) -> bytes:
    """One frame, all numbers with their high byte first.

    ``device`` names the sender, ``subject`` what Unreal's user chooses by; at most 255 ASCII characters each.
    ``seconds`` is the time of day, which is told in frames of ``rate`` Hz and a part of one; ``values`` are
    :func:`curves` of shape ``(61,)``.
    """
    part, frame = math.modf(seconds % _DAY * rate)
    return b"".join(
        (
            struct.pack(">B", VERSION),
            _text(device),
            _text(subject),
            struct.pack(">ifii", int(frame), min(part, _WHOLE), rate, 1),
            struct.pack(">B", len(CURVES)),
            values.astype(">f4").tobytes(),
        )
    )


def _text(text: str) -> bytes:
    raw = text.encode("ascii", "replace")[:255]
    return struct.pack(">i", len(raw)) + raw
