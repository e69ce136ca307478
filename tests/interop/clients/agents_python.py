"""openai-agents (Python): RealtimeRunner and its session, with the session's own history and interruption."""

import asyncio
from contextlib import suppress

from agents.realtime import RealtimeAgent, RealtimeRunner
from scene import KEY, RATE, SOCKET, News, Voice, ask, saw


class Conversation:
    """What one session of the library told."""

    def __init__(self, session):
        self.session = session
        self.voice = Voice()
        self.news = News()
        self.raw = []
        self.audio = self.interrupted = 0
        self.history = []
        self.lost = False

    def of(self, kind):
        return [event for event in self.raw if event.get("type") == kind]

    async def listen(self):
        with suppress(Exception):
            async for event in self.session:
                self.take(event)
                self.news.tell()
        self.lost = True
        self.news.tell()

    def take(self, event):
        match event.type:
            case "raw_model_event" if event.data.type == "raw_server_event":
                self.raw.append(event.data.data)
                if event.data.data["type"] == "error":
                    saw("error", code=event.data.data["error"].get("code"))
            case "raw_model_event" if event.data.type == "connection_status":
                self.lost = event.data.status == "disconnected"
            case "raw_model_event" if event.data.type == "exception":
                self.lost = True
            case "audio":
                self.audio += len(event.audio.data)
            case "audio_interrupted":
                self.interrupted += 1
            case "history_updated":
                self.history = event.history
            case "history_added":
                self.history = [*[i for i in self.history if i.item_id != event.item.item_id], event.item]
            case "error":
                saw("invalid", error=str(event.error)[:300])

    async def speak(self):
        with suppress(Exception):
            async for frame in self.voice.frames():
                await self.session.send_audio(frame)

    async def count(self, kind, number):
        await self.news.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    def last(self, role):
        found = [item for item in self.history if getattr(item, "role", None) == role]
        return found[-1] if found else None

    async def turn(self, words, number):
        before = self.audio
        await ask("hear", words=words)
        self.voice.say("question")
        done = (await self.count("response.done", number))["response"]
        item = done["output"][0]["id"]
        await self.news.until(lambda: text(self.last("user")) == words)
        await self.news.until(lambda: text(self.last("assistant")) and self.last("assistant").status == "completed")
        deltas = [e["delta"] for e in self.of("response.output_audio_transcript.delta") if e["item_id"] == item]
        saw(
            "turn",
            user=text(self.last("user")),
            agent=text(self.last("assistant")),
            deltas="".join(deltas),
            seconds=(self.audio - before) / 2 / RATE,
            status=self.last("assistant").status,
        )


def text(item):
    parts = item.content if item else []
    return "".join(getattr(part, "transcript", None) or getattr(part, "text", None) or "" for part in parts)


def opened():
    runner = RealtimeRunner(starting_agent=RealtimeAgent(name="Sophia", instructions="Answer shortly."))
    return runner.run(model_config={"api_key": KEY, "url": f"{SOCKET}?model=sophia"})


async def main():
    async with await opened() as session, asyncio.TaskGroup() as group:
        one = Conversation(session)
        tasks = [group.create_task(one.listen()), group.create_task(one.speak())]
        await one.count("session.updated", 1)
        await one.turn("where is my order", 1)
        await one.turn("and where is the other one", 2)

        await ask("hear", words="where is my order")
        one.voice.say("question")
        await one.count("response.output_item.added", 3)
        played = len(one.of("response.output_audio.delta"))
        starts = len(one.of("input_audio_buffer.speech_started")) + one.interrupted
        await one.count("response.output_audio.delta", played + 2)
        await ask("hear", words="mhm")
        one.voice.say("backchannel")
        done = (await one.count("response.done", 3))["response"]
        starts = len(one.of("input_audio_buffer.speech_started")) + one.interrupted - starts
        saw("backchannel", status=done["status"], starts=starts)

        await ask("hear", words="where is my order")
        one.voice.say("question")
        item = (await one.count("response.output_item.added", 4))["item"]["id"]

        def cut():
            return next((i for i in one.history if i.item_id == item and i.status == "incomplete"), None)

        await one.news.until(lambda: sum(e["item_id"] == item for e in one.of("response.output_audio.delta")) >= 8)
        await ask("hear", words="no stop that please")
        one.voice.say("question")
        done = (await one.count("response.done", 4))["response"]
        await one.news.until(lambda: cut() is not None)
        await one.count("response.done", 5)
        reason = done["status_details"]["reason"]  # and what the library itself says was heard
        saw("interruption", status=done["status"], reason=reason, heard=text(cut()), item=cut().status)

        await session.interrupt()
        await one.turn("where is my order", 6)

        await ask("kill")
        await one.news.until(lambda: one.lost, 2.0)
        for task in tasks:
            task.cancel()
    await ask("restart")
    async with await opened() as session:
        async for event in session:
            if event.type == "raw_model_event" and event.data.type == "raw_server_event":
                saw("again", first=event.data.data["type"])
                break


asyncio.run(main())
