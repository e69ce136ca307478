"""Faults of the server's clients: those who do not read, tear off, come in crowds or send nonsense; and its own end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from benchmarks.chaos.fault import Fault
from benchmarks.chaos.trial import Record, Trial

TEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Tell me a story."}]}
STALL_SECONDS = 60.0
"""A client that does not read is to be gone by then: 10 s after what the kernel and the client hold is full."""


async def ask(socket: ClientWebSocketResponse) -> None:
    """Asks for a story in writing."""
    await socket.send_str(json.dumps({"type": "conversation.item.create", "item": TEXT}))
    await socket.send_str(json.dumps({"type": "response.create"}))


async def until(socket: ClientWebSocketResponse, kind: str) -> None:
    """Reads to the first event of a kind."""
    async with asyncio.timeout(20):
        async for message in socket:
            if message.type is WSMsgType.TEXT and json.loads(message.data)["type"] == kind:
                return
    raise ClientError(f"closed before {kind}")


async def reads_nothing(trial: Trial) -> None:
    async with ClientSession() as client, client.ws_connect(f"{trial.address}v1/realtime", max_msg_size=0) as socket:
        trial.say("a client asks for stories and reads nothing")
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        with suppress(ClientError, ConnectionError, TimeoutError):
            async with asyncio.timeout(STALL_SECONDS):
                while True:
                    await ask(socket)
                    await asyncio.sleep(2.0)
        went = loop.time() - began
        trial.say(f"it could write for {went:.0f} s")
        if went >= STALL_SECONDS:
            trial.record.breaches.append(f"a client that reads nothing was not cut off within {STALL_SECONDS:g} s")


async def torn_off(trial: Trial) -> None:
    trial.say("20 clients are torn off in the middle of a reply, one after another")
    for _ in range(20):
        async with ClientSession() as client:
            try:
                socket = await client.ws_connect(f"{trial.address}v1/realtime", max_msg_size=0)
            except WSServerHandshakeError:
                await asyncio.sleep(0.3)
                continue
            await ask(socket)
            with suppress(ClientError, TimeoutError):
                await until(socket, "response.output_audio.delta")
            if (connection := socket._response.connection) and connection.transport:
                connection.transport.abort()


async def a_crowd(trial: Trial) -> None:
    await trial.speaking()
    trial.say("40 clients come at once, to a server with 4 places")
    refused: list[int] = []

    async def come(client: ClientSession) -> None:
        try:
            async with client.ws_connect(f"{trial.address}v1/realtime") as socket:
                await until(socket, "session.created")
                await asyncio.sleep(3.0)
        except WSServerHandshakeError as error:
            refused.append(error.status)

    async with ClientSession() as client:
        await asyncio.gather(*(come(client) for _ in range(40)))
    trial.say(f"{len(refused)} were refused")
    if set(refused) != {503}:
        trial.record.breaches.append(f"refusals were {sorted(set(refused))}, not 503")


async def nonsense(trial: Trial) -> None:
    trial.say("a client sends 2,000 messages of nonsense")
    chance = trial.chance
    pieces: list[Any] = ["", "{", "[]", "null", '{"type": 1}', '{"type": "session.update", "session": 3}', "\ud83d" * 3]
    async with ClientSession() as client:
        socket = await client.ws_connect(f"{trial.address}v1/realtime", max_msg_size=0)
        reading = asyncio.create_task(_read(socket))
        with suppress(ClientError, ConnectionError):
            for _ in range(2000):
                piece = chance.choice([*pieces, chance.randbytes(chance.randrange(1, 3000))])
                if isinstance(piece, bytes):
                    await socket.send_bytes(piece)
                else:
                    await socket.send_str(piece.encode("utf-8", "replace").decode())
        await socket.close()
        reading.cancel()


async def _read(socket: ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


async def told_to_end(trial: Trial) -> None:
    """SIGTERM lets conversations go on, for as long as it is set; these never end by themselves."""
    await trial.speaking()
    trial.say("SIGTERM, while two conversations go on")
    os.kill(trial.pid, signal.SIGTERM)
    await trial.gone()
    trial.say("it has ended")


def seen_out(record: Record) -> list[str]:
    """Each caller was told that the server ends."""
    return [f"a caller was left with {caller.ended}" for caller in record.callers if caller.ended != 1001]


CLIENTS = (
    Fault(
        "client-reads-nothing",
        "a client asks again and again, and reads nothing",
        f"it is cut off within {STALL_SECONDS:g} s; the others go on",
        reads_nothing,
        ("server",),
    ),
    Fault(
        "client-torn-off",
        "20 clients vanish in the middle of a reply",
        "nothing of them is left; the others go on",
        torn_off,
        ("server",),
    ),
    Fault(
        "client-crowd",
        "40 clients come at once",
        "503 for whoever finds no place; those who talk go on",
        a_crowd,
        ("server",),
    ),
    Fault(
        "client-nonsense",
        "2,000 messages of nonsense",
        "answered or cut off; the others go on",
        nonsense,
        ("server",),
    ),
    Fault(
        "drain",
        "SIGTERM while two conversations go on",
        "they go on for drain_seconds, then are told (1001); exit code 0",
        told_to_end,
        ("server",),
        recovers=0,
        ends=True,
        expect=seen_out,
        settings=("server.drain_seconds=5",),
    ),
)
