"""Stand-ins for all four services over TLS on loopback, with exact delays, in a process of their own.

They speak the protocols and keep to the times of :mod:`benchmarks.scene`: Riva's recogniser and voice, Triton's
language model, Audio2Face. The recogniser hears nothing; it knows how long the question is, and counts from its first
loud sample. All of them serve any number of callers at once.

    python -m benchmarks.lab --tls FOLDER [--cpu N] [--host ADDRESS]

It prints its ports as JSON, and ends with its standard input.
"""
# ruff: noqa: N802 - the methods' names are the protocols'

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import uvloop
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc, riva_tts_pb2, riva_tts_pb2_grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from aurora.names import PASCAL_CASE
from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import add_A2FControllerServiceServicer_to_server
from benchmarks.scene import DELAYS, SECONDS_A_WORD, TOKENS, speech
from nova.tensors import raw_bytes
from pipelines.simulation.paced import FRAMES_PER_SECOND, tone
from sophia.audio import EAR_RATE

QUESTION = "where is my order"
LOUD = 100
"""No sample of the room is as loud, and the question is from its first few milliseconds on."""

SECOND_PASS = 0.26
"""Seconds from Riva's stable partial to its final, with 500 and 240 ms of blanks for them."""

PLACES = ("speech", "llm", "face")
"""Recogniser and voice are one server, as Riva's are; the others have their own, so each has a connection."""

BYTES, BOOL = 13, 1


