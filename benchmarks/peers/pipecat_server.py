"""Pipecat behind a WebSocket, as its documentation has it; run by the Python of its own environment.

All is as it comes: Silero, Smart Turn, OpenAI's three services at ``--lab``. The serializer is the least there can be:
a message is 16-bit samples, 16 kHz in and 24 kHz out.
"""

from __future__ import annotations

import argparse

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner


class Samples(FrameSerializer):
    """Samples, and nothing else."""

    async def serialize(self, frame: Frame) -> bytes | None:
        return frame.audio if isinstance(frame, OutputAudioRawFrame) else None

    async def deserialize(self, data: bytes | str) -> Frame | None:
        return InputAudioRawFrame(audio=data, sample_rate=16_000, num_channels=1) if isinstance(data, bytes) else None


def app(lab: str) -> FastAPI:
    """Talks to everybody who connects."""
    served = FastAPI()

    @served.websocket("/")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        params = FastAPIWebsocketParams(serializer=Samples(), audio_in_enabled=True, audio_out_enabled=True)
        transport = FastAPIWebsocketTransport(socket, params)
        key = {"api_key": "none", "base_url": lab}
        aggregators = LLMContextAggregatorPair(
            LLMContext([{"role": "system", "content": "You are Nova."}]),
            user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer()),
        )
        stages = [
            transport.input(),
            OpenAISTTService(**key),
            aggregators.user(),
            OpenAILLMService(**key, settings=OpenAILLMService.Settings(model="simulated")),
            OpenAITTSService(**key),
            transport.output(),
            aggregators.assistant(),
        ]
        rates = PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000)
        worker = PipelineWorker(Pipeline(stages), params=rates)

        @transport.event_handler("on_client_disconnected")
        async def gone(transport: object, socket: object) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()

    return served


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lab", required=True)
    args = parser.parse_args()
    logger.remove()
    uvicorn.run(app(args.lab), host="127.0.0.1", port=args.port, log_level="error", loop="uvloop")
