"""A telephone: 8 kHz, one byte a sample, 20 ms a packet."""

import base64
from pathlib import Path

import numpy as np
import pytest
import soxr
from lab import ANSWER, HEARD
from plain_client import plain
from rooms import house

from pipelines.server.sink import LONGEST_BLOCK
from sophia.g711 import A_LAW, MU_LAW
from sophia.wav import read_wav

ROOT = Path(__file__).parents[3]
QUESTION = read_wav(ROOT / "pipelines/soundbites/02_what_time.wav", 16_000).pcm
LAWS = {"audio/pcmu": MU_LAW, "audio/pcma": A_LAW}
TONE = 220
"""Hz: the lab's voice."""

pytestmark = pytest.mark.services


@pytest.mark.parametrize("kind", LAWS)
async def test_a_telephone_asks_and_is_answered(tmp_path, pki, kind):
    law = LAWS[kind]
    data = law.encode(soxr.resample(QUESTION, 16_000, 8_000, quality="HQ").astype(np.int16))
    speaks = data, 160, bytes([law.silence])
    async with house(tmp_path, pki) as (client, url, _), plain(client, url, speaks=speaks) as one:
        audio = {"format": {"type": kind}}
        session = await one.update(audio={"input": audio, "output": audio})
        assert session["audio"]["input"]["format"] == session["audio"]["output"]["format"] == {"type": kind}
        done = await one.wait("response.done")
        assert one.of("conversation.item.input_audio_transcription.completed")[0]["transcript"] == HEARD
        assert done["response"]["output"][0]["content"][0]["transcript"].split() == ANSWER.split()
        assert not one.of("error")
    deltas = [base64.b64decode(event["delta"]) for event in one.of("response.output_audio.delta")]
    sound = law.decode(b"".join(deltas)).astype(float)
    assert len(deltas) <= len(sound) / (LONGEST_BLOCK * 8_000) + 6  # some forward each as a message of its own
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.fft.rfftfreq(len(sound), 1 / 8_000)[spectrum.argmax()] == pytest.approx(TONE, abs=3)