class Lab(
    riva_asr_pb2_grpc.RivaSpeechRecognitionServicer,  # type: ignore[misc]
    riva_tts_pb2_grpc.RivaSpeechSynthesisServicer,  # type: ignore[misc]
    pb_grpc.GRPCInferenceServiceServicer,  # type: ignore[misc]
):
    """All four services."""

    # Ears

    async def GetRivaSpeechRecognitionConfig(self, request: Any, context: Any) -> Any:
        answer = riva_asr_pb2.RivaSpeechRecognitionConfigResponse()
        answer.model_config.add(model_name="simulated").parameters["language_code"] = "en-US"
        return answer

    async def StreamingRecognize(self, requests: Any, context: Any) -> None:
        """Interims while the question is said, then a stable partial :attr:`Delays.final` after its last sample.

        The final comes :data:`SECOND_PASS` later, as from Riva's second pass.
        """
        loop = asyncio.get_running_loop()
        said, words = speech(), QUESTION.split()
        before = int(np.argmax(np.abs(said) > LOUD))  # samples of it that are too soft to notice
        begin, samples, told, ringing = -1, 0, 0, False  # ringing: a codec lets the last question end softly
        answers: set[asyncio.Task[None]] = set()

        async def answer(due: float, text: str, processed: float, **result: Any) -> None:
            await asyncio.sleep(due - loop.time())
            response = riva_asr_pb2.StreamingRecognizeResponse()
            found = response.results.add(audio_processed=processed, **result)
            found.alternatives.add(transcript=text, confidence=0.9)
            with suppress(Exception):  # whoever listened has hung up
                await context.write(response)

        def tell(seconds: float, text: str, **result: Any) -> None:
            task = asyncio.create_task(answer(loop.time() + seconds, text, samples / EAR_RATE, **result))
            answers.add(task)
            task.add_done_callback(answers.discard)

        while (request := await context.read()) is not grpc.aio.EOF:
            pcm = np.frombuffer(request.audio_content, np.int16)
            if begin < 0:
                loud = np.flatnonzero(np.abs(pcm) > LOUD)
                ringing = ringing and len(loud) > 0
                if len(loud) and not ringing:
                    begin, told = samples + int(loud[0]) - before, 0
            samples += len(pcm)
            if begin < 0:
                continue
            if samples >= begin + len(said):
                tell(DELAYS.final, QUESTION, stability=1.0)
                tell(DELAYS.final + SECOND_PASS, QUESTION, is_final=True)
                begin, ringing = -1, True
            elif samples >= begin + (told + 1) * len(said) // len(words):
                told += 1
                tell(DELAYS.final, " ".join(words[:told]), stability=0.5)
        for task in list(answers):
            await task

    # Mind

    async def ServerReady(self, request: Any, context: Any) -> Any:
        return pb.ServerReadyResponse(ready=True)

    async def ModelConfig(self, request: Any, context: Any) -> Any:
        answer = pb.ModelConfigResponse()
        config = answer.config
        config.name = "nova"
        config.model_transaction_policy.decoupled = True
        for name, kind in (("text_input", BYTES), ("stream", BOOL), ("sampling_parameters", BYTES)):
            config.input.add(name=name, data_type=kind)
        config.output.add(name="text_output", data_type=BYTES)
        return answer

    async def ModelStreamInfer(self, requests: AsyncIterator[Any], context: Any) -> None:
        loop = asyncio.get_running_loop()

        async def reply(name: str, due: float) -> None:
            for number, token in enumerate(TOKENS):
                await asyncio.sleep(due - loop.time())
                answer = pb.ModelInferResponse(model_name="nova", id=name)
                answer.outputs.add(name="text_output", datatype="BYTES", shape=[1])
                answer.raw_output_contents.append(raw_bytes([token.encode()]))
                answer.parameters["triton_final_response"].bool_param = number == len(TOKENS) - 1
                await context.write(pb.ModelStreamInferResponse(infer_response=answer))
                due += DELAYS.token

        async with asyncio.TaskGroup() as replies:
            while (request := await context.read()) is not grpc.aio.EOF:
                replies.create_task(reply(request.id, loop.time() + DELAYS.first_token))

    # Voice

    async def SynthesizeOnline(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        due = loop.time() + DELAYS.first_sound
        rate, text = 22_050, ""
        async for request in requests:
            rate = request.sample_rate_hz or rate
            text += request.text
        sound = tone(rate, len(text.split()) * SECONDS_A_WORD)
        piece = round(DELAYS.piece * rate)
        for start in range(0, len(sound), piece):
            await asyncio.sleep(due - loop.time())
            yield riva_tts_pb2.SynthesizeSpeechResponse(audio=sound[start : start + piece].tobytes())
            due += DELAYS.piece / DELAYS.speed

    # Face

    async def ProcessAudioStream(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        """Names, then frames as the sound comes, each with its sound, as the real service sends them."""
        named = wire.SkelAnimationHeader(blend_shapes=PASCAL_CASE)
        yield wire.AnimationDataStream(
            animation_data_stream_header=wire.AnimationDataStreamHeader(skel_animation_header=named)
        )
        sound, rate, frames = b"", 1, 0
        async for message in requests:
            part = message.WhichOneof("stream_part")
            if part == "audio_stream_header":
                rate = message.audio_stream_header.audio_header.samples_per_second
            elif part == "audio_with_emotion":
                if not sound:
                    await asyncio.sleep(DELAYS.face)
                sound += message.audio_with_emotion.audio_buffer
                while frames * rate < len(sound) // 2 * FRAMES_PER_SECOND:
                    yield _frame(frames, sound, rate)
                    frames += 1
            elif part == "end_of_audio":
                break
        yield wire.AnimationDataStream(status=wire.Status(code=wire.Status.SUCCESS))


def _frame(number: int, sound: bytes, rate: int) -> Any:
    time, samples = number / FRAMES_PER_SECOND, rate // FRAMES_PER_SECOND
    values = [0.2 + number % 3 / 10] * len(PASCAL_CASE)
    weights = [wire.FloatArrayWithTimeCode(time_code=time, values=values)]
    piece = sound[2 * number * samples : 2 * (number + 1) * samples]
    data = wire.AnimationData(
        skel_animation=wire.SkelAnimation(blend_shape_weights=weights),
        audio=wire.AudioWithTimeCode(time_code=time, audio_buffer=piece),
    )
    return wire.AnimationDataStream(animation_data=data)


async def serve(folder: Path, host: str) -> None:
    """Serves on ``host`` with the server's identity in ``folder`` until standard input ends."""
    lab = Lab()
    server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 1000)])
    riva_asr_pb2_grpc.add_RivaSpeechRecognitionServicer_to_server(lab, server)
    riva_tts_pb2_grpc.add_RivaSpeechSynthesisServicer_to_server(lab, server)
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(lab, server)
    add_A2FControllerServiceServicer_to_server(lab, server)
    pair = (folder / "server.key").read_bytes(), (folder / "server.crt").read_bytes()
    credentials = grpc.ssl_server_credentials([pair])
    ports = {place: server.add_secure_port(f"{host}:0", credentials) for place in PLACES}
    await server.start()
    gc.freeze()
    print(json.dumps(ports), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    await server.stop(0)


@asynccontextmanager
async def running(folder: Path, cpu: int | None = None) -> AsyncIterator[dict[str, int]]:
    """A lab in a process of its own, on processor ``cpu`` if given; the ports of :data:`PLACES` are the result."""
    command = [sys.executable, "-m", "benchmarks.lab", "--tls", str(folder)]
    command += [] if cpu is None else ["--cpu", str(cpu)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tls", type=Path, required=True, help="folder with server.crt and server.key")
    parser.add_argument("--cpu", type=int, help="processor to run on (default: any)")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: %(default)s)")
    args = parser.parse_args()
    if args.cpu is not None:
        os.sched_setaffinity(0, {args.cpu})
    uvloop.run(serve(args.tls, args.host))


if __name__ == "__main__":
    main()
