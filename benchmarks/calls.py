"""Callers over WebRTC, for :mod:`benchmarks.remote`; needs the extra ``webrtc``.

Each has a peer connection as a browser has. Its first audible sample is dated when its packet has come: the jitter
buffer of a browser would add 40 to 100 ms.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
from aiohttp import ClientSession
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from benchmarks.scene import above_ideal, period, phase, script, speech, user
from benchmarks.wires import BEFORE
from pipelines.server.aiortc_seams import hear_by
from pipelines.server.opus import TICKS, OpusVoice
from pipelines.server.peer import Ear, Spoken
from sophia.audio import EAR_RATE, Pcm
from sophia.playout import AUDIBLE

LOOKED_AHEAD = 0.008
"""Seconds before the end of a packet, after which nothing is in it: Opus looks 6.5 ms ahead, and the ears' filter 1 ms.

So long before a packet's end a question ends here. What follows it would wait for the next packet.
"""

NEXT_REPLY = 1.0
"""Seconds of silence after which what can be heard is another reply."""


async def callers(client: ClientSession, address: str, count: int, seconds: float) -> list[tuple[list[float], int]]:
    """What all of them found, each as :meth:`Caller.talk` has it; prints ``here`` when they are there."""
    calls = [Caller() for _ in range(count)]
    for one in calls:
        await one.open(client, address)
    print("here", flush=True)
    return await asyncio.gather(*(one.talk(index, count, seconds) for index, one in enumerate(calls)))


class Caller:
    """One of them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._microphone = Spoken()
        self._voice = OpusVoice(EAR_RATE, self._microphone.give)
        self._heard: list[float] = []
        self._last = 0.0
        self._cut_off = 0
        self._opened = asyncio.Event()

    async def open(self, client: ClientSession, address: str) -> None:
        """Calls, and waits until the server says that it hears."""
        self._connection.addTrack(self._microphone)
        channel = self._connection.createDataChannel("oai-events")
        channel.on("message", self._told)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        for receiver in self._connection.getReceivers():
            hear_by(receiver, Ear(self._hear))
        offer, kind = self._connection.localDescription.sdp, {"Content-Type": "application/sdp"}
        async with client.post(f"{address}v1/realtime/calls", data=offer, headers=kind) as answer:
            text = await answer.text()
            if answer.status != 201:
                raise SystemExit(text)
        await self._connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        async with asyncio.timeout(20):
            await self._opened.wait()

    async def talk(self, index: int, count: int, seconds: float) -> tuple[list[float], int]:
        """Talks for so many seconds; what each turn took above the ideal, and how many of hers were cut off."""
        every, pcm = period(speech()), speech()
        turns = int((seconds + BEFORE + 4) / every) + 1
        said = script(turns, every, 0, pcm, every * index / count, early=LOOKED_AHEAD)
        caller = user(said, seconds + BEFORE, phase=phase(index))
        async for frame in caller.frames():
            self._voice.take(frame.pcm)
        await self._connection.close()
        return above_ideal(caller, said, self._heard), self._cut_off

    def _hear(self, pcm: Pcm, rate: int) -> None:
        if not (loud := np.flatnonzero(np.abs(pcm.astype(int)) >= AUDIBLE)).size:
            return
        now = self._loop.time()
        if now - self._last > NEXT_REPLY:  # the packet is the end of it; before that stands the silence since the last
            self._heard.append(now + (int(loud[0]) - len(pcm) + TICKS) / rate)
        self._last = now

    def _told(self, text: Any) -> None:
        event = json.loads(text)
        if event["type"] == "session.created":
            self._opened.set()
        elif event["type"] == "response.done":
            self._cut_off += event["response"]["status"] == "cancelled"
