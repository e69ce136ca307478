"""Whole sessions with clients that have their own mind about whose turn it is: each mode over the real server."""

import asyncio
import base64
from pathlib import Path

import lab
import pytest
from lab import ANSWER, HEARD
from plain_client import plain
from rooms import house

from sophia.wav import read_wav

ROOT = Path(__file__).parents[3]
QUESTION = read_wav(ROOT / "pipelines/soundbites/02_what_time.wav", 24_000).pcm.tobytes()
SECONDS = len(QUESTION) / 48_000
STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
COMPLETED = "conversation.item.input_audio_transcription.completed"

pytestmark = pytest.mark.services


async def detects(one, turn_detection):
    session = await one.update(audio={"input": {"turn_detection": turn_detection}}, sophia={"headphones": True})
    return session["audio"]["input"]["turn_detection"]


def speaking(one, *sounds):
    """The user's microphone, in which these are said."""
    return asyncio.create_task(one.speak(b"".join(sounds), 960, b"\0"))


def said(one):
    return [event["transcript"] for event in one.of(COMPLETED)]


def heard(one):
    return "".join(event["delta"] for event in one.of("response.output_audio_transcript.delta")).split()


async def test_a_silence_that_the_client_sets_ends_the_turn(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), plain(client, url) as one:
        in_force = await detects(one, {"type": "server_vad", "silence_duration_ms": 1_200, "threshold": 0.6})
        assert (in_force["silence_duration_ms"], in_force["threshold"]) == (1_200, 0.6)
        microphone = speaking(one, QUESTION)
        stopped = await one.wait(STOPPED)
        assert stopped["audio_end_ms"] - one.of(STARTED)[0]["audio_start_ms"] > 1_200 + 1_000 * SECONDS / 2
        await one.wait("response.done")
        assert said(one) == [HEARD]
        assert heard(one) == ANSWER.split()
        microphone.cancel()


async def test_what_is_said_is_answered_when_the_client_asks(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), plain(client, url) as one:
        await detects(one, {"create_response": False})
        microphone = speaking(one, QUESTION, bytes(3 * 48_000), QUESTION)
        await one.wait(COMPLETED, 2)
        assert one.of("response.created") == []
        await one.say("response.create")
        await one.wait("response.done")
        assert len(one.of("response.created")) == 1
        assert said(one) == [HEARD, HEARD]
        microphone.cancel()


async def test_she_is_not_interrupted_and_answers_afterwards(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 2.0)
    async with house(tmp_path, pki) as (client, url, _), plain(client, url) as one:
        await detects(one, {"interrupt_response": False})
        microphone = speaking(one, QUESTION)
        await one.wait("response.output_audio.delta")
        microphone.cancel()
        microphone = speaking(one, QUESTION)
        await one.wait(COMPLETED, 2)
        assert one.of("response.done") == []  # all of it was told while she spoke
        await one.wait("response.done", 2, seconds=25.0)
        assert [done["response"]["status"] for done in one.of("response.done")] == ["completed"] * 2
        assert len(one.of(STARTED)) == len(one.of(STOPPED)) == 2
        microphone.cancel()


async def test_a_recording_sent_at_once_is_committed_and_answered(tmp_path, pki):
    """As many clients of files do it: append, commit, create, without a pause between them."""
    async with house(tmp_path, pki) as (client, url, _), plain(client, url) as one:
        assert await detects(one, None) is None
        await one.say("input_audio_buffer.append", audio=base64.b64encode(QUESTION).decode())
        await one.say("input_audio_buffer.commit")
        await one.say("response.create")
        await one.wait("response.done")
        assert said(one) == [HEARD]
        assert heard(one) == ANSWER.split()
        assert one.of(STARTED) == one.of(STOPPED) == []
        await one.say("input_audio_buffer.commit")
        assert (await one.wait("error"))["error"]["code"] == "input_audio_buffer_commit_empty"


async def test_a_commit_that_waits_to_be_heard_can_lose_its_answer_and_not_its_item(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), plain(client, url) as one:
        await detects(one, None)
        await one.say("input_audio_buffer.append", audio=base64.b64encode(QUESTION).decode())
        for kind in ("input_audio_buffer.commit", "response.create", "response.cancel"):
            await one.say(kind)
        done = await one.wait("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        assert said(one) == []
        await one.wait(COMPLETED)
        await one.say("response.create")
        await one.wait("response.done", 2)
        assert said(one) == [HEARD]
        assert len(one.of("response.created")) == 2
