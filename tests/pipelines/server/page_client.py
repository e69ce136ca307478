"""A page as the server sees one: speaks a sound file, plays what it is sent, obeys, and tells how far it is."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from contextlib import asynccontextmanager

import numpy as np
from remote import Remote

EXTENSIONS = ["face", "words", "floor", "ledger", "playout", "levels", "notice"]
RATE = 24_000


class PageClient:
    """One page over an open WebSocket; ``events`` is what came, each with the loop's time as ``_at``."""

    def __init__(self, socket, *, reports=True, face=None, headphones=True, microphone=False):
        self.socket = socket
        self.events = []
        self.loop = asyncio.get_running_loop()
        self.remote = Remote(RATE, network=0.0, card=0.02, report=self._report)
        self.face = face or {}
        self.headphones = headphones
        self._reports = reports
        self._microphone = microphone
        self._voice = deque()
        self._news = asyncio.Event()
        self._items = {}
        self._told = asyncio.Queue()

    async def update(self, **sophia):
        wished = {"lead_ms": 100, "headphones": self.headphones, **sophia}
        session = {
            "type": "realtime",
            "extensions": [f"sophia.{name}" for name in EXTENSIONS],
            "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}},
            "sophia": wished,
        }
        await self.say({"type": "session.update", "session": session})

    async def say(self, event):
        await self.socket.send_str(json.dumps(event))

    def speak(self, pcm):
        """Says a sound of 16 kHz as soon as what was said before is over; the microphone is open all the time."""
        whole = np.concatenate((pcm, np.zeros(-len(pcm) % 320, np.int16)))
        self._voice.extend(whole.reshape(-1, 320))

    async def _listen(self):
        due = self.loop.time()
        while True:
            due += 0.02
            await asyncio.sleep(due - self.loop.time())
            frame = self._voice.popleft() if self._voice else np.zeros(320, np.int16)
            audio = base64.b64encode(frame.tobytes()).decode()
            await self.say({"type": "input_audio_buffer.append", "audio": audio})

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    async def wait(self, kind, count=1, seconds=15.0, **fields):
        """The ``count``-th event of a kind with these fields, as soon as it is there."""

        def found():
            return [event for event in self.of(kind) if fields.items() <= event.items()]

        async with asyncio.timeout(seconds):
            while len(found()) < count:
                self._news.clear()
                await self._news.wait()
        return found()[count - 1]

    async def run(self):
        does = [self.remote.run, self._tell, *([self._listen] if self._microphone else [])]
        work = [asyncio.create_task(one()) for one in does]
        try:
            async for message in self.socket:
                self._take(json.loads(message.data))
        finally:
            self._news.set()
            for task in work:
                task.cancel()
            for end in await asyncio.gather(*work, return_exceptions=True):
                assert isinstance(end, asyncio.CancelledError | ConnectionError), end

    def _take(self, event):
        event["_at"] = self.loop.time()
        self.events.append(event)
        match event["type"]:
            case "response.output_audio.delta":
                item = event["item_id"]
                number = self._items.setdefault(item, len(self._items))
                first = round(event["sophia"]["audio_start_ms"] * RATE / 1000)
                pcm = np.frombuffer(base64.b64decode(event["delta"]), np.int16)
                self.remote.send(number, first, pcm)
            case "sophia.playout.pause" | "sophia.playout.clear":
                self.remote.pause()
        self._news.set()

    def _report(self, number, sample, playing):
        item = next(name for name, one in self._items.items() if one == number)
        if self._reports:
            self._told.put_nowait(
                {
                    "type": "sophia.playout.position",
                    "item_id": item,
                    "audio_ms": sample * 1000 / RATE,
                    "playing": playing,
                    "buffered_ms": self.remote.buffered * 1000,
                    "underruns": self.remote.underruns,
                    "face": self.face,
                }
            )

    async def _tell(self):
        while True:
            await self.say(await self._told.get())


async def until(true):
    """Waits for what no event tells."""
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.02)
    assert true(), "it did not come true"


@asynccontextmanager
async def page(client, url, *, path="/v1/realtime", headers=None, ssl=True, update=True, **options):
    """An open page that has said what it wants, and is closed at the end."""
    async with client.ws_connect(url + path, headers=headers or {"Origin": url}, ssl=ssl, max_msg_size=0) as socket:
        one = PageClient(socket, **options)
        running = asyncio.create_task(one.run())
        try:
            await one.wait("session.created")
            if update:
                await one.update()
                await one.wait("session.updated")
            yield one
        finally:
            await socket.close()
            await asyncio.wait([running])
            running.result()
