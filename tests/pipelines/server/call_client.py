"""A client over WebRTC: a microphone that is open all the time, a loudspeaker that is measured, and events."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager
from fractions import Fraction

import numpy as np
import pytest
import soxr
from wire_rules import Rules

aiortc = pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
av = pytest.importorskip("av")

from pipelines.server.aiortc_seams import offer_only  # noqa: E402 - needs the extra

RATE = 48_000
BLOCK = 960


class Microphone(aiortc.MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.voice = deque()
        self._loop = asyncio.get_running_loop()
        self._due, self._at = self._loop.time(), 0

    async def recv(self):
        self._due += 0.02
        await asyncio.sleep(self._due - self._loop.time())
        pcm = self.voice.popleft() if self.voice else np.zeros(BLOCK, np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(pcm, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, Fraction(1, RATE)
        self._at += BLOCK
        return frame


class CallClient:
    """One call; ``events`` is what came, judged as it comes, and ``heard`` her sound: (loop time, level)."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.events, self.heard, self.rules = [], [], Rules()
        self.microphone = Microphone()
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.connection.addTrack(self.microphone)
        self.channel = self.connection.createDataChannel("oai-events")
        self.channel.on("message", self._take)
        self.channel.on("close", self._end)
        self.connection.on("track", self._listen)
        self.ended, self.wrong = False, None
        self._news = asyncio.Event()
        self._listening = None

    async def offer(self):
        """On the loopback alone, so that a machine without a network will do."""
        offer_only(self.connection.sctp.transport, ["127.0.0.1"])
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answer(self, text):
        await self.connection.setRemoteDescription(aiortc.RTCSessionDescription(text, "answer"))

    def say(self, kind, **fields):
        self.channel.send(json.dumps({"type": kind, **fields}))

    def write(self, text):
        content = [{"type": "input_text", "text": text}]
        self.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.say("response.create")

    def speak(self, pcm):
        """Says a sound of 16 kHz behind what was said before."""
        sound = soxr.resample(pcm, 16_000, RATE).astype(np.int16)
        whole = np.concatenate((sound, np.zeros(-len(sound) % BLOCK, np.int16)))
        self.microphone.voice.extend(whole.reshape(-1, BLOCK))

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    async def wait(self, kind, count=1, seconds=20.0):
        """The ``count``-th event of a kind, as soon as it is there."""
        await self.until(lambda: len(self.of(kind)) >= count, seconds)
        return self.of(kind)[count - 1]

    async def until(self, true, seconds=20.0):
        async with asyncio.timeout(seconds):
            while not true():
                assert not self.ended, f"the call is over: {self.events[-1:]}"
                if self.wrong:
                    raise self.wrong
                self._news.clear()
                await self._news.wait()

    async def over(self, seconds=20.0):
        async with asyncio.timeout(seconds):
            while not self.ended:
                self._news.clear()
                await self._news.wait()

    def loud(self, until=float("inf")):
        """Seconds of her sound that could be heard."""
        return sum(0.02 for time, level in self.heard if time < until and level > 300)

    async def close(self):
        await self.connection.close()
        if self._listening:
            await asyncio.wait([self._listening])

    def _take(self, text):
        event = json.loads(text)
        self.events.append({**event, "_at": self.loop.time()})
        try:
            self.rules.event(event)
        except Exception as error:  # a library calls this, and would swallow it
            self.wrong = self.wrong or error
        self._news.set()

    def _end(self):
        self.ended = True
        self._news.set()

    def _listen(self, track):
        async def hear():
            try:
                while True:
                    frame = await track.recv()
                    self.heard.append((self.loop.time(), int(np.abs(frame.to_ndarray().astype(int)).max())))
                    self._news.set()
            except aiortc.mediastreams.MediaStreamError:
                return

        self._listening = asyncio.create_task(hear())


@asynccontextmanager
async def calling(session, url, *, headers=None, query=""):
    """An open call, hung up at the end."""
    one = CallClient()
    try:
        offer = await one.offer()
        given = {"Content-Type": "application/sdp", **(headers or {})}
        async with session.post(f"{url}/v1/realtime/calls{query}", data=offer, headers=given) as answer:
            text = await answer.text()
            assert answer.status == 201, text
            one.address = answer.headers["Location"]
        await one.answer(text)
        await one.wait("session.created")
        yield one
    finally:
        await one.close()
