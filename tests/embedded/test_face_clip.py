"""The Audio2Face protocol of one clip, without a transport: order, limits, echo, time codes, tuning and moods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.names import PASCAL_CASE, NameMap
from aurora.wire import audio2face_pb2 as wire
from pipelines.embedded.face.animator import EMOTION_TYPE
from pipelines.embedded.face.clip import Clip
from pipelines.embedded.face.limits import Limits, OutOfOrder, Pace, Refused
from pipelines.embedded.face.lips import Lips
from pipelines.embedded.face.moods import MOODS, Mood, MoodSettings
from pipelines.embedded.face.rig import Rig
from pipelines.embedded.face.wishes import Wishes

RATE = 16_000
JAW, CLOSE = PASCAL_CASE.index("JawOpen"), PASCAL_CASE.index("MouthClose")


def header(rate: int = RATE, bits: int = 16, channels: int = 1, **parts: Any) -> Any:
    audio = wire.AudioHeader(samples_per_second=rate, bits_per_sample=bits, channel_count=channels)
    return wire.AudioWithEmotionStream(
        audio_stream_header=wire.AudioWithEmotionStreamHeader(audio_header=audio, **parts)
    )


def audio(sound: bytes, emotions: Any = ()) -> Any:
    return wire.AudioWithEmotionStream(audio_with_emotion=wire.AudioWithEmotion(audio_buffer=sound, emotions=emotions))


END = wire.AudioWithEmotionStream(end_of_audio=wire.AudioWithEmotionStream.EndOfAudio())


def talk(*messages: Any, limits: Limits | None = None, now: float = 0.0) -> list[Any]:
    clip = Clip(limits or Limits(), Lips())
    return [answer for message in messages for answer in answered(clip, message, now)]


def answered(clip: Clip, message: Any, now: float = 0.0) -> list[Any]:
    """What a clip answers to a message before the next one comes."""
    clip.take(message, now)
    return [answer for batch in iter(clip.animate, []) for answer in batch]


def voice(seconds: float, rate: int = RATE) -> bytes:
    time = np.arange(int(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 25))
    return (4000 * buzz * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)).astype("<i2").tobytes()


def data_of(answers: list[Any]) -> list[Any]:
    return [a.animation_data for a in answers if a.WhichOneof("stream_part") == "animation_data"]


def weights_of(answers: list[Any]) -> np.ndarray:
    return np.array([d.skel_animation.blend_shape_weights[0].values for d in data_of(answers)])


def test_a_clip_from_header_to_event() -> None:
    clip = Clip(Limits(), Lips())
    answers = [a for m in (header(), audio(voice(1.0)), END) for a in answered(clip, m)]
    parts = [answer.WhichOneof("stream_part") for answer in answers]
    assert parts == ["animation_data_stream_header", *["animation_data"] * 30, "event"]
    named = answers[0].animation_data_stream_header
    assert tuple(named.skel_animation_header.blend_shapes) == PASCAL_CASE
    assert named.audio_header.samples_per_second == RATE
    times = [d.skel_animation.blend_shape_weights[0].time_code for d in data_of(answers)]
    assert times == [i / 30 for i in range(30)]
    assert answers[-1].event.event_type == wire.END_OF_A2F_AUDIO_PROCESSING
    assert clip.last_word().status.code == wire.Status.SUCCESS
    assert weights_of(answers)[:, JAW].max() > 0.2


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([16_000, 22_050, 44_100]), st.lists(st.integers(0, 9_000), min_size=1, max_size=12))
def test_every_sample_is_echoed_once_and_frames_cover_the_clip(rate: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(0)
    pieces = [rng.integers(-3000, 3000, size).astype("<i2").tobytes() for size in sizes]
    answers = talk(header(rate), *map(audio, pieces), END)
    data = data_of(answers)
    assert b"".join(d.audio.audio_buffer for d in data) == b"".join(pieces)
    assert len(data) == -(-sum(sizes) * 30 // rate)
    starts = [d.audio.time_code for d in data]
    assert starts == sorted(starts)
    for d in data:
        assert d.audio.time_code == pytest.approx(d.skel_animation.blend_shape_weights[0].time_code, abs=1 / rate)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([audio(b"xx")], "first message has to be an audio_stream_header"),
        ([END], "first message"),
        ([header(), header()], "second audio_stream_header"),
        ([header(), audio(b"xx"), END, END], "second end_of_audio"),
        ([header(), END, audio(b"xx")], "audio after end_of_audio"),
        ([header(), wire.AudioWithEmotionStream()], "without a known part"),
    ],
)
def test_messages_out_of_order(messages: list[Any], words: str) -> None:
    with pytest.raises(OutOfOrder, match=words):
        talk(*messages)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([header(rate=8_000)], "8000 Hz is outside 16000 to 144000"),
        ([header(rate=192_000)], "outside"),
        ([header(bits=24)], "only 16-bit PCM .* not 24 bits"),
        ([header(channels=2)], "only mono .* not 2 channels"),
        ([header(), audio(b"xxx")], "3 bytes are not whole"),
        ([header(), audio(bytes(2 * RATE * 10 + 2))], "longer than 10 s"),
    ],
)
def test_clips_beyond_the_limits(messages: list[Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        talk(*messages)


def test_a_clip_that_grows_too_long() -> None:
    with pytest.raises(Refused, match="longer than 2 s"):
        talk(header(), *[audio(voice(0.9))] * 3, limits=Limits(clip_seconds=2.0))


def test_a_stream_closed_without_the_end_is_a_warning() -> None:
    clip = Clip(Limits(), Lips())
    clip.take(header(), 0.0)
    assert clip.last_word().status.code == wire.Status.WARNING


def test_the_wait_is_the_idle_limit_until_sound_has_come() -> None:
    clip = Clip(Limits(), Lips())
    assert clip.patience(0.0) == 30.0
    clip.take(header(), 0.0)
    with pytest.raises(Refused, match="no audio for 30 s"):
        clip.waited(30.0)


def test_sound_that_comes_more_slowly_than_it_plays_ends_the_clip() -> None:
    clip = Clip(Limits(), Lips())
    clip.take(header(), 0.0)
    second = audio(voice(1.0))
    for now in range(5):
        clip.take(second, float(now))
    assert clip.patience(4.0) == 8.0, "the second in which sound came, then seven without"
    with pytest.raises(Refused, match="too slowly: below 29 frames a second for 7 s"):
        clip.waited(12.0)
    with pytest.raises(Refused, match="too slowly"):
        clip.take(second, 12.0)


def test_pace_forgives_a_pause_and_forgets_it() -> None:
    pace = Pace(29, 7, 0.0)
    for second in range(40):
        if second % 7:  # six good seconds after each bad one
            pace.came(30, second + 0.5)
        assert not pace.too_slow(second + 0.9)
    assert pace.deadline == 40 + 7


@given(st.lists(st.floats(0.0, 1.5), min_size=1, max_size=60))
def test_the_paces_deadline_is_when_it_becomes_too_slow(gaps: list[float]) -> None:
    pace = Pace(29, 7, 0.0)
    now = 0.0
    for gap in gaps:
        now += gap
        if pace.too_slow(now):
            return
        pace.came(20, now)
    assert not pace.too_slow(pace.deadline - 1e-6)
    assert pace.too_slow(pace.deadline)


def test_multipliers_offsets_and_clamping_are_honoured() -> None:
    shapes = wire.BlendShapeParameters(bs_weight_multipliers={"JawOpen": 4.0}, bs_weight_offsets={"CheekPuff": -0.5})
    plain = weights_of(talk(header(), audio(voice(1.0)), END))
    wild = weights_of(talk(header(blendshape_params=shapes), audio(voice(1.0)), END))
    assert np.allclose(wild[:, JAW], 4 * plain[:, JAW], atol=1e-5)
    assert wild[:, JAW].max() > 1
    assert (wild[:, PASCAL_CASE.index("CheekPuff")] == -0.5).all()
    shapes.enable_clamping_bs_weight = True
    tame = weights_of(talk(header(blendshape_params=shapes), audio(voice(1.0)), END))
    assert np.allclose(tame, np.clip(wild, 0, 1))


def test_face_parameters_scale_the_lower_face() -> None:
    half = wire.FaceParameters(float_params={"lowerFaceStrength": 0.625})
    plain = weights_of(talk(header(), audio(voice(0.5)), END))
    soft = weights_of(talk(header(face_params=half), audio(voice(0.5)), END))
    assert np.allclose(soft[:, JAW], 0.5 * plain[:, JAW], atol=1e-6)


def test_moods_are_shown_and_told_back() -> None:
    joy = wire.EmotionParameters(beginning_emotion={"joy": 1.0})
    full = wire.EmotionPostProcessingParameters(emotion_strength=1.0, preferred_emotion_strength=1.0)
    answers = talk(header(emotion_params=joy, emotion_post_processing_params=full), audio(bytes(RATE)), END)
    smile = weights_of(answers)[:, PASCAL_CASE.index("MouthSmileLeft")]
    assert smile == pytest.approx(0.7, abs=1e-3)
    told = data_of(answers)[3].metadata["emotion_aggregate"]
    assert told.type_url == EMOTION_TYPE
    aggregate = wire.EmotionAggregate.FromString(told.value)
    (felt,) = aggregate.a2f_smoothed_output
    assert felt.emotion["joy"] == 1.0
    assert felt.time_code == pytest.approx(0.1)
    assert not aggregate.a2e_output, "this service hears no emotion and must not claim to"


def test_a_mood_eases_in_at_its_time() -> None:
    keys = [wire.EmotionWithTimeCode(time_code=0.5, emotion={"anger": 1.0})]
    answers = talk(header(), audio(bytes(4 * RATE), keys), END)
    frown = weights_of(answers)[:, PASCAL_CASE.index("BrowDownLeft")]
    assert (frown[:15] == 0).all()
    assert 0 < frown[16] < frown[30] < frown[-1] <= 0.9 * 0.5 * 0.6


def test_only_the_strongest_emotions_count_and_nonsense_does_not() -> None:
    told = {"joy": 0.9, "anger": 0.5, "fear": 0.4, "pain": 0.3, "envy": 1.0, "grief": float("nan")}
    felt = Mood(MoodSettings(preferred_strength=1.0, strength=1.0, most=2), told).at(0.0, 1 / 30)
    assert {name for name, strength in zip(MOODS, felt, strict=True) if strength} == {"joy", "anger"}
    unmoved = Mood(MoodSettings(preferred=False), {"joy": 1.0}).at(0.0, 1 / 30)
    assert not unmoved.any()


def test_hostile_numbers_do_not_break_a_clip() -> None:
    mixing = wire.EmotionPostProcessingParameters(emotion_strength=float("nan"), max_emotions=-5)
    mood = wire.EmotionParameters(live_transition_time=float("-inf"), beginning_emotion={"joy": float("inf")})
    keys = [wire.EmotionWithTimeCode(time_code=float("nan"), emotion={"joy": 1.0})]
    answers = talk(header(emotion_post_processing_params=mixing, emotion_params=mood), audio(bytes(RATE), keys), END)
    assert np.isfinite(weights_of(answers)).all()


def test_lips_meet_however_far_the_jaw_has_dropped() -> None:
    controls = np.zeros((2, 8), np.float32)
    controls[:, 0] = 0.2, 0.8
    controls[:, 1] = 1.0
    poses = Rig(Wishes()).poses(controls, np.zeros((2, len(MOODS)), np.float32))
    assert np.allclose(poses[:, JAW], 0.0)  # on the wire the jaw's drop is in MouthClose …
    seen = [NameMap(PASCAL_CASE)(pose) for pose in poses]  # … and on a head with ARKit's shapes the two meet
    assert np.allclose([pose[[JAW, CLOSE]] for pose in seen], [[0.2, 0.2], [0.8, 0.8]])


def test_lips_that_meet_show_no_teeth() -> None:
    controls = np.full((1, 8), 0.4, np.float32)
    controls[:, 1] = 0.9
    (pose,) = Rig(Wishes()).poses(controls, np.zeros((1, len(MOODS)), np.float32))
    parting = [place for place, name in enumerate(PASCAL_CASE) if name.startswith(("MouthFunnel", "MouthLowerDown"))]
    assert np.allclose(pose[[JAW, *parting]], 0.0)


def test_half_shut_lips_leave_the_jaw_where_it_was() -> None:
    controls = np.zeros((1, 8), np.float32)
    controls[:, :2] = 0.8, 0.85 / 4
    (pose,) = Rig(Wishes()).poses(controls, np.zeros((1, len(MOODS)), np.float32))
    assert np.allclose(pose[[JAW, CLOSE]], [0.6, 0.2])
    assert np.allclose(NameMap(PASCAL_CASE)(pose)[[JAW, CLOSE]], [0.8, 0.2])
