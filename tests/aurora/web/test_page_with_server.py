"""The page's modules in a real browser against the real server: a question, its answer, a voice over it, the next one.

The services behind the server are simulated, but speak their own protocols over TLS. Her voice is noise, every moment
of which can be told from all others, and the jaw of each frame tells the time for which it was made.
"""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import lab
import numpy as np
import pytest
import soxr
from lab import Lab, config
from page_browser import Recorded, agreement, browsing, opened, recorded
from page_double import SHUT, ours
from page_judge import jaw, microphone_time, moving_after, places, silence_after, skew, stale
from riva.client.proto import riva_tts_pb2

from aurora.names import PASCAL_CASE
from aurora.wire import audio2face_pb2 as wire
from pipelines.server.serving import serving
from pipelines.settings.model import load_settings
from pipelines.talk.runtime import Runtime
from sophia.wav import read_wav

BITES = Path(__file__).parents[3] / "pipelines" / "soundbites"
RATE = 48_000
ATTEMPTS = 3
"""Where a busy machine is so late that the second question is not said over the answer, it may try again."""

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


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


def user(folder: Path) -> Path:
    """What the microphone hears: a question, and a second one over the answer."""

    def said(name: str) -> np.ndarray[Any, Any]:
        return read_wav(BITES / name, RATE).pcm

    def silence(seconds: float) -> np.ndarray[Any, Any]:
        return np.zeros(round(seconds * RATE), np.int16)

    sound = np.concatenate([silence(2.0), said("05_story.wav"), silence(3.5), said("02_what_time.wav"), silence(15.0)])
    path = folder / "user.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return path


@asynccontextmanager
async def house(folder: Path, pki: Path) -> AsyncIterator[str]:
    """The address of a server with a runtime and all services behind it."""
    async with lab.serving(Studio(), pki) as port:
        settings = load_settings(config(folder, pki, dict.fromkeys(("asr", "llm", "tts", "face"), port)), {}, {})
        place = {"port": 0, "cert": pki / "server.crt", "key": pki / "server.key"}
        settings = settings.model_copy(update={"server": settings.server.model_copy(update=place)})
        async with Runtime(settings, sessions=2) as runtime, serving(runtime) as address:
            yield address


async def talked(browser: Any, address: str) -> Recorded:
    """What a page did in two turns. It is a page without a picture, put into the server's own place by the test."""
    context = await browser.new_context(ignore_https_errors=True)

    async def fulfil(route: Any) -> None:
        text, kind = ours(route.request.url.partition("/ours/")[2])
        await route.fulfill(body=text, content_type=kind)

    await context.route("**/ours/**", fulfil)
    page = await opened(context, f"{address}ours/harness.html")
    await page.click("#talk")
    await page.wait_for_function("tap.wire.some(w => w.event.outcome === 'replied')")
    await page.wait_for_timeout(300)
    got = await recorded(page)
    await context.close()
    return got


def told(got: Recorded, type: str, **fields: Any) -> list[dict[str, Any]]:
    """The events of this type that came, with these fields."""
    events = [entry["event"] for entry in got.wire if entry["event"]["type"] == type]
    return [event for event in events if fields.items() <= event.items()]


def clocks_apart(got: Recorded, ledger: dict[str, Any], item: str) -> float:
    """Seconds between the page's answer to a turn and the server's: from the microphone's first sample to hers.

    The page's is from recording to recording, with the loudspeaker's latency. The server's is its ledger's: its mark of
    the voice's onset lies at a known place in the sound that it was sent, and so tells when that sound began.
    """
    marks, onsets = ledger["marks"], told(got, "input_audio_buffer.speech_started")
    onset = next(event for event in onsets if event["item_id"] in ledger["item_ids"])
    began = marks["voice_start"] - onset["audio_start_ms"]
    first = places(got, item)[0]
    page = first.t - first.position + got.latency - microphone_time(got)
    return float(page - (marks["played"] - began) / 1000)


async def test_a_page_talks_with_her_and_interrupts_her(tmp_path: Path, pki: Path) -> None:
    async with house(tmp_path, pki) as address:
        for _ in range(ATTEMPTS):
            async with browsing(user(tmp_path)) as browser:
                got = await talked(browser, address)
            if cut := told(got, "sophia.turn.ledger", outcome="interrupted"):
                break
    assert cut, "she was never interrupted"
    one = told(got, "sophia.playout.clear")[0]["item_id"]
    other = told(got, "response.output_audio.delta")[-1]["item_id"]
    assert one != other
    for item in (one, other):  # in the time codes that the page tells, and in the poses themselves
        assert skew(got, item).good, skew(got, item)
        assert skew(got, item, jaw).good, skew(got, item, jaw)
    assert silence_after(got, "sophia.playout.pause", one) <= 0.020
    assert moving_after(got, "sophia.playout.pause", one) <= 0.150
    assert not stale(got, one)
    # What is remembered of the reply that was cut off is what the page had handed out, to the sample.
    silenced = [event for event in got.events if event["type"] == "silenced" and event["item"] == one][-1]
    truncated = told(got, "conversation.item.truncated")[0]
    assert truncated["sophia"]["heard_ms"] == pytest.approx(1000 * silenced["at"], abs=1)
    assert told(got, "sophia.turn.ledger", outcome="replied")[-1]["face_missing"] == pytest.approx(0.0, abs=0.05)
    assert clocks_apart(got, cut[0], one) == pytest.approx(0.0, abs=agreement())
