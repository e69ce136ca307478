"""What the scripts of Python clients share: the conversation with whoever runs them, and the user's voice.

A script says what it saw in lines of JSON, and asks for things in others; each of those is answered by a line. It needs
nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import wave
from pathlib import Path

URL = os.environ["SOPHIA_URL"]
"""https://host:port/v1"""
SOCKET = URL.replace("https:", "wss:", 1) + "/realtime"
KEY = os.environ["SOPHIA_KEY"]
SOUNDS = Path(os.environ["SOPHIA_SOUNDS"])
RATE = 24_000
FRAME = RATE // 50 * 2
"""Bytes of 20 ms."""
OUT = sys.stdout
"""Where facts go, whatever a client does with its output."""

TOOL = {
    "type": "function",
    "name": "order_status",
    "description": "Where an order is.",
    "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
}


def saw(what: str, **facts: object) -> None:
    """Tells a fact."""
    print(json.dumps({"saw": what, **facts}), file=OUT, flush=True)


async def ask(what: str, **more: object) -> None:
    """Has something done: ``hear`` (the words of what is said next), ``kill``, ``restart``; waits until it is."""
    print(json.dumps({"ask": what, **more}), file=OUT, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


class Voice:
    """A microphone that is always open: ``frames`` yields int16 little-endian mono of 24 kHz.

    Silence comes in real time, 20 ms at a time. What is said comes at once. The server plays it in its own time, so a
    busy machine cannot tear it.
    """

    def __init__(self) -> None:
        self._said = b""

    def say(self, name: str) -> None:
        """Says a sound of the folder."""
        with wave.open(str(SOUNDS / f"{name}.wav")) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
            self._said += file.readframes(file.getnframes())

    async def frames(self):
        """What there is to send."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            frame, self._said = self._said or bytes(FRAME), b""
            yield frame
            due += len(frame) / 2 / RATE
            await asyncio.sleep(max(0.0, due - loop.time()))


def encoded(frame: bytes) -> str:
    """As the protocol has it."""
    return base64.b64encode(frame).decode("ascii")


class News:
    """Waits for what others tell."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def tell(self) -> None:
        """Something changed."""
        self._happened.set()

    async def until(self, true, seconds: float = 20.0) -> None:
        """Waits until a condition holds; raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            while not true():
                self._happened.clear()
                await self._happened.wait()
