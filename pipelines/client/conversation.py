"""One conversation with a server: microphone and typed lines out, her voice and the words of both in."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from pipelines.client.address import Address
from pipelines.client.voice import Voice
from pipelines.talk.cueing import cue_in_turn
from pipelines.talk.devices import Devices
from sophia.aside import aside
from sophia.audio import EAR_RATE, Pcm
from sophia.soundbite import Soundbite

WAITING = 500
"""Events that wait to be sent, 10 s of sound (policy when full: the oldest is dropped)."""

PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each new try to reach a server that is away or full; then it is given up."""

CONNECT_SECONDS = 5.0

NOTHING_TO_CANCEL = "response_cancel_not_active"

REFUSALS = {401: "it asks for its key: paste its whole address, or name a --key-file", 404: "it serves no such thing"}


class Refused(Exception):
    """There is no talking with that server; the message is one line that says what to do."""


class Client:
    """Talks until the soundbites or the typed lines are over; ``say`` is handed lines for people."""

    def __init__(self, server: Address, devices: Devices, *, headphones: bool, say: Callable[[str], None]) -> None:
        self._server, self._devices, self._say = server, devices, say
        self._voice = Voice(self.send, self._sounds)
        self._queue: asyncio.Queue[dict[str, Any]] | None = None
        self._floor, self._turns = "listening", 0
        self._trouble = ""
        self._wishes: dict[str, Any] = {
            "type": "realtime",
            "extensions": ["sophia.playout", "sophia.ledger", "sophia.floor", "sophia.notice", "sophia.resume"],
            "audio": {"input": {"format": {"type": "audio/pcm", "rate": EAR_RATE}}},
            "sophia": {"headphones": headphones or devices.echo is not None},
        }

    async def run(self) -> None:
        """Raises :class:`Refused`, and what source and sink raise, in an exception group."""
        source, sink, ready = self._devices.source, self._devices.sink, asyncio.Event()
        async with asyncio.TaskGroup() as group:
            work = sink.run(self._voice.playout), self._voice.report(), self._stay_connected(ready), self._listen(ready)
            tasks = [group.create_task(one) for one in work]
            await ready.wait()
            await (self._cue(source) if isinstance(source, Soundbite) else self._type())
            for task in tasks:
                task.cancel()
        await source.aclose()
        await sink.aclose()

    def send(self, event: dict[str, Any]) -> None:
        """Sends an event; while there is no connection, to nobody."""
        if self._queue:
            if self._queue.full():
                self._queue.get_nowait()
            self._queue.put_nowait(event)

    def write(self, text: str) -> None:
        """Sends a typed line, to be answered at once."""
        if not self._queue:
            return self._say("There is no connection; that was not sent.")
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        self.send({"type": "response.cancel"})  # she answers one thing at a time
        self.send({"type": "conversation.item.create", "item": item})
        self.send({"type": "response.create"})

    def _sounds(self, pcm: Pcm, time: float, pieces: Any) -> None:
        if self._devices.echo:
            self._devices.echo.reference(pcm, self._voice.playout.rate, time)

    async def _listen(self, ready: asyncio.Event) -> None:
        echo = self._devices.echo
        await ready.wait()
        async for heard in self._devices.source.frames():
            for frame in echo.process(heard) if echo else (heard,):
                audio = base64.b64encode(frame.pcm.astype("<i2", copy=False).tobytes()).decode("ascii")
                self.send({"type": "input_audio_buffer.append", "audio": audio})

    async def _type(self) -> None:
        while line := await aside(sys.stdin.readline):
            if line.strip():
                self.write(line.strip())
        await asyncio.Event().wait()  # nobody types any more, and somebody may speak

    async def _cue(self, source: Soundbite) -> None:
        def busy() -> bool:
            return not self._queue or self._floor != "listening" or not self._voice.playout.idle

        await cue_in_turn(source, busy, lambda: self._turns, self._say)

    async def _stay_connected(self, ready: asyncio.Event) -> None:
        server, tries = self._server, iter(PATIENCE)
        async with aiohttp.ClientSession() as session:
            while True:
                why = "The server has ended the conversation"
                try:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        url, key = await self._lease(session) if server.pool else (server.url, server.key)
                        socket = await session.ws_connect(
                            url, headers=_showing(key), heartbeat=20.0, ssl=server.tls or True
                        )
                    tries = iter(PATIENCE)
                    await self._hold(socket, ready)
                    if socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION:
                        raise Refused(f"The server ended it: {self._trouble or 'it gave no reason'}.")
                except aiohttp.ClientConnectorCertificateError as error:
                    why = f"The server's certificate is not trusted ({error.certificate_error}); give --ca."
                    raise Refused(why) from None
                except aiohttp.ClientResponseError as error:
                    why = f"The server says no ({error.status}): {REFUSALS.get(error.status, error.message)}"
                    if error.status != 503:
                        raise Refused(f"{why}.") from None
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    why = f"The server cannot be reached ({error or 'no answer'})"
                if (wait := next(tries, None)) is None:
                    raise Refused(f"{why}; given up. Is it running at {server.url}?")
                self._say(f"{why}. Trying again in {wait:g} s.")
                await asyncio.sleep(wait)

    async def _lease(self, session: aiohttp.ClientSession) -> tuple[str, str | None]:
        """Where there is room, and what opens it. Raises ``ClientResponseError`` with 503 where there is none."""
        server = self._server
        async with session.post(server.url, headers=_showing(server.key), ssl=server.tls or True) as answer:
            answer.raise_for_status()
            try:
                lease = await answer.json()
                secret = lease.get("client_secret")
                return str(lease["url"]), None if secret is None else str(secret["value"])
            except (ValueError, LookupError, TypeError, AttributeError):
                raise Refused(f"{server.url} gives no leases; is it the address of a pool?") from None

    async def _hold(self, socket: aiohttp.ClientWebSocketResponse, ready: asyncio.Event) -> None:
        self._queue, self._trouble, self._floor = asyncio.Queue(WAITING), "", "listening"
        self.send({"type": "session.update", "session": self._wishes})
        ready.set()
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(self._send_all(socket, self._queue))
            try:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        try:
                            await self._take(json.loads(message.data))
                        except (ValueError, LookupError, TypeError, AttributeError):  # whatever a server may send
                            self._say("The server sent what is not understood here; that was left out.")
            finally:
                self._queue = None
                self._voice.stop_all()
                sender.cancel()

    async def _send_all(self, socket: aiohttp.ClientWebSocketResponse, queue: asyncio.Queue[dict[str, Any]]) -> None:
        with suppress(aiohttp.ClientError, ConnectionError):  # the other side of it sees the end
            while True:
                await socket.send_str(json.dumps(await queue.get()))

    async def _take(self, event: dict[str, Any]) -> None:
        item, ours = event.get("item_id", ""), event.get("sophia") or {}
        match event.get("type"):
            case "response.output_audio.delta":
                await self._voice.sound(item, ours.get("audio_start_ms"), base64.b64decode(event["delta"]))
            case "response.output_audio.done":
                self._voice.finish(item)
            case "sophia.playout.pause" | "sophia.playout.clear" as kind:
                self._voice.stop(item, for_good=kind.endswith("clear"))
            case "conversation.item.input_audio_transcription.completed" if event["transcript"]:
                self._say(f"you: {event['transcript']}")
            case "conversation.item.truncated":
                self._voice.stop(item, for_good=True)
                self._say(f"sophia: {ours.get('heard', '')} —")
            case "response.done" if event["response"]["status"] != "cancelled":
                self._say(f"sophia: {event['response']['output'][0]['content'][0]['transcript']}")
            case "sophia.turn.ledger":
                self._turns += 1
                if (whole := event["voice_to_voice_ms"]) is not None:
                    parts = " + ".join(f"{name} {ms:.0f}" for name, ms in event["contributions"].items() if ms >= 0.5)
                    self._say(f"  turn {event['turn']}: {whole:.0f} ms = {parts}")
            case "sophia.resume.token":
                self._wishes["sophia"]["resume"] = event["token"]  # shown to the server that we come to next
            case "sophia.resume.restored" if event["item_ids"]:
                self._say("She goes on where the conversation was.")
            case "sophia.floor":
                self._floor = event["state"]
            case "sophia.notice":
                self._say(event["message"])
            case "error" if event["error"]["code"] != NOTHING_TO_CANCEL:
                self._trouble = event["error"]["message"]
                self._say(f"The server: {self._trouble}")


def _showing(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}
