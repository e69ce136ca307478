"""A lab of all four services over TLS on loopback, which misbehave in the way and in the turn that a test asks for.

Everything is simulated: the recogniser hears any sound as the same words, the mind answers the same sentences, the
voice is a tone, the face opens its mouth.
"""
# ruff: noqa: N802 - the methods' names are the protocols'

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc, riva_tts_pb2, riva_tts_pb2_grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from aurora.names import PASCAL_CASE
from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import add_A2FControllerServiceServicer_to_server
from nova.tensors import parse_bytes, raw_bytes

HEARD = "where is my order"
ANSWER = "Let me see what I can find. Your order left the warehouse this morning. It will be with you tomorrow."
CLAUSE_SECONDS = 0.35
BYTES, BOOL = 13, 1


class Lab(
    riva_asr_pb2_grpc.RivaSpeechRecognitionServicer,
    riva_tts_pb2_grpc.RivaSpeechSynthesisServicer,
    pb_grpc.GRPCInferenceServiceServicer,
):
    """``bad`` maps a service to what it does wrong, and ``turns`` says when: 0 is the start, 1 the first utterance.

    ``calls`` is what the mind writes where it is told of tools.
    """

    def __init__(self, bad: dict[str, str] | None = None, turns: tuple[int, ...] = (1,), *, calls: str = "") -> None:
        self.bad = bad or {}
        self.turns = turns
        self.turn = 0
        self.port = 0
        self.calls = calls
        self.heard = HEARD
        self._clauses = self._finals = 0
        self._onset = asyncio.Condition()

    async def reaches(self, turn: int) -> None:
        """Waits until this turn's utterance begins."""
        async with asyncio.timeout(30), self._onset:
            await self._onset.wait_for(lambda: self.turn >= turn)

    def does(self, service: str, what: str) -> bool:
        """Whether ``service`` misbehaves like this now."""
        return self.bad.get(service) == what and self.turn in self.turns

    async def _hang(self) -> None:
        await asyncio.get_running_loop().create_future()

    # Ears

    async def GetRivaSpeechRecognitionConfig(self, request: Any, context: Any) -> Any:
        if self.does("asr", "hangs"):
            await self._hang()
        answer = riva_asr_pb2.RivaSpeechRecognitionConfigResponse()
        answer.model_config.add(model_name="simulated").parameters["language_code"] = "en-US"
        return answer

    async def StreamingRecognize(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        samples = voiced = 0
        silent = 0.0
        async for request in requests:
            pcm = np.frombuffer(request.audio_content, np.int16)
            seconds = len(pcm) / 16_000
            samples += len(pcm)
            if len(pcm) and np.abs(pcm.astype(int)).max() > 1500:
                if self.turn == self._finals:
                    self._clauses = 0
                    async with self._onset:
                        self.turn += 1
                        self._onset.notify_all()
                voiced, silent = voiced + 1, 0.0
            else:
                silent += seconds
            if self.does("asr", "hangs"):
                await self._hang()
            if self.does("asr", "is full"):
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room for another stream")
            if self.does("asr", "refuses"):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no model for xx-XX")
            if voiced and silent > 0.3:
                voiced = 0
                self._finals += 1
                yield self._final(samples / 16_000)

    def _final(self, processed: float) -> Any:
        answer = riva_asr_pb2.StreamingRecognizeResponse()
        result = answer.results.add(is_final=True, stability=1.0, audio_processed=processed)
        result.alternatives.add(transcript=self.heard, confidence=0.9)
        return answer

    # Mind

    async def ServerReady(self, request: Any, context: Any) -> Any:
        return pb.ServerReadyResponse(ready=True)

    async def ModelConfig(self, request: Any, context: Any) -> Any:
        if self.does("llm", "hangs"):
            await self._hang()
        answer = pb.ModelConfigResponse()
        config = answer.config
        config.name = "nova"
        config.model_transaction_policy.decoupled = True
        for name, kind in (("text_input", BYTES), ("stream", BOOL), ("sampling_parameters", BYTES)):
            config.input.add(name=name, data_type=kind)
        config.output.add(name="text_output", data_type=BYTES)
        return answer

    def _words(self, prompt: str) -> list[str]:
        """What the mind writes; one that was taught to call does so where it is told of tools, and reads results."""
        *_, last = prompt.split("<|im_start|>user\n")
        if result := re.search(r"<tool_response>\n(.*?)\n</tool_response>", last, re.DOTALL):
            return [word + " " for word in f"The tool says {result[1]}.".split()]
        if self.calls and "<tools>" in prompt:
            begun = prompt.rpartition("<|im_start|>assistant\n")[2]
            return re.findall(r"(?s).{1,7}", self.calls.removeprefix(begun))
        return [word + " " for word in ANSWER.split()]

    async def ModelStreamInfer(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            words = self._words(parse_bytes(request.raw_input_contents[0])[0].decode())
            for number, word in enumerate(words):
                if self.does("llm", "hangs at once") or (number == 8 and self.does("llm", "hangs")):
                    await self._hang()
                if self.does("llm", "fails at once") or (number == 8 and self.does("llm", "fails")):
                    yield pb.ModelStreamInferResponse(error_message="in-flight batching: CUDA out of memory")
                    break
                if self.does("llm", "says nothing"):
                    break
                answer = pb.ModelInferResponse(model_name="nova", id=request.id)
                answer.outputs.add(name="text_output", datatype="BYTES", shape=[1])
                answer.raw_output_contents.append(raw_bytes([word.encode()]))
                answer.parameters["triton_final_response"].bool_param = number == len(words) - 1
                yield pb.ModelStreamInferResponse(infer_response=answer)

    # Voice

    async def SynthesizeOnline(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        rate = 22_050
        async for request in requests:
            rate = request.sample_rate_hz or rate
        self._clauses += self.turn > 0
        if self.does("tts", "hangs") and self._clauses > 1:
            await self._hang()
        if self.does("tts", "hangs at once"):
            await self._hang()
        if self.does("tts", "fails in the third clause") and self._clauses == 3:
            await context.abort(grpc.StatusCode.INTERNAL, "the vocoder fell over")
        silent = self._clauses == 3 and self.does("tts", "is silent in the third clause")
        if silent or self.does("tts", "says nothing"):
            return
        tone = (8000 * np.sin(2 * np.pi * 220 * np.arange(round(CLAUSE_SECONDS * rate)) / rate)).astype(np.int16)
        for start in range(0, len(tone), 4096):
            yield riva_tts_pb2.SynthesizeSpeechResponse(audio=tone[start : start + 4096].tobytes())

    # Face

    async def ProcessAudioStream(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        samples, sent, rate = 0, 0, 1
        well = not (self.does("face", "hangs") or self.does("face", "fails"))
        async for message in requests:
            part = message.WhichOneof("stream_part")
            if part == "audio_stream_header":
                rate = message.audio_stream_header.audio_header.samples_per_second
                if well:
                    named = wire.SkelAnimationHeader(blend_shapes=PASCAL_CASE)
                    yield wire.AnimationDataStream(
                        animation_data_stream_header=wire.AnimationDataStreamHeader(skel_animation_header=named)
                    )
            elif part == "audio_with_emotion":
                samples += len(message.audio_with_emotion.audio_buffer) // 2
                while well and sent < samples * 30 // rate:
                    yield self._frame(sent)
                    sent += 1
            elif part == "end_of_audio":
                break
        if self.does("face", "hangs"):
            await self._hang()
        if self.does("face", "fails"):
            failed = wire.Status(code=wire.Status.ERROR, message="no room for another stream")
            yield wire.AnimationDataStream(status=failed)
            return
        yield wire.AnimationDataStream(status=wire.Status(code=wire.Status.SUCCESS))

    @staticmethod
    def _frame(number: int) -> Any:
        values = [0.2 + number % 3 / 10] * len(PASCAL_CASE)
        weights = [wire.FloatArrayWithTimeCode(time_code=number / 30, values=values)]
        return wire.AnimationDataStream(
            animation_data=wire.AnimationData(skel_animation=wire.SkelAnimation(blend_shape_weights=weights))
        )


@asynccontextmanager
async def serving(
    lab: Lab, folder: Path | None, port: int = 0, interceptors: Sequence[grpc.aio.ServerInterceptor] = ()
) -> AsyncIterator[int]:
    """The lab on ``port``, or a free one, which is the result: over TLS with ``folder``'s identity, or in plaintext."""
    server = grpc.aio.server(interceptors=interceptors)
    riva_asr_pb2_grpc.add_RivaSpeechRecognitionServicer_to_server(lab, server)
    riva_tts_pb2_grpc.add_RivaSpeechSynthesisServicer_to_server(lab, server)
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(lab, server)
    add_A2FControllerServiceServicer_to_server(lab, server)
    if folder is None:
        lab.port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        pair = (folder / "server.key").read_bytes(), (folder / "server.crt").read_bytes()
        lab.port = server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([pair]))
    await server.start()
    try:
        yield lab.port
    finally:
        await server.stop(0)


def config(folder: Path, pki: Path, ports: dict[str, int], **more: Any) -> Path:
    """A configuration for these ports, in which nothing waits longer than a test likes; JSON is YAML, too."""

    def at(service: str) -> dict[str, Any]:
        target = f"localhost:{ports[service]}"
        return {"target": target, "tls": {"ca": str(pki / "ca.crt")}, "connect_seconds": 1}

    content: dict[str, dict[str, Any]] = {
        "asr": {"endpoint": at("asr"), "open_seconds": 2, "answer_seconds": 1, "drain_seconds": 0.5},
        "llm": {"endpoint": at("llm"), "first_token_timeout": 1.5, "token_timeout": 1, "call_timeout": 2},
        "tts": {"endpoint": at("tts"), "first_audio_seconds": 2, "chunk_seconds": 1},
        "face": {"endpoint": at("face"), "answer_seconds": 2},
    }
    content["tools"] = {"use": []}  # the lab's model would call whatever it is told of
    content["asr"]["give_up_seconds"] = 4
    content["turns"] = {"text_timeout": 2}  # a machine that is busy is no recogniser without words
    for dotted, value in more.items():
        section, _, key = dotted.partition("__")
        content[section][key] = value
    path = folder / "lab.yaml"
    path.write_text(json.dumps(content))
    return path
