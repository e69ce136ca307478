"""The Audio2Face client against a service over TLS that behaves well, badly or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from pydantic import ValidationError

from aurora.bridge import Audio2Face
from aurora.errors import FaceError
from aurora.face import ARKIT, FaceFrame, Pcm
from aurora.feed import MESSAGE_SECONDS
from aurora.moods import MOST_CHANGES, MoodTrack
from aurora.names import MouthClose
from aurora.settings import EMOTIONS, Emotion, FaceSettings
from aurora.wire import audio2face_pb2 as wire
from tests.aurora.scripted import Conversation, frames, header, honest, serving, status

RATE = 16_000
JAW = ARKIT.index("jawOpen")


def tone(seconds: float, rate: int = RATE) -> Pcm:
    return (8000 * np.sin(np.arange(int(seconds * rate)) * 0.1)).astype(np.int16)


async def playing(pieces: Iterable[Pcm]) -> AsyncIterator[Pcm]:
    for piece in pieces:
        yield piece


async def collect(face: Audio2Face, sound: AsyncIterator[Pcm], rate: int = RATE) -> list[FaceFrame]:
    async with asyncio.timeout(10):
        async with aclosing(face.animate(sound, rate)) as poses:
            return [frame async for frame in poses]


async def test_sound_becomes_frames_and_the_header_says_how(pki: Path) -> None:
    settings = FaceSettings(multipliers={"jawOpen": 0.5}, emotions={"joy": 0.3}, parameters={"lowerFaceStrength": 1.3})
    async with serving(pki, honest) as (service, channel):
        face = Audio2Face(channel, settings, metadata=lambda: [("traceparent", "00-1-2-01")])
        got = await collect(face, playing([tone(0.5), tone(0.25)]))
    assert [round(frame.time * 30) for frame in got] == list(range(22))
    assert got[7].weights[JAW] == np.float32(0.007)
    assert got[7].weights.shape == (52,)
    (talk,) = service.conversations
    assert talk.metadata["traceparent"] == "00-1-2-01"
    first = talk.heard[0].audio_stream_header
    assert (first.audio_header.samples_per_second, first.audio_header.bits_per_sample) == (RATE, 16)
    assert first.audio_header.channel_count == 1
    assert dict(first.blendshape_params.bs_weight_multipliers) == {"JawOpen": 0.5}
    assert first.blendshape_params.enable_clamping_bs_weight
    assert first.face_params.float_params["lowerFaceStrength"] == pytest.approx(1.3)
    assert talk.heard[1].audio_with_emotion.emotions[0].emotion["joy"] == pytest.approx(0.3)
    parts = [message.WhichOneof("stream_part") for message in talk.heard]
    assert parts == ["audio_stream_header", "audio_with_emotion", "audio_with_emotion", "end_of_audio"]
    sound = b"".join(message.audio_with_emotion.audio_buffer for message in talk.heard)
    assert sound == tone(0.5).tobytes() + tone(0.25).tobytes()


def keys(message: Any) -> list[tuple[float, dict[str, float]]]:
    told = message.audio_with_emotion.emotions
    return [(round(key.time_code, 4), {k: round(v, 3) for k, v in key.emotion.items()}) for key in told]


async def test_a_mood_changes_where_its_sound_begins_and_both_ends_are_told(pki: Path) -> None:
    moods = MoodTrack(preference=0.5)

    async def sound() -> AsyncIterator[Pcm]:
        yield tone(0.5)
        moods.add(0.5, {"joy": 1.0})  # as a reply does it: before the sound that it is about
        yield tone(0.25)
        yield tone(0.25)
        moods.add(1.0, {})
        yield tone(0.5)

    async with serving(pki, honest) as (service, channel):
        face = Audio2Face(channel, FaceSettings(emotions={"sadness": 0.25}))
        async with aclosing(face.animate(sound(), RATE, moods)) as poses:
            assert len([frame async for frame in poses]) == 45
    (talk,) = service.conversations
    mixing = talk.heard[0].audio_stream_header.emotion_post_processing_params
    assert mixing.enable_preferred_emotion
    assert mixing.preferred_emotion_strength == pytest.approx(0.5)
    assert [keys(message) for message in talk.heard[1:5]] == [
        [(0.0, {"sadness": 0.25})],
        [(0.5, {"sadness": 0.25}), (0.5333, {"joy": 1.0})],
        [],
        [(1.0, {"joy": 1.0}), (1.0333, {"sadness": 0.25})],
    ]


async def test_a_clip_after_a_stall_begins_in_the_mood_of_its_sound(pki: Path) -> None:
    moods, resumed = MoodTrack(), asyncio.Event()
    moods.add(0.0, {"joy": 1.0})

    async def sound() -> AsyncIterator[Pcm]:
        yield tone(0.5)
        await resumed.wait()
        yield tone(0.2)
        moods.add(0.7, {"fear": 0.5})
        yield tone(0.2)

    async with serving(pki, honest) as (service, channel):
        face = Audio2Face(channel, FaceSettings(stall_seconds=0.1))
        async with aclosing(face.animate(sound(), RATE, moods)) as poses:
            async for frame in poses:
                if frame.time > 0.4:
                    resumed.set()
    first, second = service.conversations
    assert [keys(message) for message in first.heard[1:2]] == [[(0.0, {}), (0.0333, {"joy": 1.0})]]
    assert [keys(message) for message in second.heard[1:3]] == [
        [(0.0, {"joy": 1.0})],
        [(0.2, {"joy": 1.0}), (0.2333, {"fear": 0.5})],
    ]
    assert second.heard[0].audio_stream_header.emotion_params.beginning_emotion["joy"] == 1.0


def test_changes_of_mood_are_bounded() -> None:
    moods = MoodTrack()
    for place in range(MOST_CHANGES + 10):
        moods.add(place, {"joy": 1.0})
    assert len(moods.between(0.0, 1e9)) == MOST_CHANGES


async def test_silence_from_the_start_opens_no_rpc(pki: Path) -> None:
    async with serving(pki, honest) as (service, channel):
        assert await collect(Audio2Face(channel), playing([])) == []
        assert await collect(Audio2Face(channel), playing([np.zeros(0, np.int16)])) == []
    assert service.conversations == []


async def test_long_pieces_are_cut_and_long_clips_continued(pki: Path) -> None:
    async with serving(pki, honest) as (service, channel):
        got = await collect(Audio2Face(channel, FaceSettings(clip_seconds=2.0)), playing([tone(4.7)]))
    sizes = [len(m.audio_with_emotion.audio_buffer) / 2 / RATE for talk in service.conversations for m in talk.heard]
    assert max(sizes) <= MESSAGE_SECONDS
    assert sum(sizes) == pytest.approx(4.7)
    assert len(service.conversations) == 3
    times = [frame.time for frame in got]
    assert times == sorted(set(times))
    assert times[60] == pytest.approx(2.0)
    assert times[-1] == pytest.approx(4.7 - 1 / 30, abs=1e-6)


async def test_a_stall_ends_the_clip_and_the_next_sound_begins_another(pki: Path) -> None:
    resumed = asyncio.Event()

    async def sound() -> AsyncIterator[Pcm]:
        yield tone(0.5)
        await resumed.wait()
        yield tone(0.2)

    async with serving(pki, honest) as (service, channel):
        face = Audio2Face(channel, FaceSettings(stall_seconds=0.1))
        times = []
        async with asyncio.timeout(10), aclosing(face.animate(sound(), RATE)) as poses:
            async for frame in poses:
                times.append(frame.time)
                if len(times) == 15:  # the first clip is answered to its end although its successor hasn't begun
                    resumed.set()
    assert len(service.conversations) == 2
    assert times[15] == pytest.approx(0.5)
    assert len(times) == 21


async def test_what_a_service_pads_after_the_sound_does_not_hide_the_next_clip(pki: Path) -> None:
    async def padding(talk: Conversation) -> AsyncIterator[Any]:
        seconds = len(await talk.read_clip()) / 2 / RATE
        yield header("JawOpen")
        yield frames(*((i / 30, [0.5 if i / 30 < seconds else 0.0]) for i in range(round((seconds + 1.5) * 30))))
        yield status(wire.Status.SUCCESS)

    async with serving(pki, padding) as (_, channel):
        got = await collect(Audio2Face(channel, FaceSettings(clip_seconds=1.0)), playing([tone(2.0)]))
    assert [round(frame.time * 30) for frame in got] == list(range(60))
    assert {float(frame.weights[JAW]) for frame in got} == {0.5}
    assert [frame.clip for frame in got] == [0.0] * 30 + [1.0] * 30


@pytest.mark.parametrize(("rate", "sent"), [(8_000, 16_000), (22_050, 22_050), (48_000, 48_000), (192_000, 48_000)])
async def test_any_rate(pki: Path, rate: int, sent: int) -> None:
    async with serving(pki, honest) as (service, channel):
        got = await collect(Audio2Face(channel), playing([tone(0.25, rate)] * 4), rate)
    heard = service.conversations[0].heard
    assert heard[0].audio_stream_header.audio_header.samples_per_second == sent
    samples = sum(len(message.audio_with_emotion.audio_buffer) for message in heard) / 2
    assert samples == pytest.approx(sent, abs=2)
    assert len(got) in (29, 30)


async def test_time_codes_only_rise_and_nonsense_is_left_out(pki: Path) -> None:
    async def messy(talk: Conversation) -> AsyncIterator[Any]:
        await talk.read_clip()
        yield header("mouthclose", "TongueTipUp", "JAWOPEN")
        times = [0.0, 0.1, 0.1, 0.05, float("nan"), -1.0, float("inf") * 0, 0.2]
        yield frames(*((time, [0.5, 0.9, 2.0 if time == 0.2 else 0.25]) for time in times))
        yield status(wire.Status.SUCCESS)

    async with serving(pki, messy) as (_, channel):
        got = await collect(Audio2Face(channel), playing([tone(1)]))
    assert [frame.time for frame in got] == [0.0, 0.1, 0.2]
    assert [float(frame.weights[JAW]) for frame in got] == [0.75, 0.75, 1.0]  # with what mouthClose holds of it
    assert got[0].weights[ARKIT.index("mouthClose")] == 0.5


@pytest.mark.parametrize(("sense", "jaw"), [("a2f", 0.5), ("arkit", 0.0)])
async def test_what_the_service_means_by_mouth_close_can_be_said(pki: Path, sense: MouthClose, jaw: float) -> None:
    async def shut(talk: Conversation) -> AsyncIterator[Any]:
        await talk.read_clip()
        yield header("JawOpen", "MouthClose")
        yield frames((0.0, [0.0, 0.5]))
        yield status(wire.Status.SUCCESS)

    async with serving(pki, shut) as (_, channel):
        (got,) = await collect(Audio2Face(channel, FaceSettings(mouth_close=sense)), playing([tone(1)]))
    assert (got.weights[JAW], got.weights[ARKIT.index("mouthClose")]) == (jaw, 0.5)


async def refusing(talk: Conversation) -> AsyncIterator[Any]:
    await talk.read()
    yield header()
    yield status(wire.Status.ERROR, "sample rate 7 Hz is odd")


async def nameless(talk: Conversation) -> AsyncIterator[Any]:
    await talk.read_clip()
    yield frames((0.0, [1.0]))


async def stranger(talk: Conversation) -> AsyncIterator[Any]:
    await talk.read_clip()
    yield header("LeftElbow")


async def endless(talk: Conversation) -> AsyncIterator[Any]:
    yield header()
    for i in range(1_000_000):
        yield frames((i / 3, [0.1]))


async def mute(talk: Conversation) -> AsyncIterator[Any]:
    yield header()
    await asyncio.Event().wait()


def left_behind() -> list[str]:
    """Tasks of the bridge; the server in the same loop has its own, which end when they like."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("audio2face")]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (refusing, "refused the clip: sample rate 7 Hz is odd"),
        (nameless, "before it named its blendshapes"),
        (stranger, "none of the face service's 1 blendshapes"),
        (endless, "sent a frame at"),
        (mute, "has not answered for 0.3 s"),
    ],
)
async def test_a_service_that_makes_no_face_is_an_error_in_words(pki: Path, script: Any, words: str) -> None:
    async with serving(pki, script) as (service, channel):
        with pytest.raises(FaceError, match=words):
            await collect(Audio2Face(channel, FaceSettings(answer_seconds=0.3)), playing([tone(1)]))
        await asyncio.wait_for(service.conversations[0].over.wait(), 5)
    assert left_behind() == []


