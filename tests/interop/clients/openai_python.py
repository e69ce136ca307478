"""openai-python: ``client.realtime.connect()``, with the events as the library gives them. It records them all."""

import asyncio
import base64
from contextlib import suppress

from openai import AsyncOpenAI
from scene import KEY, RATE, SOUNDS, URL, News, Voice, ask, encoded, saw
from websockets.exceptions import ConnectionClosed


class Session:
    """What happened in one connection."""

    def __init__(self, connection):
        self.connection = connection
        self.voice = Voice()
        self.news = News()
        self.events = []
        self.lost = False

    def of(self, kind):
        return [event for event in self.events if event.type == kind]

    async def listen(self):
        try:
            await self.take()
        except ConnectionClosed:
            self.lost = True
            self.news.tell()

    async def take(self):
        while True:
            data = await self.connection.recv_bytes()
            with (SOUNDS / "events.jsonl").open("ab") as record:
                record.write(data + b"\n")
            event = self.connection.parse_event(data)
            self.events.append(event)
            if event.type == "response.output_audio.delta":
                event.delta = len(base64.b64decode(event.delta))
            if event.type == "error":
                saw("error", code=event.error.code, message=event.error.message)
            self.news.tell()

    async def speak(self):
        with suppress(ConnectionClosed):
            async for frame in self.voice.frames():
                await self.connection.input_audio_buffer.append(audio=encoded(frame))

    async def count(self, kind, number):
        await self.news.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    async def turn(self, words, number):
        """Asks by voice; tells of the answer."""
        await ask("hear", words=words)
        self.voice.say("question")
        done = (await self.count("response.done", number)).response
        heard = self.of("conversation.item.input_audio_transcription.completed")[-1].transcript
        item = done.output[0]
        sound = sum(e.delta for e in self.of("response.output_audio.delta") if e.item_id == item.id) / 2 / RATE
        deltas = "".join(e.delta for e in self.of("response.output_audio_transcript.delta") if e.item_id == item.id)
        said = item.content[0].transcript
        saw("turn", user=heard, agent=said, deltas=deltas, seconds=sound, status=done.status)


async def main():
    client = AsyncOpenAI(base_url=URL, api_key=KEY)
    async with client.realtime.connect(model="sophia") as connection, asyncio.TaskGroup() as group:
        one = Session(connection)
        tasks = [group.create_task(one.listen()), group.create_task(one.speak())]
        await connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}
        )
        await one.count("session.updated", 1)
        await one.turn("where is my order", 1)
        await one.turn("and where is the other one", 2)

        # An "mhm" while she speaks.
        await ask("hear", words="where is my order")
        one.voice.say("question")
        await one.count("response.created", 3)
        item = (await one.count("response.output_item.added", 3)).item.id
        await one.news.until(lambda: any(e.item_id == item for e in one.of("response.output_audio.delta")))
        started = len(one.of("input_audio_buffer.speech_started"))
        await ask("hear", words="mhm")
        one.voice.say("backchannel")
        done = (await one.count("response.done", 3)).response
        saw("backchannel", status=done.status, starts=len(one.of("input_audio_buffer.speech_started")) - started)

        # Words that take the floor. The library leaves truncating to its user: what was sent, and heard in real time.
        await ask("hear", words="where is my order")
        one.voice.say("question")
        item = (await one.count("response.output_item.added", 4)).item.id
        await one.news.until(lambda: sum(e.item_id == item for e in one.of("response.output_audio.delta")) >= 8)
        await ask("hear", words="no stop that please")
        one.voice.say("question")
        done = (await one.count("response.done", 4)).response
        await connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=400)
        await one.count("conversation.item.truncated", 2)
        await connection.conversation.item.retrieve(item_id=item)
        kept = (await one.count("conversation.item.retrieved", 1)).item
        heard = kept.content[0].transcript
        saw("interruption", status=done.status, reason=done.status_details.reason, heard=heard, item=kept.status)
        await one.count("response.done", 5)

        await connection.response.cancel()
        await one.count("error", 1)
        await one.turn("where is my order", 6)

        await ask("kill")
        await one.news.until(lambda: one.lost, 2.0)
        for task in tasks:
            task.cancel()
    await ask("restart")
    async with client.realtime.connect(model="sophia") as connection:
        saw("again", first=(await connection.recv()).type)


if __name__ == "__main__":
    asyncio.run(main())
