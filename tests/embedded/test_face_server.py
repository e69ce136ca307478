"""The embedded Audio2Face as a process behind TLS, talked to by our own client and by raw RPCs."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import yaml
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from aurora.bridge import Audio2Face
from aurora.errors import FaceError
from aurora.face import ARKIT, Pcm
from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import A2FControllerServiceStub, add_A2FControllerServiceServicer_to_server
from pipelines.embedded.face.description import CONTROLLER, EXPORT
from pipelines.embedded.face.limits import Limits
from pipelines.embedded.face.server import FaceService

RATE = 22_050
JAW = ARKIT.index("jawOpen")
HEALTH = "/grpc.health.v1.Health/Check"


def voice(seconds: float) -> Pcm:
    time = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 25))
    return (4000 * buzz * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)).astype(np.int16)


async def speaking(seconds: float, piece: float = 0.1) -> AsyncIterator[Pcm]:
    sound = voice(seconds)
    step = int(piece * RATE)
    for start in range(0, len(sound), step):
        yield sound[start : start + step]


def header(rate: int = RATE) -> Any:
    audio = wire.AudioHeader(samples_per_second=rate, bits_per_sample=16, channel_count=1)
    return wire.AudioWithEmotionStream(audio_stream_header=wire.AudioWithEmotionStreamHeader(audio_header=audio))


def trusting(pki: Path, port: int, *, mtls: bool = False) -> grpc.aio.Channel:
    identity = [(pki / name).read_bytes() for name in ("client.key", "client.crt")] if mtls else [None, None]
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes(), *identity)
    return grpc.aio.secure_channel(f"localhost:{port}", credentials)


@asynccontextmanager
async def service(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """The service as a process, and the line it announced itself with."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipelines.embedded.face", *arguments, stdin=pipe, stdout=pipe
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.services
async def test_serves_a_face_over_tls_and_stops_when_its_parent_goes(pki: Path) -> None:
    async with service("--tls", str(pki)) as (process, said):
        async with trusting(pki, said["ready"]["port"]) as channel:
            for name in (b"", b"\x0a" + bytes([len(CONTROLLER)]) + CONTROLLER.encode()):
                assert await channel.unary_unary(HEALTH)(name, timeout=10) == b"\x08\x01"
            async with asyncio.timeout(10), aclosing(Audio2Face(channel).animate(speaking(2.0), RATE)) as poses:
                frames = [frame async for frame in poses]
            assert len(frames) == 60
            assert max(frame.weights[JAW] for frame in frames) > 0.2
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 5) == 0


@pytest.mark.services
async def test_tells_its_calls_and_its_settings_to_whoever_asks(pki: Path) -> None:
    def ask(port: int) -> dict[str, dict[str, str]]:
        credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
        with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
            told = ProtoReflectionDescriptorDatabase(channel)
            assert {CONTROLLER, EXPORT} <= set(told.get_services())
            pool = DescriptorPool(told)
            stream = pool.FindServiceByName(CONTROLLER).methods_by_name["ProcessAudioStream"]
            assert {field.name for field in stream.input_type.fields} == {
                "audio_stream_header", "audio_with_emotion", "end_of_audio"
            }  # fmt: skip
            get = pool.FindServiceByName(EXPORT).methods_by_name["GetConfigs"]
            request, answer = (message_factory.GetMessageClass(kind) for kind in (get.input_type, get.output_type))
            call = channel.unary_stream(
                f"/{EXPORT}/GetConfigs",
                request_serializer=request.SerializeToString,
                response_deserializer=answer.FromString,
            )
            return {
                kind: {file.name: file.content for file in call(request(config_type=kind), timeout=10)}
                for kind in ("YAML", "JSON")
            }

    async with service("--tls", str(pki)) as (_, said):
        found = await asyncio.to_thread(ask, said["ready"]["port"])
    plain = {name.removesuffix(".yaml"): yaml.safe_load(content) for name, content in found["YAML"].items()}
    assert plain == {name.removesuffix(".json"): json.loads(content) for name, content in found["JSON"].items()}
    assert plain["advanced_config"]["input_sanitization"]["max_audio_clip_size_second"] == Limits().clip_seconds
    assert len(plain["stylization_config"]["a2f"]["blendshape_params"]["weight_multipliers"]) == 52
    names = ["stylization_config", "deployment_config", "advanced_config"]  # as NVIDIA's sample prints them
    assert list(found["YAML"]) == [f"{name}.yaml" for name in names]
    assert list(found["JSON"]) == [f"{name}.json" for name in names]


@pytest.mark.services
async def test_demands_a_client_certificate_if_told_so_and_obeys_sigterm_in_mid_clip(pki: Path) -> None:
    async with service("--tls", str(pki), "--mtls") as (process, said):
        async with trusting(pki, said["ready"]["port"]) as stranger:
            with pytest.raises(grpc.aio.AioRpcError):
                await stranger.unary_unary(HEALTH)(b"", timeout=5)
        async with trusting(pki, said["ready"]["port"], mtls=True) as channel:
            assert await channel.unary_unary(HEALTH)(b"", timeout=10) == b"\x08\x01"
            call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
            await call.write(header())
            assert (await call.read()).WhichOneof("stream_part") == "animation_data_stream_header"
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 5) == 0


@pytest.mark.services
async def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    async with service("--tls", str(tmp_path)) as (process, said):
        assert "server.key" in said["failed"]
        assert await asyncio.wait_for(process.wait(), 5) == 1


