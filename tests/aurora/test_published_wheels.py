"""Our Audio2Face wire format against NVIDIA's published wheels, which live in an environment of their own.

They can't live in ours: they ask for a grpcio that Riva's stubs refuse. The environment is made once, in pytest's
cache folder, with pip; without a package index these tests are skipped, and for no other reason.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import face_model
import numpy as np
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from aurora.names import PASCAL_CASE
from aurora.wire import audio2face_pb2 as wire

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

WHEELS = ("nvidia-ace==1.0.0", "nvidia-audio2face-3d==1.3.0")
UNDER_THEM = ("grpcio>=1.81,<2", "protobuf>=6.33.5,<7")
NO_INDEX = re.compile(r"connection broken|NewConnectionError|name resolution|timed out|ProxyError|network is", re.I)
ROOT = Path(__file__).parents[2]

OURS = {name: getattr(wire, name) for name in wire.DESCRIPTOR.message_types_by_name}
THEIR_NAMES = {
    "AnimationDataStream": "A2F3DAnimationDataStream",
    "AnimationDataStreamHeader": "A2F3DAnimationDataStreamHeader",
}


def theirs(name: str) -> str:
    return THEIR_NAMES.get(name, name)


class Wheels:
    """NVIDIA's wheels behind ``wheel_probe.py``."""

    def __init__(self, python: Path) -> None:
        self.python = python

    def __call__(self, command: str, request: Any = None) -> Any:
        probe = Path(__file__).with_name("wheel_probe.py")
        done = subprocess.run(
            [self.python, "-W", "ignore", probe, command],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def wheels(request: pytest.FixtureRequest) -> Wheels:
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("audio2face-wheels")
    python = folder / "venv" / "bin" / "python"
    made = folder / "made"
    recipe = " ".join((*WHEELS, *UNDER_THEM, sys.version))
    if not made.exists() or made.read_text() != recipe:
        venv.create(folder / "venv", clear=True, with_pip=True)
        for packages in (("--no-deps", *WHEELS), UNDER_THEM):
            done = subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--retries", "1", *packages],
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
            if done.returncode != 0 and NO_INDEX.search(done.stderr):
                pytest.skip(f"pip cannot reach a package index for {' '.join(packages)}")
            assert done.returncode == 0, done.stderr
        made.write_text(recipe)
    return Wheels(python)


def fields(descriptor: Descriptor) -> dict[str, Any]:
    return {
        field.name: {
            "number": field.number,
            "type": field.type,
            "repeated": field.is_repeated,
            "packed": field.is_packed,
            "presence": field.has_presence,
            "oneof": field.containing_oneof.name if field.containing_oneof else None,
            "message": theirs(field.message_type.name) if field.message_type else None,
            "enum": {v.name: v.number for v in field.enum_type.values} if field.enum_type else None,
            "entry": fields(field.message_type)
            if field.message_type and field.message_type.GetOptions().map_entry
            else None,
        }
        for field in descriptor.fields
    }


def test_every_field_has_their_number_type_label_and_oneof(wheels: Wheels) -> None:
    published = wheels("describe")["messages"]
    for name, message in OURS.items():
        for field, ours in fields(message.DESCRIPTOR).items():
            assert published[theirs(name)][field] == ours, f"{name}.{field}"


def test_only_what_no_voice_avatar_needs_is_left_out(wheels: Wheels) -> None:
    published = wheels("describe")["messages"]
    missing = {
        f"{name}.{field}"
        for name in OURS
        for field in published[theirs(name)]
        if field not in OURS[name].DESCRIPTOR.fields_by_name
    }
    assert missing == {
        "AnimationData.camera", "SkelAnimation.translations", "SkelAnimation.rotations", "SkelAnimation.scales",
    }  # fmt: skip


def test_the_service_has_their_path(wheels: Wheels) -> None:
    published = wheels("describe")
    assert published["service"] == "nvidia_ace.services.a2f_controller.v1.A2FControllerService"
    assert published["methods"] == [
        ["ProcessAudioStream", "AudioWithEmotionStream", True, "A2F3DAnimationDataStream", True]
    ]
    stub = (ROOT / "aurora/wire/audio2face_service_pb2_grpc.py").read_text()
    assert f"/{published['service']}/ProcessAudioStream" in stub


def coded(message: Message) -> str:
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def ours_filled() -> dict[str, Message]:
    header = wire.AudioHeader(samples_per_second=22050, bits_per_sample=16, channel_count=1)
    request = wire.AudioWithEmotionStreamHeader(
        audio_header=header,
        face_params=wire.FaceParameters(
            float_params={"lowerFaceStrength": 1.25},
            integer_params={"one": -3},
            float_array_params={"some": wire.FloatArray(values=[0.5, -2.0])},
        ),
        emotion_post_processing_params=wire.EmotionPostProcessingParameters(
            emotion_contrast=0.5,
            live_blend_coef=0.0,
            enable_preferred_emotion=False,
            preferred_emotion_strength=0.25,
            emotion_strength=0.75,
            max_emotions=6,
        ),
        blendshape_params=wire.BlendShapeParameters(
            bs_weight_multipliers={"JawOpen": 0.5}, bs_weight_offsets={"JawOpen": -0.5}, enable_clamping_bs_weight=False
        ),
        emotion_params=wire.EmotionParameters(live_transition_time=0.0, beginning_emotion={"joy": 0.5}),
    )
    feeling = wire.EmotionWithTimeCode(time_code=1.5, emotion={"joy": 0.25})
    aggregate = wire.EmotionAggregate(input_emotions=[feeling], a2e_output=[feeling], a2f_smoothed_output=[feeling])
    data = wire.AnimationData(
        skel_animation=wire.SkelAnimation(
            blend_shape_weights=[wire.FloatArrayWithTimeCode(time_code=0.5, values=[0.0, 0.25, -1.0])]
        ),
        audio=wire.AudioWithTimeCode(time_code=0.5, audio_buffer=b"\0\1\2\3"),
    )
    return {
        "AudioWithEmotionStreamHeader": request,
        "AudioWithEmotionStream": wire.AudioWithEmotionStream(audio_stream_header=request),
        "AudioWithEmotion": wire.AudioWithEmotion(audio_buffer=b"\1\0", emotions=[feeling]),
        "EmotionAggregate": aggregate,
        "AnimationData": data,
        "AnimationDataStream": wire.AnimationDataStream(animation_data=data),
        "AnimationDataStreamHeader": wire.AnimationDataStreamHeader(
            audio_header=header,
            skel_animation_header=wire.SkelAnimationHeader(blend_shapes=["JawOpen"], joints=["Head"]),
            start_time_code_since_epoch=1.5,
        ),
        "Event": wire.Event(event_type=wire.END_OF_A2F_AUDIO_PROCESSING),
        "Status": wire.Status(code=wire.Status.ERROR, message="no"),
    }


def test_what_we_write_they_read(wheels: Wheels) -> None:
    written = ours_filled()
    request = {theirs(name): coded(message) for name, message in written.items()}
    assert wheels("echo", request) == request
    read = wheels("fields", request)
    for name, message in written.items():
        assert read[theirs(name)] == json_format.MessageToDict(message, preserving_proto_field_name=True)


def test_what_they_write_we_read_and_give_back_whole(wheels: Wheels) -> None:
    written = wheels("fill")
    kept = {}
    for name, message in OURS.items():
        read = message.FromString(base64.b64decode(written[theirs(name)]))
        if not read.DESCRIPTOR.oneofs_by_name.get("stream_part"):
            told = {field.name for field, _ in read.ListFields()}
            defaults = {f.name for f in read.DESCRIPTOR.fields if f.enum_type}  # 0, so not on the wire
            assert told >= set(message.DESCRIPTOR.fields_by_name) - defaults, name
        kept[theirs(name)] = coded(read)
    assert wheels("echo", kept) == {name: written[name] for name in kept}


@pytest.mark.parametrize("network", [False, True], ids=["lips", "network"])
async def test_their_client_gets_a_face_from_our_service(
    wheels: Wheels, pki: Path, tmp_path: Path, network: bool
) -> None:
    engine = ["--network", str(face_model.write(tmp_path / "model")), "--provider", "cpu"] if network else []
    rate = 22_050
    time = np.arange(2 * rate) / rate
    buzz = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 25))
    sound = (4000 * buzz * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)).astype("<i2").tobytes()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipelines.embedded.face", "--tls", str(pki), *engine, stdin=pipe, stdout=pipe, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))["ready"]
        request = {
            "target": f"localhost:{ready['port']}",
            "ca": str(pki / "ca.crt"),
            "rate": rate,
            "sound": base64.b64encode(sound).decode(),
        }
        got = await asyncio.to_thread(wheels, "animate", request)
    finally:
        process.terminate()
        await process.wait()
    assert got["parts"] == ["animation_data_stream_header", "animation_data", "event", "status"]
    assert tuple(got["names"]) == PASCAL_CASE
    assert got["times"] == [i / 30 for i in range(60)]
    assert base64.b64decode(got["echo"]) == sound
    assert got["status"][0] == wire.Status.SUCCESS
    assert max(got["jaw"]) > (0.05 if network else 0.2)
    assert got["joy"] == pytest.approx([0.3] * 60)


def test_both_live_in_one_process(wheels: Wheels) -> None:
    """A tool may load NVIDIA's wheels and ours side by side: no name is registered twice."""
    code = (
        "from aurora.wire import audio2face_pb2, audio2face_service_pb2_grpc\n"
        "from nvidia_audio2face_3d import audio2face_pb2_grpc, messages_pb2\n"
        "print(messages_pb2.AudioWithEmotionStream.DESCRIPTOR.full_name)"
    )
    done = subprocess.run(
        [wheels.python, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nvidia" in done.stdout
