"""``GetConfigs``: the face's settings as the files of an Audio2Face-3D deployment. NVIDIA's samples fetch them.

The keys are those of NVIDIA's files; the values are what this service does. What it has no part for is left out.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import yaml
from google.protobuf.descriptor_pool import DescriptorPool

from pipelines.embedded.face.description import EXPORT, message
from pipelines.embedded.face.engine import Engine
from pipelines.embedded.face.limits import Limits
from pipelines.embedded.face.moods import MOODS, MoodSettings

JSON = 1
"""``ConfigType`` of a client that wants JSON; YAML is 0."""


def files(limits: Limits, engine: Engine) -> dict[str, dict[str, Any]]:
    """The content of each file by its name without an ending, in the order in which the real service sends them."""
    mood = MoodSettings()
    return {
        "stylization_config": {
            "default_beginning_emotions": dict.fromkeys(MOODS, 0.0),
            "a2e": {
                "enabled": True,
                "live_transition_time": mood.transition_seconds,
                "post_processing_params": {
                    "emotion_strength": mood.strength,
                    "enable_preferred_emotion": mood.preferred,
                    "preferred_emotion_strength": mood.preferred_strength,
                    "max_emotions": mood.most,
                },
            },
            "a2f": engine.stylization(),
        },
        "deployment_config": {
            "common": {"stream_number": limits.streams, "add_silence_padding_after_audio": False},
            "endpoints": {"use_bidirectional": True},
        },
        "advanced_config": {
            "input_sanitization": {
                "min_sample_rate": limits.lowest_rate,
                "max_sample_rate": limits.highest_rate,
                "max_audio_buffer_size_second": limits.message_seconds,
                "max_audio_clip_size_second": limits.clip_seconds,
                "max_wait_time_idle_ms": round(1000 * limits.idle_seconds),
                "low_fps": limits.low_fps,
                "low_fps_max_duration_second": limits.low_fps_seconds,
            }
        },
    }


def handler(limits: Limits, engine: Engine, pool: DescriptorPool) -> grpc.GenericRpcHandler:
    """The service as a handler for a server of ``grpc.aio``."""
    request, answer = message(pool, "ConfigsTypeRequest"), message(pool, "A2XConfig")

    async def get_configs(asked: Any, context: Any) -> AsyncIterator[Any]:
        for name, content in files(limits, engine).items():
            if asked.config_type == JSON:
                yield answer(name=f"{name}.json", content=json.dumps(content, indent=2) + "\n")
            else:
                yield answer(name=f"{name}.yaml", content=yaml.safe_dump(content, sort_keys=False))

    method = grpc.unary_stream_rpc_method_handler(
        get_configs, request_deserializer=request.FromString, response_serializer=answer.SerializeToString
    )
    return grpc.method_handlers_generic_handler(EXPORT, {"GetConfigs": method})
