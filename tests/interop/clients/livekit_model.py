"""livekit-plugins-openai: RealtimeModel and its session, without a room or a worker. It reconnects by itself.

It leaves playing to its user, and so what was heard: the script interrupts and truncates, as its AgentSession does.
"""

import asyncio
import logging
import ssl
from contextlib import suppress

import aiohttp
from livekit import rtc
from livekit.plugins.openai.realtime import RealtimeModel
from scene import KEY, RATE, URL, News, Voice, ask, saw

logging.basicConfig(level=logging.DEBUG)


class Call:
    """What one session of the library told."""

    def __init__(self, model):
        self.session = model.session()
        self.voice = Voice()
        self.news = News()
        self.events = []
        self.generations = []
        self.transcripts = []
        self.reconnected = self.lost = False
        self.tasks = set()
        on = self.session.on
        on("openai_server_event_received", self.event)
        on("generation_created", self.generation)
        on("input_audio_transcription_completed", self.transcribed)
        on("input_speech_started", lambda event: self.session.interrupt())
        on("session_reconnected", self.back)
        on("error", self.error)

    def event(self, event):
        if event["type"] == "error":
            saw("error", code=event["error"].get("code"), message=event["error"]["message"])
        self.events.append(dict(event))
        self.news.tell()

    def generation(self, generation):
        told = {"id": generation.response_id, "text": "", "bytes": 0, "calls": [], "done": False}
        self.generations.append(told)
        task = asyncio.create_task(self.drain(generation, told))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def drain(self, generation, told):
        async for message in generation.message_stream:
            told["item"] = message.message_id

            async def text(message=message):
                async for part in message.text_stream:
                    told["text"] += str(part)
                    self.news.tell()

            async def sound(message=message):
                async for frame in message.audio_stream:
                    told["bytes"] += len(bytes(frame.data))
                    self.news.tell()

            await asyncio.gather(text(), sound())
        async for call in generation.function_stream:
            told["calls"].append(call)
        told["done"] = True
        self.news.tell()

    def transcribed(self, event):
        if event.is_final:
            self.transcripts.append(event.transcript)
            self.news.tell()

    def back(self, event):
        self.reconnected = True
        self.news.tell()

    def error(self, event):
        self.lost = self.lost or (isinstance(event.error, Exception) and "closed unexpectedly" in str(event.error))
        self.news.tell()

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    async def count(self, kind, number):
        await self.news.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    async def speak(self):
        async for frame in self.voice.frames():
            self.session.push_audio(rtc.AudioFrame(frame, RATE, 1, len(frame) // 2))

    async def turn(self, words, number):
        await ask("hear", words=words)
        self.voice.say("question")
        done = (await self.count("response.done", number))["response"]
        await self.news.until(lambda: len(self.generations) == number and self.generations[-1]["done"])
        told = self.generations[-1]
        kept = self.session.chat_ctx.get_by_id(told["item"])
        saw(
            "turn",
            user=self.transcripts[-1],
            agent=done["output"][0]["content"][0]["transcript"],
            deltas=told["text"],
            seconds=told["bytes"] / 2 / RATE,
            status=done["status"],
            kept=kept is not None,
        )

    async def asks(self, words, number):
        """Asks by voice; returns the reply when there is a second of it."""
        await ask("hear", words=words)
        self.voice.say("question")
        await self.news.until(lambda: len(self.generations) == number and self.generations[-1]["bytes"] > RATE * 2)
        return self.generations[-1]


async def main():
    verifying = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    async with aiohttp.ClientSession(connector=verifying) as http, asyncio.TaskGroup() as group:
        base = URL.replace("https:", "wss:", 1)
        one = Call(RealtimeModel(base_url=base, api_key=KEY, model="sophia", http_session=http))
        speaking = group.create_task(one.speak())
        await one.count("session.updated", 1)
        await one.turn("where is my order", 1)
        await one.turn("and where is the other one", 2)

        await one.asks("where is my order", 3)
        starts = len(one.of("input_audio_buffer.speech_started"))
        await ask("hear", words="mhm")
        one.voice.say("backchannel")
        done = (await one.count("response.done", 3))["response"]
        saw("backchannel", status=done["status"], starts=len(one.of("input_audio_buffer.speech_started")) - starts)

        reply = await one.asks("where is my order", 4)
        await ask("hear", words="no stop that please")
        one.voice.say("question")
        done = (await one.count("response.done", 4))["response"]
        one.session.truncate(message_id=reply["item"], modalities=["audio"], audio_end_ms=400)
        await one.count("conversation.item.truncated", 2)
        one.session.send_event({"type": "conversation.item.retrieve", "item_id": reply["item"]})
        kept = (await one.count("conversation.item.retrieved", 1))["item"]
        reason = done["status_details"]["reason"]
        heard = kept["content"][0]["transcript"]
        saw("interruption", status=done["status"], reason=reason, heard=heard, item=kept["status"])
        await one.count("response.done", 5)

        errors = len(one.of("error"))
        one.session.send_event({"type": "response.cancel"})
        await one.count("error", errors + 1)
        await one.turn("where is my order", 6)

        before = len(one.events)
        await ask("kill")
        await one.news.until(lambda: one.lost, 5.0)
        await ask("restart")
        await one.news.until(lambda: one.reconnected)
        await one.news.until(lambda: any(e["type"] == "session.updated" for e in one.events[before:]))
        saw("again", first=one.events[before]["type"])

        # It tells of the conversation so far. Each item comes back to it.
        def roles():
            items = [e["item"] for e in one.events[before:] if e["type"] == "conversation.item.done"]
            return [item["role"] for item in items]

        await one.news.until(lambda: roles().count("assistant") >= 3)
        saw("memory", roles=roles())
        speaking.cancel()
        with suppress(Exception):
            await one.session.aclose()


if __name__ == "__main__":
    asyncio.run(main())
