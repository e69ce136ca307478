"""The real server for a page under test: a runtime, and simulated services that speak their own protocols over TLS.

Her voice is noise, every moment of which can be told from all others, and the jaw of each frame tells the time for
which it was made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import lab
import numpy as np
import soxr
from lab import Lab, config
from page_browser import Recorded
from page_double import SHUT
from riva.client.proto import riva_tts_pb2

from aurora.names import PASCAL_CASE
from aurora.wire import audio2face_pb2 as wire
from pipelines.server.serving import serving
from pipelines.settings.model import load_settings
from pipelines.talk.runtime import Runtime

BITES = Path(__file__).parents[3] / "pipelines" / "soundbites"


class Studio(Lab):
    """The lab with a voice of two seconds a clause, each new, and a face that follows it."""

    spoken = 0

    async def SynthesizeOnline(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802
        rate = 22_050
        async for request in requests:
            rate = request.sample_rate_hz or rate
        self.spoken += 1
        noise = np.random.default_rng(self.spoken).normal(0, 3000, 2 * rate).astype(np.float32)
        sound = soxr.resample(soxr.resample(noise, rate, rate / 2), rate / 2, rate).astype(np.int16)
        for start in range(0, len(sound), 4096):
            yield riva_tts_pb2.SynthesizeSpeechResponse(audio=sound[start : start + 4096].tobytes())

    @staticmethod
    def _frame(number: int) -> Any:
        time = number / 30
        values = [SHUT + (1 - SHUT) * (time % 1.0) if name == "JawOpen" else 0.0 for name in PASCAL_CASE]
        weights = [wire.FloatArrayWithTimeCode(time_code=time, values=values)]
        return wire.AnimationDataStream(
            animation_data=wire.AnimationData(skel_animation=wire.SkelAnimation(blend_shape_weights=weights))
        )


@asynccontextmanager
async def house(folder: Path, pki: Path) -> AsyncIterator[str]:
    """The address of a server with a runtime and all services behind it."""
    async with lab.serving(Studio(), pki) as port:
        settings = load_settings(config(folder, pki, dict.fromkeys(("asr", "llm", "tts", "face"), port)), {}, {})
        place = {"port": 0, "cert": pki / "server.crt", "key": pki / "server.key"}
        settings = settings.model_copy(update={"server": settings.server.model_copy(update=place)})
        async with Runtime(settings, sessions=2) as runtime, serving(runtime) as address:
            yield address


def told(got: Recorded, type: str, **fields: Any) -> list[dict[str, Any]]:
    """The events of this type that came, with these fields."""
    events = [entry["event"] for entry in got.wire if entry["event"]["type"] == type]
    return [event for event in events if fields.items() <= event.items()]
