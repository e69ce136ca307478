"""Runs where NVIDIA's published Audio2Face-3D wheels are installed, and nothing of ours: reads JSON, writes JSON.

``describe`` lists the wheels' messages; ``echo`` parses and re-serialises messages, ``fields`` tells what it read;
``fill`` makes one of each with every field set; ``animate`` is a client of a running service.
"""

import base64
import json
import sys
from pathlib import Path

import grpc
from google.protobuf import json_format
from nvidia_ace import animation_pb2, audio_pb2, status_pb2
from nvidia_audio2face_3d import audio2face_pb2, messages_pb2
from nvidia_audio2face_3d.audio2face_pb2_grpc import A2FControllerServiceStub

FILES = (audio_pb2, animation_pb2, status_pb2, messages_pb2)


def messages():
    return {name: getattr(file, name) for file in FILES for name in file.DESCRIPTOR.message_types_by_name}


def describe(_):
    def fields(descriptor):
        return {
            field.name: {
                "number": field.number,
                "type": field.type,
                "repeated": field.is_repeated,
                "packed": field.is_packed,
                "presence": field.has_presence,
                "oneof": field.containing_oneof.name if field.containing_oneof else None,
                "message": field.message_type.name if field.message_type else None,
                "enum": {v.name: v.number for v in field.enum_type.values} if field.enum_type else None,
                "entry": fields(field.message_type) if field.message_type and is_map(field) else None,
            }
            for field in descriptor.fields
        }

    def is_map(field):
        return field.message_type.GetOptions().map_entry

    (service,) = audio2face_pb2.DESCRIPTOR.services_by_name.values()
    return {
        "messages": {name: fields(message.DESCRIPTOR) for name, message in messages().items()},
        "service": service.full_name,
        "methods": [
            [m.name, m.input_type.name, m.client_streaming, m.output_type.name, m.server_streaming]
            for m in service.methods
        ],
    }


def echo(request):
    return {
        name: base64.b64encode(read(name, data).SerializeToString(deterministic=True)).decode()
        for name, data in request.items()
    }


def fields(request):
    return {
        name: json_format.MessageToDict(read(name, data), preserving_proto_field_name=True)
        for name, data in request.items()
    }


def read(name, data):
    return messages()[name].FromString(base64.b64decode(data))


def fill(_):
    def filled(message, depth=0):
        for field in message.DESCRIPTOR.fields:
            values = {9: "x", 12: b"\1\2", 1: 1.5, 2: 2.5, 13: 7, 5: -7, 8: True, 14: 0}
            if field.message_type and field.message_type.GetOptions().map_entry:
                value = field.message_type.fields_by_name["value"]
                if value.message_type:
                    filled(getattr(message, field.name)["key"], depth + 1)
                else:
                    getattr(message, field.name)["key"] = values[value.type]
            elif field.message_type and depth < 5:
                there = getattr(message, field.name)
                filled(there.add() if field.is_repeated else there, depth + 1)
                if not field.is_repeated:
                    there.SetInParent()
            elif field.is_repeated:
                getattr(message, field.name).append(values[field.type])
            elif not field.message_type:
                setattr(message, field.name, values[field.type])
        return message

    made = {}
    for name, message in messages().items():
        data = filled(message()).SerializeToString(deterministic=True)
        made[name] = base64.b64encode(data).decode()
    return made


def animate(request):
    rate, sound = request["rate"], base64.b64decode(request["sound"])
    m = messages_pb2

    def asked():
        audio = audio_pb2.AudioHeader(samples_per_second=rate, bits_per_sample=16, channel_count=1)
        mood = m.EmotionParameters(live_transition_time=0.5, beginning_emotion={"joy": 1.0})
        yield m.AudioWithEmotionStream(
            audio_stream_header=m.AudioWithEmotionStreamHeader(audio_header=audio, emotion_params=mood)
        )
        for start in range(0, len(sound), 2 * rate):
            piece = m.AudioWithEmotion(audio_buffer=sound[start : start + 2 * rate])
            yield m.AudioWithEmotionStream(audio_with_emotion=piece)
        yield m.AudioWithEmotionStream(end_of_audio=m.AudioWithEmotionStream.EndOfAudio())

    credentials = grpc.ssl_channel_credentials(Path(request["ca"]).read_bytes())
    answer = {"parts": [], "times": [], "jaw": [], "echo": b"", "names": [], "joy": []}
    with grpc.secure_channel(request["target"], credentials) as channel:
        for message in A2FControllerServiceStub(channel).ProcessAudioStream(asked(), timeout=30):
            part = message.WhichOneof("stream_part")
            if answer["parts"][-1:] != [part]:
                answer["parts"].append(part)
            if part == "animation_data_stream_header":
                answer["names"] = list(message.animation_data_stream_header.skel_animation_header.blend_shapes)
            elif part == "animation_data":
                data = message.animation_data
                answer["echo"] += data.audio.audio_buffer
                told = data.metadata["emotion_aggregate"]
                aggregate = m.EmotionAggregate.FromString(told.value)
                answer["joy"] += [felt.emotion["joy"] for felt in aggregate.a2f_smoothed_output]
                for frame in data.skel_animation.blend_shape_weights:
                    answer["times"].append(frame.time_code)
                    answer["jaw"].append(frame.values[answer["names"].index("JawOpen")])
            elif part == "status":
                answer["status"] = [message.status.code, message.status.message]
    answer["echo"] = base64.b64encode(answer["echo"]).decode()
    return answer


if __name__ == "__main__":
    command = {"describe": describe, "echo": echo, "fields": fields, "fill": fill, "animate": animate}[sys.argv[1]]
    json.dump(command(json.load(sys.stdin)), sys.stdout)
