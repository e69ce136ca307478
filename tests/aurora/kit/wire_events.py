"""Events of the wire as the extension gets them."""

from __future__ import annotations

import base64
from typing import Any

NAMES = ["JawOpen", "mouthClose"]
FPS = 30


def named() -> dict[str, Any]:
    return {"type": "sophia.face.names", "names_id": "n", "names": NAMES}


def frames(item: str, start_ms: float, jaws: list[int]) -> dict[str, Any]:
    rows = b"".join(bytes([jaw, 255 - jaw]) for jaw in jaws)
    return {
        "type": "sophia.face.frames", "item_id": item, "names_id": "n", "audio_start_ms": start_ms, "fps": FPS,
        "count": len(jaws), "weights": base64.b64encode(rows).decode("ascii"),
    }  # fmt: skip


def heard(item: str, audio_ms: float, at_ms: float, playing: bool = True) -> dict[str, Any]:
    return {
        "type": "sophia.playout.position", "item_id": item, "audio_ms": audio_ms, "playing": playing, "at_ms": at_ms
    }  # fmt: skip


def floor(state: str) -> dict[str, Any]:
    return {"type": "sophia.floor", "state": state, "at_ms": 0.0}
