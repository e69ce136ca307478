"""Twilio's sample of a media stream (speech-assistant-openai-realtime-api-python), and a telephone call to it.

The sample is cloned and run as it is, but for the host that it connects to, which is written into it. Here is Twilio:
it sends the caller's μ-law sound, 160 bytes each 20 ms, plays what it is sent in real time, clears it when told to, and
returns each mark once the sound before it was played.
"""

import asyncio
import base64
import json
import os
import socket
import sys
import types
import wave
from array import array
from collections import deque
from pathlib import Path

import uvicorn
import websockets
from scene import KEY, SOCKET, SOUNDS, News, ask, saw

RATE = 8000
SILENCE = b"\xff" * 160
"""20 ms."""


def mulaw(sample):
    """One int16 sample as G.711 has it."""
    sign, sample = (0x80, -sample) if sample < 0 else (0, sample)
    sample = min(sample, 32_635) + 132
    exponent = sample.bit_length() - 8
    return ~(sign | exponent << 4 | sample >> exponent + 3 & 0x0F) & 0xFF


def sound(name):
    """A sound of the folder; a third of 24,000 Hz by the mean of three samples."""
    with wave.open(str(SOUNDS / f"{name}.wav")) as file:
        samples = array("h", file.readframes(file.getnframes()))
    return bytes(mulaw(sum(samples[i : i + 3]) // 3) for i in range(0, len(samples) - 2, 3))


class Upstream:
    """What the sample and the server say to one another, as the sample's own connection has it."""

    def __init__(self):
        self.news = News()
        self.events = []
        self.sent = []

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    async def count(self, kind, number):
        await self.news.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]


UP = Upstream()


class Noted(websockets.ClientConnection):
    """The connection of the websockets package, which notes what goes through it."""

    async def recv(self, *a, **more):
        text = await super().recv(*a, **more)
        event = json.loads(text)
        if event["type"] == "error":
            saw("error", code=event["error"].get("code"), message=event["error"]["message"])
        UP.events.append(event)
        UP.news.tell()
        return text

    async def send(self, text, *a, **more):
        event = json.loads(text)
        if event["type"] != "input_audio_buffer.append":
            UP.sent.append(event)
        await super().send(text, *a, **more)


class Telephone:
    """One call."""

    def __init__(self, stream):
        self.stream = stream
        self.said = b""
        self.waiting = deque()  # sound and marks, in order
        self.played = self.cleared = 0
        self.lost = False
        self.sid = "MZ" + "0" * 32

    def say(self, name):
        self.said += sound(name)

    async def speak(self):
        start = {"event": "start", "start": {"streamSid": self.sid}, "streamSid": self.sid}
        await self.stream.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await self.stream.send(json.dumps(start))
        loop = asyncio.get_running_loop()
        due, sent = loop.time(), 0
        while True:
            frame, self.said = self.said or SILENCE, b""
            sent += len(frame)
            media = {
                "payload": base64.b64encode(frame).decode(),
                "timestamp": str(sent * 1000 // RATE),
                "track": "inbound",
            }
            await self.stream.send(json.dumps({"event": "media", "streamSid": self.sid, "media": media}))
            due += len(frame) / RATE
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def listen(self):
        async for text in self.stream:
            told = json.loads(text)
            match told["event"]:
                case "media":
                    self.waiting.append(base64.b64decode(told["media"]["payload"]))
                case "mark":
                    self.waiting.append(told["mark"]["name"])
                case "clear":
                    self.waiting.clear()
                    self.cleared += 1
            UP.news.tell()
        self.lost = True
        UP.news.tell()

    async def play(self):
        while True:
            if not self.waiting:
                await asyncio.sleep(0.02)
                continue
            piece = self.waiting.popleft()
            if isinstance(piece, str):
                await self.stream.send(json.dumps({"event": "mark", "streamSid": self.sid, "mark": {"name": piece}}))
                continue
            self.played += len(piece)
            UP.news.tell()
            await asyncio.sleep(len(piece) / RATE)


async def turn(call, words, number):
    before = call.played
    await ask("hear", words=words)
    call.say("question")
    response = (await UP.count("response.done", number))["response"]
    item = response["output"][0]
    mine = [e for e in UP.events if e.get("item_id") == item["id"]]
    size = sum(len(base64.b64decode(e["delta"])) for e in mine if e["type"] == "response.output_audio.delta")
    await UP.news.until(lambda: call.played - before >= size)
    saw(
        "turn",
        user=UP.of("conversation.item.input_audio_transcription.completed")[-1]["transcript"],
        agent=item["content"][0]["transcript"],
        deltas="".join(e["delta"] for e in mine if e["type"] == "response.output_audio_transcript.delta"),
        seconds=(call.played - before) / RATE,
        status=response["status"],
    )


async def asks(call, words, number):
    before = call.played
    await ask("hear", words=words)
    call.say("question")
    item = (await UP.count("response.output_item.added", number))["item"]
    await UP.news.until(lambda: call.played - before > RATE)
    return item


async def talk(call):
    await UP.count("session.updated", 1)
    formats = UP.of("session.updated")[0]["session"]["audio"]
    saw("formats", both=[formats[way]["format"] for way in ("input", "output")])
    await turn(call, "where is my order", 1)
    await turn(call, "and where is the other one", 2)

    await asks(call, "where is my order", 3)
    before = len(UP.of("input_audio_buffer.speech_started")) + call.cleared
    await ask("hear", words="mhm")
    call.say("backchannel")
    response = (await UP.count("response.done", 3))["response"]
    starts = len(UP.of("input_audio_buffer.speech_started")) + call.cleared - before
    saw("backchannel", status=response["status"], starts=starts)

    item = await asks(call, "where is my order", 4)
    await ask("hear", words="no stop that please")
    call.say("question")
    response = (await UP.count("response.done", 4))["response"]

    def cuts(events):
        return [e for e in events if "item.truncate" in e["type"] and e["item_id"] == item["id"]]

    await UP.count("response.done", 5)
    # The sample clears and truncates only while marks are out. Its line may have run dry in the pause before.
    asked = cuts(UP.sent)
    await UP.news.until(lambda: len(cuts(UP.events)) == 1 + len(asked))
    kept = next(e["item"] for e in UP.of("conversation.item.done") if e["item"]["id"] == item["id"])
    saw(
        "interruption",
        status=response["status"],
        reason=response["status_details"]["reason"],
        heard=cuts(UP.events)[-1]["sophia"]["heard"],
        server=cuts(UP.events)[0]["sophia"]["heard"],
        asked_ms=[event["audio_end_ms"] for event in asked],
        cleared=call.cleared,
        item=kept["status"],
    )
    await turn(call, "where is my order", 6)


async def serving():
    """The sample, on a free port; its own address of the server is the only thing that is changed."""
    source = (Path(sys.prefix) / "sample/main.py").read_text()
    assert "wss://api.openai.com/v1/realtime" in source
    os.environ["OPENAI_API_KEY"] = KEY
    sample = types.ModuleType("sample")
    exec(compile(source.replace("wss://api.openai.com/v1/realtime", SOCKET), "main.py", "exec"), sample.__dict__)
    connect = websockets.connect
    sample.websockets = types.SimpleNamespace(connect=lambda *a, **more: connect(*a, create_connection=Noted, **more))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(sample.app, log_level="warning"))
    return listening.getsockname()[1], asyncio.create_task(server.serve(sockets=[listening]))


async def main():
    port, serving_task = await serving()
    address = f"ws://127.0.0.1:{port}/media-stream"
    async with websockets.connect(address) as stream, asyncio.TaskGroup() as group:
        call = Telephone(stream)
        tasks = [group.create_task(work()) for work in (call.speak, call.listen, call.play)]
        await talk(call)
        await ask("kill")
        for task in tasks:
            task.cancel()
    await ask("restart")
    before = len(UP.events)
    async with websockets.connect(address) as stream, asyncio.TaskGroup() as group:
        speaking = group.create_task(Telephone(stream).speak())
        await UP.news.until(lambda: len(UP.events) > before)
        saw("again", first=UP.events[before]["type"])
        speaking.cancel()
    serving_task.cancel()


asyncio.run(main())
