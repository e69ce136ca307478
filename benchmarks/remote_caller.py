"""A caller over a socket, and what it holds the server to: each response ends once, and nothing of it comes after."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from benchmarks.checker import RESIDUE_SECONDS
from pipelines.conversation.events import TextTyped
from pipelines.simulation.exact import SimulatedUser
from sophia.audio import EAR_RATE

EXTENSIONS = "sophia.ledger,sophia.floor,sophia.notice"

ROUNDING_MS = 0.01
"""Of a ledger on the wire, times the contributions there are."""

RECENT = 64
"""Responses of which it is remembered that they are over."""

CONNECT_SECONDS = 10.0
AGAIN_SECONDS = 2.0
"""After a refusal for want of room, which a server that is late says as well."""


class RemoteCaller:
    """One conversation over ``address``; ``user`` speaks, and stops when it is over.

    ``phase`` is what the server says of the floor. ``ended`` is the code that the socket was closed with; 1006 where it
    was torn off, 0 while it is open. ``refused`` counts the times that there was no room. ``ledgers`` are the last
    ones, as the wire has them, ``notices`` the last of them.
    """

    def __init__(
        self,
        address: str,
        user: SimulatedUser,
        breach: Callable[[str], None],
        *,
        ledger: Callable[[dict[str, Any]], None] = lambda ledger: None,
    ) -> None:
        self.turns = 0
        self.phase = "idle"
        self.ended = 0
        self.refused = 0
        self.ledgers: deque[dict[str, Any]] = deque(maxlen=200)
        self.notices: deque[str] = deque(maxlen=200)
        self.errors: deque[str] = deque(maxlen=50)
        self.sound_bytes = 0
        self._address = address
        self._user = user
        self._breach = breach
        self._ledger = ledger
        self._typed: asyncio.Queue[str] = asyncio.Queue(8)
        self._stopping = asyncio.Event()
        self._open: set[str] = set()
        self._over: deque[str] = deque(maxlen=RECENT)
        self._turns: deque[int] = deque(maxlen=RECENT)

    def tell(self, event: TextTyped) -> None:
        """Types a message; where eight wait already, nothing is sent."""
        if not self._typed.full():
            self._typed.put_nowait(event.text)

    def stop(self) -> None:
        """Leaves."""
        self._stopping.set()

    def close(self) -> None:
        """It is over; what may still be open is the server's to forget."""

    async def run(self) -> None:
        """Talks until it is stopped or the server ends it. Raises ``ClientError`` and ``TimeoutError`` at the start."""
        async with ClientSession() as client:
            if (socket := await self._come_in(client)) is None:
                return
            audio = {"input": {"format": {"type": "audio/pcm", "rate": EAR_RATE}}}
            session = {"type": "realtime", "audio": audio, "sophia": {"headphones": True}}
            work = (self._listen(socket), self._speak(socket), self._type(socket), self._stopping.wait())
            async with socket:
                await socket.send_str(json.dumps({"type": "session.update", "session": session}))
                tasks = [asyncio.create_task(one) for one in work]
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                    await self._user.aclose()
            self.ended = self.ended or socket.close_code or 1006

    async def _come_in(self, client: ClientSession) -> ClientWebSocketResponse | None:
        """Connects, for as often as there is no room; None if it was stopped before there was any."""
        url = f"{self._address}v1/realtime?extensions={EXTENSIONS}"
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await client.ws_connect(url, max_msg_size=0)
            except WSServerHandshakeError as error:
                if error.status != 503:
                    raise
                self.refused += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    await self._stopping.wait()
        return None

    async def _speak(self, socket: ClientWebSocketResponse) -> None:
        async for frame in self._user.frames():
            sound = base64.b64encode(frame.pcm.astype("<i2").tobytes()).decode("ascii")
            try:
                await socket.send_str(json.dumps({"type": "input_audio_buffer.append", "audio": sound}))
            except (ConnectionError, ClientError):
                break  # the reader knows why
        await self._stopping.wait()

    async def _type(self, socket: ClientWebSocketResponse) -> None:
        while True:
            text = await self._typed.get()
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
            for event in ({"type": "conversation.item.create", "item": item}, {"type": "response.create"}):
                await socket.send_str(json.dumps(event))

    async def _listen(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._heard(json.loads(message.data))
        self.ended = socket.close_code or 1006

    def _heard(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "response.created":
                self._open.add(event["response"]["id"])
            case "response.done":
                done = event["response"]["id"]
                self._hold(done in self._open, f"{done} ended, and was not open")
                self._open.discard(done)
                self._over.append(done)
            case "response.output_audio.delta":
                self.sound_bytes += len(event["delta"]) * 3 // 4
                self._hold(event["response_id"] not in self._over, f"{event['response_id']} sounded after its end")
            case "sophia.floor":
                self.phase = "idle" if event["state"] == "listening" else event["state"]
            case "sophia.turn.ledger":
                self._told(event)
            case "sophia.notice":
                self.notices.append(f"{event['service']} {event['state']}")
            case "error":
                self.errors.append(f"{event['error'].get('code')}: {event['error'].get('message')}")
            case _:
                pass

    def _told(self, ledger: dict[str, Any]) -> None:
        self.turns += 1
        self.ledgers.append(ledger)
        self._ledger(ledger)
        turn, waited, parts = ledger["turn"], ledger["voice_to_voice_ms"], ledger["contributions"]
        self._hold(turn not in self._turns, f"turn {turn} ended twice")
        self._turns.append(turn)
        self._hold(bool(ledger["outcome"]), f"turn {turn} ended without an outcome")
        if waited is not None and waited >= 0:
            missed = abs(sum(parts.values()) - waited)
            self._hold(missed <= 1000 * RESIDUE_SECONDS + ROUNDING_MS, f"turn {turn} misses {missed:.1f} ms")

    def _hold(self, kept: bool, otherwise: str) -> None:
        if not kept:
            self._breach(otherwise)
