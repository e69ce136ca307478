"""A session that only transcribes, over the real server: the mind, the voice and the face are never asked."""

from pathlib import Path

import numpy as np
import pytest
from lab import HEARD
from plain_client import plain
from rooms import house
from test_written_talk import Deaf

from sophia.wav import read_wav

ROOT = Path(__file__).parents[3]
QUESTION = read_wav(ROOT / "pipelines/soundbites/02_what_time.wav", 24_000).pcm

pytestmark = pytest.mark.services


async def test_two_utterances_are_transcribed_and_nobody_answers(tmp_path, pki):
    lab = Deaf()
    pause = np.zeros(48_000, np.int16)
    speaks = np.concatenate([pause[:12_000], QUESTION, pause, QUESTION]).astype("<i2").tobytes(), 960, b"\0"
    async with (
        house(tmp_path, pki, lab=lab) as (client, url, _),
        plain(client, url, "?intent=transcription") as early,
        plain(client, url, "?intent=transcription", speaks=speaks) as one,
    ):
        assert early.of("session.created")[0]["session"]["type"] == "transcription"
        lab.asked.clear()
        lab.prompts.clear()
        await one.say(
            "session.update",
            session={"type": "transcription", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24_000}}}},
        )
        await one.wait("session.updated")
        await one.wait("conversation.item.input_audio_transcription.completed", 2)
        told = [event["transcript"] for event in one.of("conversation.item.input_audio_transcription.completed")]
        assert told == [HEARD, HEARD]
        assert (lab.asked, lab.prompts) == ([], [])
        assert not [event for event in one.events if event["type"].startswith("response.")]
        assert not one.of("error")