async def test_a_broken_transport_comes_through_unchanged(pki: Path) -> None:
    async def aborting(talk: Conversation) -> AsyncIterator[Any]:
        await talk.read_clip()
        yield header()
        await talk.context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "all streams are taken")

    async with serving(pki, aborting) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError, match="all streams are taken"):
            await collect(Audio2Face(channel), playing([tone(0.1)]))
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nowhere:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await collect(Audio2Face(nowhere), playing([tone(0.1)]))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_voice_that_fails_says_so_and_leaves_no_rpc(pki: Path) -> None:
    listening = asyncio.Event()

    async def attentive(talk: Conversation) -> AsyncIterator[Any]:
        while await talk.read() is not None:
            listening.set()
        yield header()

    async def sound() -> AsyncIterator[Pcm]:
        yield tone(0.5)
        await listening.wait()
        raise LookupError("no voice")

    async with serving(pki, attentive) as (service, channel):
        with pytest.raises(LookupError, match="no voice"):
            await collect(Audio2Face(channel), sound())
        await asyncio.wait_for(service.conversations[0].over.wait(), 5)


async def test_closing_cancels_the_rpc_and_every_task(pki: Path) -> None:
    async def trickling(talk: Conversation) -> AsyncIterator[Any]:
        yield header("JawOpen")
        while await talk.read() is not None:
            yield frames((len(talk.heard) / 30, [0.5]))

    async def endless_sound() -> AsyncIterator[Pcm]:
        while True:
            await asyncio.sleep(0.001)
            yield tone(0.02)

    async with serving(pki, trickling) as (service, channel):
        poses = Audio2Face(channel).animate(endless_sound(), RATE)
        assert (await anext(poses)).weights[JAW] == 0.5
        await poses.aclose()
        await asyncio.wait_for(service.conversations[0].over.wait(), 5)

        shown = asyncio.Event()

        async def consume() -> None:
            async for _ in Audio2Face(channel).animate(endless_sound(), RATE):
                shown.set()

        task = asyncio.create_task(consume())
        await asyncio.wait_for(shown.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(service.conversations[1].over.wait(), 5)
    assert left_behind() == []


async def test_a_service_that_hangs_up_early_gets_the_rest_in_a_new_clip(pki: Path) -> None:
    async def hasty(talk: Conversation) -> AsyncIterator[Any]:
        await talk.read()
        await talk.read()
        yield header("JawOpen")
        yield frames((0.0, [0.1]))
        yield status(wire.Status.WARNING, "enough")

    gate = asyncio.Event()

    async def sound() -> AsyncIterator[Pcm]:
        yield tone(0.5)
        await gate.wait()
        yield tone(0.5)

    async with serving(pki, hasty, honest) as (service, channel):
        got = []
        async with asyncio.timeout(10), aclosing(Audio2Face(channel).animate(sound(), RATE)) as poses:
            async for frame in poses:
                got.append(frame.time)
                if len(got) == 1:
                    await asyncio.wait_for(service.conversations[0].over.wait(), 5)
                    asyncio.get_running_loop().call_later(0.05, gate.set)
    assert len(service.conversations) == 2
    assert got[0] == 0.0
    assert got[1] == pytest.approx(0.5)


async def test_a_status_that_is_not_followed_by_the_end_is_enough(pki: Path) -> None:
    async def lingering(talk: Conversation) -> AsyncIterator[Any]:
        await talk.read_clip()
        yield header("JawOpen")
        yield frames((0.0, [0.1]))
        yield status(wire.Status.SUCCESS)
        await asyncio.Event().wait()

    async with serving(pki, lingering) as (service, channel):
        got = await collect(Audio2Face(channel, FaceSettings(answer_seconds=30)), playing([tone(0.1)]))
        await asyncio.wait_for(service.conversations[0].over.wait(), 5)
    assert len(got) == 1


def test_settings_refuse_what_the_service_does_not_know() -> None:
    for wrong in ({"multipliers": {"elbow": 1.0}}, {"emotions": {"envy": 0.5}}, {"emotions": {"joy": 2}}, {"mood": 1}):
        with pytest.raises(ValidationError):
            FaceSettings.model_validate(wrong)
    assert set(EMOTIONS) == set(Emotion.__args__)  # type: ignore[attr-defined]
