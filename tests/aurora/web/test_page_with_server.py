"""The page's modules in a real browser against the real server: a question, an answer, a voice over it, the next."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_browser import Recorded, agreement, browsing, opened, recorded, settled
from page_double import ours
from page_house import BITES, house, told
from page_judge import jaw, microphone_time, moving_after, places, silence_after, silencing, skew, stale

from sophia.wav import read_wav

RATE = 48_000
ATTEMPTS = 3
"""Where a busy machine is so late that the second question is not said over the answer, it may try again."""

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


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
    await settled(page)
    got = await recorded(page)
    await context.close()
    return got


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
    assert silence_after(got, silencing(got, one), one) <= 0.020
    assert moving_after(got, silencing(got, one), one) <= 0.150
    assert not stale(got, one)
    # What is remembered of the reply that was cut off is what the page had handed out, to the sample.
    silenced = [event for event in got.events if event["type"] == "silenced" and event["item"] == one][-1]
    truncated = told(got, "conversation.item.truncated")[0]
    assert truncated["sophia"]["heard_ms"] == pytest.approx(1000 * silenced["at"], abs=1)
    # How much of her face a busy machine misses is no matter of this test; a page that gets no frames misses all of it.
    assert told(got, "sophia.turn.ledger", outcome="replied")[-1]["face_missing"] < 0.5
    assert clocks_apart(got, cut[0], one) == pytest.approx(0.0, abs=agreement())
