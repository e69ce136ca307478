"""pipecat: OpenAIRealtimeLLMService in a pipeline, between the aggregators of its context and a speaker.

The service keeps statuses to itself, so what it parses is noted on the way. What was said is what its context has.
"""

import asyncio
import sys
from contextlib import suppress

from loguru import logger
from pipecat.frames.frames import BotStoppedSpeakingFrame, InputAudioRawFrame, LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner
from scene import KEY, RATE, SOCKET, News, Voice, ask, saw

logger.remove()
logger.add(sys.stderr, level="DEBUG")


class Speaker(BaseOutputTransport):
    """Plays in real time, and counts."""

    def __init__(self, told):
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=RATE))
        self.bytes = self.stops = 0
        self._due = 0.0
        self._told = told

    async def start(self, frame):
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame):
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now) + len(frame.audio) / 2 / RATE
        self.bytes += len(frame.audio)
        await asyncio.sleep(self._due - now)
        return True

    async def push_frame(self, frame, *more):
        if isinstance(frame, BotStoppedSpeakingFrame) and not more:
            self.stops += 1
        await super().push_frame(frame, *more)
        self._told()


class Call:
    """The pipeline, and what the service was told."""

    def __init__(self):
        self.news = News()
        self.voice = Voice()
        self.events = []
        self.context = LLMContext([{"role": "user", "content": "Say hello."}])
        self.service = OpenAIRealtimeLLMService(
            api_key=KEY,
            base_url=SOCKET,
            settings=OpenAIRealtimeLLMService.Settings(model="sophia", system_instruction="Answer shortly."),
        )
        self.speaker = Speaker(self.news.tell)
        user, assistant = LLMContextAggregatorPair(self.context)
        self.worker = PipelineWorker(
            Pipeline([user, self.service, self.speaker, assistant]),
            params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
            idle_timeout_secs=None,
        )
        parse = events.parse_server_event

        def noted(text):
            try:
                event = parse(text)
            except Exception as error:
                saw("invalid", error=str(error)[:300])
                raise
            if event:
                self.events.append(event)
                if event.type == "error":
                    saw("error", code=event.error.code, message=event.error.message)
                self.news.tell()
            return event

        events.parse_server_event = noted

    def of(self, kind):
        return [event for event in self.events if event.type == kind]

    async def count(self, kind, number):
        await self.news.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    async def speak(self):
        async for frame in self.voice.frames():
            await self.worker.queue_frame(InputAudioRawFrame(audio=frame, sample_rate=RATE, num_channels=1))

    def said(self, role):
        """All messages of a role in the context."""
        return [m["content"] for m in self.context.get_messages() if m["role"] == role and m.get("content")]

    async def turn(self, words, number):
        before, stops, answers = self.speaker.bytes, self.speaker.stops, len(self.said("assistant"))
        await ask("hear", words=words)
        self.voice.say("question")
        done = (await self.count("response.done", number)).response
        await self.news.until(lambda: self.speaker.stops > stops and len(self.said("assistant")) > answers)
        item = done.output[0]
        deltas = "".join(e.delta for e in self.of("response.output_audio_transcript.delta") if e.item_id == item.id)
        saw(
            "turn",
            user=self.said("user")[-1],
            agent=self.said("assistant")[-1],
            deltas=deltas,
            seconds=(self.speaker.bytes - before) / 2 / RATE,
            status=done.status,
        )

    async def asks(self, words, number):
        """Asks by voice; returns the reply's item when the speaker has a second of it."""
        await ask("hear", words=words)
        before = self.speaker.bytes
        self.voice.say("question")
        item = (await self.count("response.output_item.added", number)).item
        await self.news.until(lambda: self.speaker.bytes - before > RATE)
        return item


async def main():
    one = Call()
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(one.worker)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        speaking = group.create_task(one.speak())
        await one.count("session.updated", 1)
        await one.worker.queue_frame(LLMRunFrame())  # she begins, as in the library's own examples
        await one.count("response.done", 1)
        await one.news.until(lambda: one.said("assistant"))
        await one.turn("where is my order", 2)
        await one.turn("and where is the other one", 3)

        await one.asks("where is my order", 4)
        starts = len(one.of("input_audio_buffer.speech_started"))
        await ask("hear", words="mhm")
        one.voice.say("backchannel")
        done = (await one.count("response.done", 4)).response
        saw("backchannel", status=done.status, starts=len(one.of("input_audio_buffer.speech_started")) - starts)
        await one.news.until(lambda: len(one.said("assistant")) == 4)

        item = await one.asks("where is my order", 5)
        await ask("hear", words="no stop that please")
        one.voice.say("question")
        done = (await one.count("response.done", 5)).response
        await one.news.until(lambda: sum(e.item_id == item.id for e in one.of("conversation.item.truncated")) == 2)
        kept = await one.service.retrieve_conversation_item(item.id)
        await one.news.until(lambda: len(one.said("assistant")) >= 5)
        saw(
            "interruption",
            status=done.status,
            reason=done.status_details["reason"],
            heard=one.said("assistant")[4],
            item=kept.status,
            server=kept.content[0].transcript,
            cuts_ms=[e.audio_end_ms for e in one.of("conversation.item.truncated") if e.item_id == item.id],
        )
        await one.count("response.done", 6)
        await one.news.until(lambda: len(one.said("assistant")) >= 6)

        await one.service.send_client_event(events.ResponseCancelEvent())
        await one.count("error", 1)
        await one.turn("where is my order", 7)

        speaking.cancel()
        await ask("kill")
        await ask("restart")
        before = len(one.events)
        await one.service.reset_conversation()
        await one.news.until(lambda: len(one.events) > before)
        saw("again", first=one.events[before].type)
        with suppress(asyncio.CancelledError):
            await runner.cancel()
        running.cancel()


asyncio.run(main())
