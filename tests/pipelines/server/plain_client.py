"""A client that knows nothing of ours: what comes is judged by OpenAI's types and by the rules, as it comes."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager

from wire_rules import Rules


class PlainClient:
    """One open WebSocket; ``events`` is what came."""

    def __init__(self, socket):
        self.socket = socket
        self.events = []
        self.rules = Rules()
        self._news = asyncio.Event()
        self._ended = False

    async def say(self, kind, **fields):
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def update(self, **session):
        """The whole session after an update."""
        count = len(self.of("session.updated"))
        await self.say("session.update", session={"type": "realtime", **session})
        return (await self.wait("session.updated", count + 1))["session"]

    async def speak(self, data, size, silence):
        """Sends bytes at 20 ms each ``size`` of them, and then silence for ever."""
        loop, sent = asyncio.get_running_loop(), 0
        due = loop.time()
        while True:
            packet, sent = data[sent : sent + size], sent + size
            audio = base64.b64encode(packet.ljust(size, silence)).decode()
            await self.say("input_audio_buffer.append", audio=audio)
            due += 0.02
            await asyncio.sleep(due - loop.time())

    async def write(self, text, **response):
        """A message, and the wish for its answer."""
        content = [{"type": "input_text", "text": text}]
        await self.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await self.say("response.create", **({"response": response} if response else {}))

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    async def wait(self, kind, count=1, seconds=15.0):
        """The ``count``-th event of a kind, as soon as it is there."""
        async with asyncio.timeout(seconds):
            while len(self.of(kind)) < count:
                assert not self._ended, "the connection is gone"
                self._news.clear()
                await self._news.wait()
        return self.of(kind)[count - 1]

    async def run(self):
        try:
            async for message in self.socket:
                event = json.loads(message.data)
                self.events.append(event)
                self.rules.event(event)
                self._news.set()
        finally:
            self._ended = True
            self._news.set()


@asynccontextmanager
async def plain(client, url, query="", *, speaks=None):
    """An open client, closed at the end. ``speaks`` are the arguments of :meth:`PlainClient.speak`."""
    async with client.ws_connect(f"{url}/v1/realtime{query}", headers={"Origin": url}, max_msg_size=0) as socket:
        one = PlainClient(socket)
        work = [asyncio.create_task(one.run())]
        try:
            await one.wait("session.created")
            if speaks:
                work.append(asyncio.create_task(one.speak(*speaks)))
            yield one
        finally:
            for task in work[1:]:
                task.cancel()
            await socket.close()
            await asyncio.wait(work)
            work[0].result()