@asynccontextmanager
async def within(pki: Path, limits: Limits) -> AsyncIterator[grpc.aio.Channel]:
    """The servicer in this process, with limits of the test's choosing."""
    server = grpc.aio.server()
    add_A2FControllerServiceServicer_to_server(FaceService(limits), server)
    identity = (pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([identity]))
    await server.start()
    try:
        async with trusting(pki, port) as channel:
            yield channel
    finally:
        await server.stop(None)


async def last_word(call: Any) -> Any:
    async with asyncio.timeout(10):
        answers = [answer async for answer in call]
    return answers[-1].status


async def test_a_client_that_goes_quiet_is_told_so(pki: Path) -> None:
    async with within(pki, Limits(idle_seconds=0.1)) as channel:
        call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        await call.write(header())
        status = await last_word(call)
    assert status.code == wire.Status.ERROR
    assert status.message == "no audio for 0.1 s"


async def test_a_client_that_forgets_the_end_is_warned(pki: Path) -> None:
    async with within(pki, Limits()) as channel:
        call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        await call.write(header())
        await call.done_writing()
        status = await last_word(call)
    assert status.code == wire.Status.WARNING
    assert "without end_of_audio" in status.message


async def test_order_is_the_rpcs_matter_and_limits_are_the_statuss(pki: Path) -> None:
    async with within(pki, Limits()) as channel:
        call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        await call.write(wire.AudioWithEmotionStream(end_of_audio=wire.AudioWithEmotionStream.EndOfAudio()))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await last_word(call)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        call = A2FControllerServiceStub(channel).ProcessAudioStream()
        await call.write(header(rate=8000))
        assert (await last_word(call)).code == wire.Status.ERROR


def sound(samples: int) -> Any:
    audio = wire.AudioWithEmotion(audio_buffer=bytes(2 * samples))
    return wire.AudioWithEmotionStream(audio_with_emotion=audio)


END = wire.AudioWithEmotionStream(end_of_audio=wire.AudioWithEmotionStream.EndOfAudio())
REST = [*[sound(RATE)] * 40, END]


@pytest.mark.parametrize(
    ("clip", "code", "why"),
    [
        ([header(rate=8000), *REST], grpc.StatusCode.OK, "sample rate 8000 Hz is outside"),
        ([header(), sound(11 * RATE), *REST], grpc.StatusCode.OK, "an audio buffer of 11.0 s is longer"),
        ([*REST], grpc.StatusCode.INVALID_ARGUMENT, "the first message has to be an audio_stream_header"),
        ([header(), header(), *REST], grpc.StatusCode.INVALID_ARGUMENT, "a second audio_stream_header"),
    ],
)
async def test_a_client_that_writes_a_refused_clip_to_its_end_reads_the_reason(
    pki: Path, clip: list[Any], code: grpc.StatusCode, why: str
) -> None:
    async with within(pki, Limits()) as channel:
        for _ in range(3):  # without reading out the client, most calls end as "Internal error from Core"
            call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
            told = ""
            try:
                for message in clip:
                    await call.write(message)
                await call.done_writing()
                told = (await last_word(call)).message
            except grpc.aio.AioRpcError as error:
                told = error.details() or ""
            assert (await call.code(), told[: len(why)]) == (code, why)


async def test_a_client_that_writes_on_after_the_clips_end_reads_how_it_ended(pki: Path) -> None:
    async with within(pki, Limits()) as channel:
        for _ in range(3):
            call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
            for message in (header(), sound(RATE), END, *[sound(RATE)] * 60):
                await call.write(message)
                await asyncio.sleep(0)  # as a client that reads meanwhile
            await call.done_writing()
            assert (await last_word(call)).message == "30 frames sent"
            assert await call.code() is grpc.StatusCode.OK


async def test_sound_in_tiny_pieces_is_animated_to_its_end(pki: Path) -> None:
    async with within(pki, Limits()) as channel:
        call: Any = A2FControllerServiceStub(channel).ProcessAudioStream()
        for message in (header(), *[sound(22)] * 1000, END):
            await call.write(message)
        assert (await last_word(call)).message == "30 frames sent"


async def test_only_so_many_streams_at_once_and_a_cancelled_one_makes_room(pki: Path) -> None:
    async with within(pki, Limits(streams=1)) as channel:
        stub: Any = A2FControllerServiceStub(channel)
        first = stub.ProcessAudioStream()
        await first.write(header())
        await first.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await last_word(stub.ProcessAudioStream())
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        first.cancel()
        async with asyncio.timeout(10):
            while (frames := await animated(channel)) is None:
                pass  # the cancellation has not reached the service yet
        assert frames == 15


async def animated(channel: grpc.aio.Channel, seconds: float = 0.5) -> int | None:
    """How many frames half a second of voice gives; ``None`` if all streams are taken."""
    try:
        async with aclosing(Audio2Face(channel).animate(speaking(seconds), RATE)) as poses:
            return len([frame async for frame in poses])
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return None
        raise


async def test_what_the_service_refuses_reaches_our_client_in_words(pki: Path) -> None:
    async with within(pki, Limits(clip_seconds=1.0)) as channel:
        with pytest.raises(FaceError, match="refused the clip: the clip is longer than 1 s"):
            await asyncio.wait_for(animated(channel, seconds=3.0), 10)
