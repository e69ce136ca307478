"""The open network behind the service: clips over gRPC that take turns, are cancelled in a run, or come too late."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import face_model
import grpc
import numpy as np
import pytest
import yaml
from face_model import SMILES

from aurora.bridge import Audio2Face
from aurora.face import ARKIT, Pcm
from aurora.names import PASCAL_CASE
from aurora.settings import FaceSettings
from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import A2FControllerServiceStub, add_A2FControllerServiceServicer_to_server
from pipelines.embedded.face.clip import Clip
from pipelines.embedded.face.engine import Engine, Frames
from pipelines.embedded.face.export import files
from pipelines.embedded.face.limits import Limits
from pipelines.embedded.face.moods import MOODS, Mood
from pipelines.embedded.face.network.engine import NetworkEngine
from pipelines.embedded.face.server import FaceService
from pipelines.embedded.face.wishes import Wishes
from pipelines.embedded.process import ServiceFailed
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.settings.model import FaceSection, Settings
from pipelines.settings.network import NetworkSettings

RATE = 22_050
JAW, CLOSE = ARKIT.index("jawOpen"), ARKIT.index("mouthClose")


def message(**parts: Any) -> Any:
    return wire.AudioWithEmotionStream(**parts)


def header(rate: int = RATE) -> Any:
    audio = wire.AudioHeader(samples_per_second=rate, bits_per_sample=16, channel_count=1)
    return message(audio_stream_header=wire.AudioWithEmotionStreamHeader(audio_header=audio))


def sound(seconds: float, rate: int = RATE) -> Any:
    return message(audio_with_emotion=wire.AudioWithEmotion(audio_buffer=bytes(2 * round(seconds * rate))))


END = message(end_of_audio=wire.AudioWithEmotionStream.EndOfAudio())


async def speaking(seconds: float) -> AsyncIterator[Pcm]:
    rng = np.random.default_rng(0)
    for _ in range(round(seconds * 10)):
        yield (3000 * rng.standard_normal(RATE // 10)).astype(np.int16)


@asynccontextmanager
async def within(
    pki: Path, engine: Engine, limits: Limits | None = None, service: FaceService | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """The servicer in this process."""
    server = grpc.aio.server()
    add_A2FControllerServiceServicer_to_server(service or FaceService(limits, engine), server)
    identity = (pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([identity]))
    await server.start()
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    try:
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            yield channel
    finally:
        await server.stop(None)


@pytest.mark.services
async def test_the_embedded_face_with_a_network_of_ones_own(tmp_path: Path, pki: Path) -> None:
    folder = face_model.write(tmp_path / "model")
    network = NetworkSettings(folder=folder, provider="cpu", threads=1, fps="30", tongue=True)
    settings = Settings(embedded=("face",), face=FaceSection(network=network))
    told: list[str] = []
    async with EmbeddedServices(settings, tmp_path / "home", told.append) as services:
        credentials = grpc.ssl_channel_credentials((services.tls / "ca.crt").read_bytes())
        async with grpc.aio.secure_channel(services.settings.face.endpoint.target, credentials) as channel:
            face = Audio2Face(channel, FaceSettings(emotions={"joy": 1.0}, emotion_strength=1.0))
            async with asyncio.timeout(20), aclosing(face.animate(speaking(2.0), RATE)) as poses:
                frames = [frame async for frame in poses]
    assert [frame.time for frame in frames] == [n / 30 for n in range(60)]
    smile = np.array([frame.weights[SMILES[0]] for frame in frames])
    assert (smile >= 0.25).all(), "half of joy at half the preferred strength, and what the sound adds"
    levels = np.array([frame.weights for frame in frames[10:50]])
    assert levels[:, CLOSE].mean() > 0.02
    assert (levels[:, JAW] >= levels[:, CLOSE]).all(), "in ARKit's sense the jaw is open where lips shut over it"
    assert len(told) == 1
    assert told[0].startswith("The embedded face service: Synthetic v0 on CPU, 1 thread: ")
    assert told[0].endswith(" ms a frame, 30 frames a second.")


@pytest.mark.services
async def test_a_folder_that_will_not_do_is_why_the_service_does_not_start(tmp_path: Path) -> None:
    settings = Settings(embedded=("face",), face=FaceSection(network=NetworkSettings(folder=tmp_path / "nowhere")))
    with pytest.raises(ServiceFailed, match=r"face.network.folder: .*/nowhere is no folder\. A model folder"):
        async with EmbeddedServices(settings, tmp_path / "home", print):
            pytest.fail("must not be entered")


@pytest.mark.parametrize("tongue", [False, True])
async def test_the_headers_names_are_the_models(pki: Path, tmp_path: Path, tongue: bool) -> None:
    folder = face_model.write(tmp_path / "model")
    engine = NetworkEngine(folder, NetworkSettings(provider="cpu", fps="15", tongue=tongue))
    async with within(pki, engine) as channel, asyncio.timeout(20):
        call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        for one in (header(), sound(1.0), END):
            await call.write(one)
        answers = [answer async for answer in call]
    names = tuple(answers[0].animation_data_stream_header.skel_animation_header.blend_shapes)
    assert names[:52] == PASCAL_CASE
    assert names[52:] == (tuple(name[0].upper() + name[1:] for name in face_model.TONGUE) if tongue else ())
    frames = [answer.animation_data for answer in answers if answer.WhichOneof("stream_part") == "animation_data"]
    assert len(frames) == 30
    assert {len(frame.skel_animation.blend_shape_weights[0].values) for frame in frames} == {68 if tongue else 52}
    assert sum(len(frame.audio.audio_buffer) for frame in frames) == 2 * RATE
    assert answers[-1].status.message == "30 frames sent"


def test_the_exported_settings_have_nvidias_keys_and_the_models_values(tmp_path: Path) -> None:
    folder = face_model.write(tmp_path / "model", regular=True, eyelid_open_offset=0.06, lower_face_strength=1.4)
    engine = NetworkEngine(folder, NetworkSettings(provider="cpu", fps="15", tongue=True))
    a2f = files(Limits(), engine)["stylization_config"]["a2f"]
    assert a2f["inference_type"] == "regression"
    assert a2f["regression_model"] == {"inference_model_id": "synthetic_v0"}
    assert set(a2f["face_params"]) == {
        "eyelid_offset", "face_mask_level", "face_mask_softness", "input_strength", "lip_close_offset",
        "lower_face_smoothing", "lower_face_strength", "skin_strength", "upper_face_smoothing", "upper_face_strength",
        "tongue_strength", "tongue_height_offset", "tongue_depth_offset",
    }  # fmt: skip
    assert (a2f["face_params"]["eyelid_offset"], a2f["face_params"]["lower_face_strength"]) == (0.06, 1.4)
    shapes = a2f["blendshape_params"]
    for key in ("weight_multipliers", "weight_offsets", "active_poses", "cancel_poses", "symmetry_poses"):
        assert tuple(shapes[key]) == engine.names
    assert shapes["active_poses"]["TongueOut"] == 0
    assert shapes["symmetry_poses"]["EyeBlinkLeft"] == shapes["symmetry_poses"]["EyeBlinkRight"] == 0
    assert yaml.safe_load(yaml.safe_dump(a2f)) == a2f


class Held:
    """An engine whose clips wait in the worker until a test lets them go, as a slow network would."""

    names = PASCAL_CASE

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.order: list[int] = []
        self.inside = self.most = 0
        self._clips = 0

    def solver(self, rate: int, wishes: Wishes, mood: Mood) -> HeldClip:
        self._clips += 1
        return HeldClip(self, rate, self._clips)

    def about(self) -> dict[str, object]:
        return {}

    def stylization(self) -> dict[str, Any]:
        return {}


class HeldClip:
    """Gives four frames a batch, as many as the sound is worth."""

    def __init__(self, engine: Held, rate: int, number: int) -> None:
        self._engine, self._rate, self._number = engine, rate, number
        self._samples = self._made = 0

    def push(self, pcm: Pcm) -> Iterator[Frames]:
        self._samples += len(pcm)
        while self._made + 4 <= self._samples * 30 // self._rate:
            self._engine.inside += 1
            self._engine.most = max(self._engine.most, self._engine.inside)
            self._engine.begun.release()
            assert self._engine.go.wait(20)
            self._engine.inside -= 1
            self._engine.order.append(self._number)
            self._made += 4
            yield Frames(np.zeros((4, 52), np.float32), np.zeros((4, len(MOODS)), np.float32))

    def finish(self) -> Iterator[Frames]:
        yield Frames(np.zeros((9, 52), np.float32), np.zeros((9, len(MOODS)), np.float32))


async def test_a_clip_that_is_cancelled_during_a_run_makes_room_for_the_next(pki: Path) -> None:
    engine = Held()
    async with within(pki, engine, Limits(streams=1)) as channel, asyncio.timeout(20):
        stub: Any = A2FControllerServiceStub(channel)
        first = stub.ProcessAudioStream()
        for one in (header(), sound(5.0)):
            await first.write(one)
        await asyncio.to_thread(engine.begun.acquire)  # the worker is in a run now, and stays there
        first.cancel()
        while True:  # until the cancellation has reached the service
            call = stub.ProcessAudioStream()
            try:
                for one in (header(), sound(1.0), END):
                    await call.write(one)
                await call.done_writing()
                engine.go.set()
                answers = [answer async for answer in call]
                break
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
    assert answers[-1].status.message == "30 frames sent"
    assert engine.order.count(1) == 1, "the run that went on was the cancelled clip's last"


async def test_clips_take_turns_by_the_batch(pki: Path) -> None:
    engine = Held()
    service = FaceService(None, engine)
    async with within(pki, engine, service=service) as channel, asyncio.timeout(20):
        stub: Any = A2FControllerServiceStub(channel)
        calls = [stub.ProcessAudioStream() for _ in range(2)]
        for call in calls:
            for one in (header(), sound(2.0), END):
                await call.write(one)
            await call.done_writing()
        await asyncio.to_thread(engine.begun.acquire)
        while not service._worker._work_queue.qsize() and engine.inside < 2:  # noqa: ASYNC110 - the other has to wait
            await asyncio.sleep(0)
        engine.go.set()
        for call in calls:
            assert [answer async for answer in call][-1].status.message.startswith("60 frames sent")
    assert engine.most == 1, "a network is for one thread at a time"
    both = engine.order[2:-2]
    assert all(a != b for a, b in zip(both[::2], both[1::2], strict=False)), engine.order


async def test_the_loop_is_free_while_the_worker_runs(pki: Path) -> None:
    engine = Held()
    async with within(pki, engine) as channel, asyncio.timeout(20):
        call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        for one in (header(), sound(1.0)):
            await call.write(one)
        await asyncio.to_thread(engine.begun.acquire)
        for _ in range(40):  # beyond what a transport buffers, and nobody but the service reads it
            await call.write(sound(0.5))
        busy: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        await busy.write(END)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await busy.read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        engine.go.set()
        call.cancel()


def test_a_slow_solver_is_not_the_clients_fault() -> None:
    clip = Clip(Limits(), Held())
    clip.take(header(), 0.0)
    for n in range(150):  # twenty seconds of sound as it plays, in pieces of 133 ms; not a frame is made
        clip.take(sound(2 / 15), n * 2 / 15)
    assert clip.patience(20.0) > 1.0


def test_frames_that_are_late_are_counted_and_said() -> None:
    engine = Held()
    engine.go.set()
    clip = Clip(Limits(), engine)
    clip.take(header(), 0.0)
    clip.take(sound(3.0), 0.0)
    assert clip.animate()
    assert clip.keep_time(0.1) == pytest.approx(0.1)
    behind = []
    while clip.animate():  # four frames each fifth of a second, too few by a third
        behind.append(clip.keep_time(0.1 + 0.2 * (len(behind) + 1)))
    assert max(behind) == pytest.approx(2.9 - 52 / 30)
    late = 4 * sum(one > 0.5 for one in behind)
    clip.take(END, 9.0)
    while clip.animate():
        clip.keep_time(3.1)
    assert clip.last_word().status.message == f"90 frames sent, {late} of them late, by up to 1.2 s"


def test_sound_that_comes_ahead_of_its_time_is_no_lag() -> None:
    engine = Held()
    engine.go.set()
    clip = Clip(Limits(), engine)
    clip.take(header(), 0.0)
    clip.take(sound(8.0), 0.0)
    now = 0.0
    while clip.animate():
        now += 4 / 40  # a little faster than it plays
        assert clip.keep_time(now) < 0.3
    assert "late" not in clip.last_word().status.message


async def test_a_face_that_falls_behind_is_logged_once_a_clip(
    pki: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Held()
    engine.go.set()
    monkeypatch.setattr(Clip, "keep_time", lambda self, now: 0.8)
    async with within(pki, engine) as channel, asyncio.timeout(20):
        call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        for one in (header(), sound(2.0), END):
            await call.write(one)
        assert [answer async for answer in call][-1].status.code == wire.Status.SUCCESS
    lines = [record.getMessage() for record in caplog.records if record.name == "sophia.embedded.face"]
    assert lines == ["the face is 0.8 s behind its sound"]
