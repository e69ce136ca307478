"""pipecat with a function: its service runs it, puts the result into its context and asks for the answer by itself."""

import asyncio
import sys
from contextlib import suppress

from loguru import logger
from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import InputAudioRawFrame, LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner
from scene import KEY, RATE, SOCKET, TOOL, News, Voice, saw

logger.remove()
logger.add(sys.stderr, level="DEBUG")


async def order_status(params):
    number = params.arguments["number"]
    saw("called", number=number)
    await params.result_callback(f"order {number} is on its way")


async def main():
    news, voice, done, parse = News(), Voice(), [], events.parse_server_event
    updated = []

    def noted(text):
        try:
            event = parse(text)
        except Exception as error:
            saw("invalid", error=str(error)[:300])
            raise
        if event and event.type == "error":
            saw("error", code=event.error.code, message=event.error.message)
        if event and event.type == "response.done":
            done.append(event.response)
        if event and event.type == "session.updated":
            updated.append(event)
        news.tell()
        return event

    events.parse_server_event = noted
    schema = TOOL["parameters"]
    function = FunctionSchema(TOOL["name"], TOOL["description"], schema["properties"], schema["required"])
    context = LLMContext([], tools=ToolsSchema(standard_tools=[function]))
    service = OpenAIRealtimeLLMService(
        api_key=KEY,
        base_url=SOCKET,
        settings=OpenAIRealtimeLLMService.Settings(model="sophia", system_instruction="Answer shortly."),
    )
    service.register_function("order_status", order_status)
    user, assistant = LLMContextAggregatorPair(context)
    worker = PipelineWorker(
        Pipeline([user, service, assistant]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        idle_timeout_secs=None,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    async def speak():
        async for frame in voice.frames():
            await worker.queue_frame(InputAudioRawFrame(audio=frame, sample_rate=RATE, num_channels=1))

    async with asyncio.TaskGroup() as group:
        running, speaking = group.create_task(runner.run()), group.create_task(speak())
        await news.until(lambda: updated)
        await worker.queue_frame(LLMRunFrame())  # takes the context, and its tools with it
        await news.until(lambda: len(done) >= 2)
        for response in done:
            saw("response", status=response.status, output=[item.type for item in response.output])
        saw("answer", text=done[-1].output[0].content[0].transcript)
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await runner.cancel()
        running.cancel()


asyncio.run(main())
